import { type Address, formatAddress, type TcpAddress } from "../../adapters/address.ts";
import { describe, type LogEntry } from "../../session/log.ts";
import type { ShadowReport } from "../../session/member.ts";
import { describeWorker, levelOf, type WorkerEvent } from "../../workers/events.ts";
import { visible } from "../layout.ts";
import { PATHS } from "./health/answers.ts";
import type { Facts, Happening } from "./reporter.ts";

/** What happens to a server, beside its messages: each is told by one of these. */

/** It listens. */
export function listening(modules: readonly string[], addresses: readonly Address[], pid: number): Happening {
  const where = addresses.map(formatAddress);
  return plain("listening", "news", `serving ${modules.join(", ")} on ${where.join(", ")}`, {
    addresses: where,
    pid,
  });
}

/** It answers probes. */
export function answeringProbes(address: Address): Happening {
  const where = "path" in address ? formatAddress(address) : urlOf(address);
  return plain("health", "news", `health check on ${where}: ${PATHS.join(", ")}`, { address: where });
}

/** Others than this machine may ask it, too. */
export function probesOfAll(address: TcpAddress): Happening {
  return plain(
    "warning",
    "warning",
    `The health check on ${urlOf(address)} answers everybody who gets there, with metrics of the mail`,
  );
}

/** It serves another filter from now on. */
export function reloaded(connections: number): Happening {
  const others = connections === 0 ? "" : `; ${count(connections)} on the code that was there before`;
  return plain("reloaded", "news", `reloaded${others}`, { connections });
}

/** It goes on with the filter that it has. */
export function reloadFailed(error: unknown): Happening {
  const why = error instanceof Error ? error.message : String(error);
  return plain("reloadFailed", "error", `${why}; what was loaded before goes on`);
}

/** It takes no more connections. */
export function stopping(connections: number, seconds: number): Happening {
  const waiting = connections === 0 ? "" : `: ${count(connections)}, ${seconds} s to finish a message`;
  return plain("stopping", "news", `stopping${waiting}`, { connections });
}

/** It is told again to stop. */
export function hurrying(connections: number): Happening {
  return plain("hurrying", "news", `stopping at once: ${count(connections)}`, { connections });
}

/** It has ended. */
export function stopped(late: number): Happening {
  return late === 0
    ? plain("stopped", "news", "stopped", { late })
    : plain("stopped", "error", `stopped: the time was up for ${count(late)}`, { late });
}

/** Something that only harms a convenience. */
export function failed(error: unknown): Happening {
  return plain("warning", "warning", error instanceof Error ? error.message : String(error));
}

/** A line of the library's log. */
export function logged(entry: LogEntry): Happening {
  const { level, message, error, filter, peer, stage, queueId } = entry;
  const stack = level === "error" && error instanceof Error ? error.stack ?? "" : "";
  const trace = stack.split("\n").filter((line) => line.trim() !== "");
  return {
    event: "log",
    level: level === "error" ? "error" : level === "warning" ? "warning" : "debug",
    facts: () => ({ level, message, filter, peer, stage, queueId, stack: stack || undefined }),
    text: () => [describe(entry), ...trace].map(visible).join("\n  "),
  };
}

/** What happens to a worker. */
export function ofWorker(event: WorkerEvent): Happening {
  const level = event.type === "ready" && event.again ? "news" : levelOf(event);
  const { type, ...facts } = "error" in event ? { ...event, error: String(event.error) } : event;
  return plain(`worker${type[0]!.toUpperCase()}${type.slice(1)}`, level, describeWorker(event), facts);
}

/** What a filter that is only watched would have said: worth a line if it is something else. */
export function shadowVerdict({ name, verdict, actual }: ShadowReport): Happening {
  const level = verdict.type === actual.type ? "debug" : "result";
  return plain("shadow", level, `shadow ${name} would have said ${verdict.type}, not ${actual.type}`, {
    filter: name,
    verdict: verdict.type,
    actual: actual.type,
  });
}

/** A happening of plain text. */
function plain(
  event: string,
  level: Happening["level"],
  text: string,
  facts: Facts = {},
): Happening {
  return { event, level, text: () => text, facts: () => ({ message: text, ...facts }) };
}

function urlOf({ host, port }: TcpAddress): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function count(connections: number): string {
  return `${connections} ${connections === 1 ? "connection" : "connections"}`;
}
