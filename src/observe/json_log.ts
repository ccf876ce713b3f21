/**
 * A log of one JSON object a line: for each message, each connection that failed, and whatever else an administrator
 * may want to know.
 *
 * ```ts
 * import { accept, serve } from "@kilter/milter";
 * import { jsonLog } from "@kilter/milter/json-log";
 *
 * await using server = await serve(() => accept(), { listen: "inet:0@127.0.0.1", observer: jsonLog() });
 * ```
 *
 * @module
 */

import type { ObservedMessage, Observer } from "../session/observer.ts";

/** What is logged. */
export interface JsonLogOptions {
  /** Takes each line, without its end; by default the console's standard output. */
  readonly write?: (line: string) => void;
  /** Whether the addresses of senders and recipients are logged; `true` by default. */
  readonly addresses?: boolean;
  /** The least level that is logged; `"info"` by default. */
  readonly level?: Level;
  /** What else is to be said of a message. */
  readonly fields?: (message: ObservedMessage) => Readonly<Record<string, unknown>>;
}

/** How much a line matters. What becomes of messages is `"info"`. */
export type Level = "debug" | "info" | "warning" | "error";

const RANKS: Readonly<Record<Level, number>> = { debug: 0, info: 1, warning: 2, error: 3 };

/**
 * An observer that logs JSON.
 *
 * @throws {TypeError} if the level is none.
 */
export function jsonLog(options: JsonLogOptions = {}): Observer {
  const { write = console.log, addresses = true, level: least = "info", fields } = options;
  if (!Object.hasOwn(RANKS, least)) {
    throw new TypeError(`Cannot log: level must be one of ${Object.keys(RANKS).join(", ")}`);
  }
  const log = (level: Level, event: string, rest: Readonly<Record<string, unknown>>) => {
    if (RANKS[level] < RANKS[least]) return;
    write(JSON.stringify({ time: new Date().toISOString(), level, event, ...rest }));
  };
  return {
    messageEnded: (message) =>
      log("info", "message", { ...factsOf(message, addresses), ...fields?.(message) }),
    connectionOpened: ({ peer }) => log("debug", "connected", { peer }),
    connectionClosed: ({ peer, duration, messages }) =>
      log("debug", "disconnected", { peer, messages, ms: Math.round(duration) }),
    logged: ({ level, message, error, filter, peer, stage, queueId }) =>
      log(level, "log", { message, filter, peer, stage, queueId, stack: stackOf(error, level) }),
  };
}

/** A message in a line. What is not known is left out. */
function factsOf(message: ObservedMessage, addresses: boolean): Readonly<Record<string, unknown>> {
  const { queueId, client, helo, sender, recipients, verdict, edits, error } = message;
  const taken = recipients.filter(({ refusal, refused }) => refusal === undefined && !refused);
  const refused = recipients.filter(({ refusal }) => refusal !== undefined);
  const reply = verdict !== undefined && "reply" in verdict ? verdict.reply : undefined;
  return {
    queueId,
    client: client.address,
    host: client.host || undefined,
    helo,
    ...addresses && {
      from: sender?.address,
      to: taken.map(({ address }) => address),
      refusedTo: refused.length > 0 ? refused.map(({ address }) => address) : undefined,
    },
    recipients: taken.length,
    verdict: verdict?.type,
    reply: reply && [reply.code, reply.enhanced, ...reply.lines].filter(Boolean).join(" "),
    reason: verdict?.type === "quarantine" ? verdict.reason : undefined,
    filter: message.filter,
    error: error === undefined ? undefined : error instanceof Error ? error.message : String(error),
    stage: message.stage,
    edits: edits.map(({ reply: { type }, header }) => header === undefined ? type : `${type} ${header.name}`),
    bodyBytes: message.bodyBytes,
    ms: Math.round(message.duration),
    filterMs: Math.round(message.filterTime),
    peer: message.connection.peer || undefined,
  };
}

/** Where a failure of a filter is to be looked for; what a peer did wrong has its place in the message. */
function stackOf(error: unknown, level: Level): string | undefined {
  return level === "error" && error instanceof Error ? error.stack : undefined;
}
