import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Address, type InheritedSocket, parseListen } from "../adapters/address.ts";
import { openToAll, type ServeOptions, type ShutdownOptions } from "../server/server.ts";
import { consoleLog, type Log } from "../session/log.ts";
import { Crew, type WorkerState } from "./crew.ts";
import { describeWorker, levelOf, type WorkerEvent } from "./events.ts";
import { WORKER, type WorkerData } from "./worker.ts";

/** How a module is served by several processes. */
export interface ServeWorkersOptions extends Pick<ServeOptions, "allow" | "limits" | "timeouts" | "signal"> {
  /** Where all workers listen: as in {@linkcode ServeOptions}. */
  readonly listen: string | Address | InheritedSocket;
  /** How many workers there are; by default one for each processor. */
  readonly workers?: number;
  /** What becomes of a message whose filter fails: see {@linkcode ErrorPolicy}; `"tempfail"` by default. */
  readonly onError?: "tempfail" | "accept" | "reject";
  /** Is told what happens to workers: that one has died, has not answered, serves again. */
  readonly onEvent?: (event: WorkerEvent) => void;
  /** Takes what is to be logged of workers; by default it goes to the console. Each worker has a log of its own. */
  readonly log?: Log;
  /** How long a worker may not answer before that is told, in milliseconds; 10,000 by default. */
  readonly silentAfter?: number;
  /** How long a worker may not answer before it is ended, in milliseconds; by default it is left in peace. */
  readonly killAfter?: number;
  /**
   * What the workers' runtime is told, before the name of their program. By default that is what this process was
   * told, without an inspector, on Node; nothing on Bun; and on Deno, which does not tell what it was permitted,
   * `--allow-all`.
   */
  readonly runtimeArguments?: readonly string[];
}

/** How workers are replaced. */
export interface ReloadOptions {
  /**
   * How long a worker that is replaced goes on with the connections that it has, in milliseconds; 300,000 by default.
   * What has not ended then ends as when a server is shut down.
   */
  readonly linger?: number;
}

/** A module that is served by several processes. */
export interface Workers extends AsyncDisposable {
  /** Where they listen: the real port where 0 was asked for. */
  readonly address: Address;
  /** All processes that are alive, as of now. */
  readonly workers: readonly WorkerState[];
  /** Resolves when all have ended because they were shut down. */
  readonly finished: Promise<void>;
  /**
   * Replaces all workers, one after the other, by new ones, which load the module and its packages anew. Each that is
   * replaced takes no more connections, goes on with those that it has, and ends. Resolves when all new ones serve.
   *
   * @throws {Error} if a new one cannot be started, as when the module is broken: those before go on.
   */
  reload(options?: ReloadOptions): Promise<void>;
  /** Shuts all workers down at once, as {@linkcode Server.shutdown} does. A later call can only shorten the time. */
  shutdown(options?: ShutdownOptions): Promise<void>;
}

/** How long workers that are replaced go on by default, in milliseconds: as long as an SMTP client may say nothing. */
export const LINGER = 300_000;

/** How long a worker may not answer by default, in milliseconds. */
export const SILENT_AFTER = 10_000;

/** What cannot go to another process. */
const NOT_HERE = ["observer", "onWarning", "onListen"] as const;

/**
 * Serves the filter that a module exports as its default by several processes on one address. Resolves when all
 * listen.
 *
 * The socket is this process's own: connections wait in it whatever becomes of the workers. Whoever is free takes the
 * next. A worker that dies is replaced, later and later if that happens again and again.
 *
 * A filter is a function and cannot go to another process, so the module is named: by its URL, or by its path from the
 * directory that this process is in. What else cannot, such as `observer`, `log` and a function as `onError`, it may
 * export as `options`: they go before those that are given here.
 *
 * Limits are each worker's own.
 *
 * @throws {TypeError | RangeError} if an option is none.
 * @throws {MilterError} `LISTEN` if the address is in use or not permitted.
 * @throws {Error} if the module cannot be loaded.
 *
 * @example
 * ```ts
 * import { serveWorkers } from "@kilter/milter/workers";
 *
 * await using workers = await serveWorkers("examples/strip_x.ts", {
 *   listen: "inet:0@127.0.0.1",
 *   workers: 2,
 *   onEvent: (event) => console.log(event),
 * });
 * console.log(workers.address, workers.workers.map(({ pid }) => pid));
 * await workers.reload();
 * ```
 */
export async function serveWorkers(module: string | URL, options: ServeWorkersOptions): Promise<Workers> {
  const { allow, limits, timeouts, onError, signal, log = consoleLog, onEvent } = options;
  check(options);
  signal?.throwIfAborted();
  const data: WorkerData = {
    module: urlOf(module),
    options: {
      ...allow && { allow },
      ...limits && { limits },
      ...timeouts && { timeouts },
      ...onError && { onError },
    },
  };
  const crew = await Crew.start({
    program: WORKER,
    data,
    listen: [parseListen(options.listen)],
    workers: options.workers ?? availableParallelism(),
    silentAfter: options.silentAfter ?? SILENT_AFTER,
    killAfter: options.killAfter ?? Infinity,
    runtimeArguments: options.runtimeArguments,
    onEvent(event) {
      log({ level: levelOf(event), message: describeWorker(event) });
      onEvent?.(event);
    },
  });
  const open = openToAll(crew.addresses[0]!, allow);
  if (open !== undefined) log({ level: "warning", message: open });
  const workers = new RunningWorkers(crew);
  signal?.addEventListener("abort", workers.onAbort, { once: true });
  void workers.finished.then(() => signal?.removeEventListener("abort", workers.onAbort));
  if (signal?.aborted) workers.onAbort();
  return workers;
}

function check(options: ServeWorkersOptions): void {
  const { workers = 1, silentAfter = 1, killAfter = 1 } = options;
  for (const name of NOT_HERE) {
    if (!(name in options)) continue;
    throw new TypeError(
      `Cannot serve: ${name} cannot go to another process; the module exports it in options`,
    );
  }
  if (!Number.isInteger(workers) || workers < 1) {
    throw new RangeError(`Cannot serve: workers must be a whole number from 1 on, not ${workers}`);
  }
  for (const [name, value] of Object.entries({ silentAfter, killAfter })) {
    if (!(value > 0)) throw new RangeError(`Cannot serve: ${name} must be milliseconds, not ${value}`);
  }
  const { onError } = options;
  if (typeof onError === "function") {
    throw new TypeError("Cannot serve: onError is a function; the module exports it in options");
  }
}

/** A module by its URL: a path is one of this machine. */
function urlOf(module: string | URL): string {
  if (module instanceof URL) return module.href;
  if (typeof module !== "string") throw new TypeError("Cannot serve: the module must be a path or a URL");
  return /^[a-z][a-z+.-]+:/i.test(module) ? module : pathToFileURL(resolve(module)).href;
}

class RunningWorkers implements Workers {
  readonly address: Address;
  readonly finished: Promise<void>;
  readonly #crew: Crew;
  #finish!: (ending: Promise<unknown>) => void;

  constructor(crew: Crew) {
    this.#crew = crew;
    this.address = crew.addresses[0]!;
    this.finished = new Promise<unknown>((resolve) => this.#finish = resolve).then(() => {});
    this.finished.catch(() => {
      // Whoever awaits it is told; so is who called shutdown.
    });
  }

  get workers(): readonly WorkerState[] {
    return this.#crew.workers;
  }

  readonly onAbort = (): void => {
    this.shutdown().catch(() => {
      // Told by `finished`.
    });
  };

  reload({ linger = LINGER }: ReloadOptions = {}): Promise<void> {
    return this.#crew.reload({ linger });
  }

  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    const ending = this.#crew.shutdown(options);
    this.#finish(ending);
    await ending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}
