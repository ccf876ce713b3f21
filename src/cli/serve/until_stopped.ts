import process from "node:process";
import { type Address, formatAddress, type InheritedSocket } from "../../adapters/address.ts";
import { isLoopback } from "../../adapters/network.ts";
import { prometheus } from "../../observe/prometheus.ts";
import { messageOf } from "../../session/reporter.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import { onSignals } from "../signals.ts";
import { FileWatch } from "./file_watch.ts";
import * as happenings from "./happenings.ts";
import type { Checked, Standing } from "./health/answers.ts";
import { HealthCheck } from "./health/health_check.ts";
import { outliveReaders } from "./outputs.ts";
import type { Tell } from "./reporter.ts";
import { serveHere } from "./serve_here.ts";
import type { Served } from "./serving.ts";
import { notify, type ServiceState } from "./systemd.ts";
import { ServingWorkers, type WorkersOptions } from "./workers/serving_workers.ts";

/** What is served, and how. */
export interface ServiceOptions {
  /** The modules whose filters have a say, in their order. */
  readonly modules: readonly string[];
  /** The modules whose filters are only watched. */
  readonly shadows: readonly string[];
  readonly listen: readonly (Address | InheritedSocket)[];
  readonly onError: "tempfail" | "accept" | "reject";
  /** Whether each message is told of. */
  readonly told: boolean;
  /** Whether the modules are loaded anew when their files change. */
  readonly watch: boolean;
  /** Where probes are answered, if they are. */
  readonly health: Address | undefined;
  /** How long messages in progress may take when it is told to stop. */
  readonly drainSeconds: number;
  /** Who serves, if not this process itself. */
  readonly workers: WorkersOptions | undefined;
  /** Takes what happens. */
  readonly tell: Tell;
  /** Ends it, as SIGTERM does. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Serves modules until a signal ends it.
 *
 * @throws {Error} if a module cannot be loaded at the start.
 * @throws {MilterError} `LISTEN` if an address is in use or not permitted.
 */
export async function serveUntilStopped(options: ServiceOptions): Promise<ExitCode> {
  const { workers, tell } = options;
  const modules = [...options.modules, ...options.shadows];
  const own = options.health && prometheus();
  let metrics = () => Promise.resolve(own?.text() ?? "");
  let standing = (): Standing => ({ status: "starting", modules });
  let changed = () => {};
  const watch = options.watch ? new FileWatch(() => changed()) : undefined;
  outliveReaders();
  try {
    // It listens first and ends last, so that probes are told of all that is between.
    await using _health = await openHealth(options, {
      standing: () => standing(),
      metrics: () => metrics(),
    });
    const onFiles = async (files: readonly string[]) => await watch?.follow(files);
    let serving: Served;
    if (workers === undefined) {
      serving = await serveHere({ ...options, observers: own ? [own] : [] }, onFiles);
    } else {
      const crew = serving = await ServingWorkers.start({
        ...options,
        workers,
        metrics: own !== undefined,
      }, onFiles);
      metrics = () => crew.metrics();
    }

    const notices = new Notices(tell);
    changed = () => void reload(serving, notices, tell);
    let stop = () => {};
    const asked = new Promise<void>((resolve) => stop = resolve);
    using _orders = onSignals({
      stop: onceAndAgain(stop, () => {
        tell(happenings.hurrying(serving.connections));
        void serving.shutdown({ timeout: 0 });
      }),
      reload: changed,
    }, options.signal);
    standing = () => standingOf("ready", modules, serving);
    tell(happenings.listening(modules, serving.addresses, process.pid));
    notices.send("READY=1");

    await asked;
    standing = () => standingOf("stopping", modules, serving);
    notices.send("STOPPING=1");
    await serving.look();
    const { connections } = serving;
    const ending = serving.shutdown({ timeout: options.drainSeconds * 1000 });
    tell(happenings.stopping(connections, options.drainSeconds));
    const late = await ending;
    tell(happenings.stopped(late));
    await notices.sent;
    return late === 0 ? EXIT.accepted : EXIT.trouble;
  } finally {
    watch?.stop();
  }
}

/** Answers probes where that was asked for. */
async function openHealth(
  { health, tell }: ServiceOptions,
  checked: Checked,
): Promise<HealthCheck | undefined> {
  if (health === undefined) return undefined;
  const check = await HealthCheck.open(health, checked);
  const { address } = check;
  tell(happenings.answeringProbes(address));
  if ("host" in address && !isLoopback(address.host)) tell(happenings.probesOfAll(address));
  return check;
}

/** What a probe is told of what is served. */
function standingOf(status: Standing["status"], modules: readonly string[], serving: Served): Standing {
  const { addresses, connections, reloadFailure, ready, workers } = serving;
  return {
    // Where all workers have died, others are about to start.
    status: status === "ready" && !ready ? "starting" : status,
    modules,
    addresses: addresses.map(formatAddress),
    connections,
    workers,
    // Not a reason to send mail elsewhere: what was loaded before goes on.
    reloadFailed: reloadFailure && messageOf(reloadFailure),
  };
}

async function reload(serving: Served, notices: Notices, tell: Tell): Promise<void> {
  notices.send("RELOADING=1");
  try {
    await serving.reload();
    await serving.look();
    tell(happenings.reloaded(serving.connections));
  } catch (error) {
    tell(happenings.reloadFailed(error));
  }
  notices.send("READY=1");
}

/** What is done the first time, and what each further time. */
function onceAndAgain(first: () => void, further: () => void): () => void {
  let times = 0;
  return () => times++ === 0 ? first() : further();
}

/** What systemd is told, one after the other: it must come in order. */
class Notices {
  /** When all has been sent. */
  sent: Promise<void> = Promise.resolve();
  readonly #tell: Tell;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  send(state: ServiceState): void {
    this.sent = this.sent.then(() => notify(process.env, state)).catch((error) => {
      this.#tell(happenings.failed(error));
    });
  }
}
