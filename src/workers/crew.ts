import type { Address, InheritedSocket } from "../adapters/address.ts";
import { openShared, type SharedSocket } from "../adapters/shared_socket.ts";
import type { ShutdownOptions } from "../server/server.ts";
import type { WorkerEvent } from "./events.ts";
import { EndedMetrics } from "./ended_metrics.ts";
import { Place } from "./place.ts";
import type { WorkerProcess } from "./worker_process.ts";

/** What a crew is made of. */
export interface CrewOptions {
  /** The program of the workers, by its URL. */
  readonly program: string;
  /** What each is told at its start. */
  readonly data: unknown;
  readonly listen: readonly (Address | InheritedSocket)[];
  /** How many workers there are. */
  readonly workers: number;
  /** How long one may not answer before that is told, in milliseconds. */
  readonly silentAfter: number;
  /** How long one may not answer before it is ended, in milliseconds. */
  readonly killAfter: number;
  readonly runtimeArguments?: readonly string[] | undefined;
  readonly onEvent: (event: WorkerEvent) => void;
  readonly onTell?: (data: unknown) => void;
}

/** A worker as it is seen from outside. */
export interface WorkerState {
  /** Which it is, from 1 on. One that follows another has the same number. */
  readonly place: number;
  /** Its process. */
  readonly pid: number;
  /** `"draining"` is one that takes no more connections, and ends when it has no more. */
  readonly state: "starting" | "serving" | "draining";
  /** How many connections it had when it last answered, some second ago. */
  readonly connections: number;
}

/** How often workers are looked at, in milliseconds. */
const INTERVAL = 1_000;

/** Workers on the same sockets, which are this process's own: connections wait in them, whoever dies. */
export class Crew {
  /** Where all of them listen. */
  readonly addresses: readonly Address[];
  readonly #options: CrewOptions;
  readonly #sockets: readonly SharedSocket[];
  readonly #places: readonly Place[];
  readonly #timer: ReturnType<typeof setInterval>;
  #reloading: Promise<void> = Promise.resolve();
  /** Once it ends. */
  #closed: Promise<unknown> | undefined;

  readonly #ended: EndedMetrics;

  private constructor(
    options: CrewOptions,
    sockets: readonly SharedSocket[],
    places: readonly Place[],
    addresses: readonly Address[],
    ended: EndedMetrics,
  ) {
    this.#ended = ended;
    this.#options = options;
    this.#sockets = sockets;
    this.#places = places;
    this.addresses = sockets.map(({ address }, at) => address ?? addresses[at]!);
    this.#timer = setInterval(() => this.#watch(), INTERVAL);
  }

  /**
   * Opens the sockets and starts the workers: first one, so that a broken module is told of once, then all.
   *
   * @throws {MilterError} `LISTEN` if an address is in use or not permitted.
   * @throws {Error} if a worker cannot be started. Then nothing is left behind.
   */
  static async start(options: CrewOptions): Promise<Crew> {
    const { program, data, listen, workers, runtimeArguments, onTell, onEvent } = options;
    const sockets: SharedSocket[] = [];
    const places: Place[] = [];
    try {
      for (const asked of listen) sockets.push(await openShared(asked));
      const ended = new EndedMetrics();
      const onEnd = ({ metrics }: WorkerProcess) => ended.add(metrics);
      const common = { program, data, sockets, runtimeArguments, onTell, onEnd };
      for (let number = 1; number <= workers; number++) places.push(new Place(number, common, onEvent));
      const [first, ...others] = places;
      const addresses = await first!.fill();
      await Promise.all(others.map((place) => place.fill()));
      return new Crew(options, sockets, places, addresses, ended);
    } catch (error) {
      await Promise.all(places.map((place) => place.stop({ timeout: 0 })));
      await Promise.all(sockets.map((socket) => socket.close()));
      throw error;
    }
  }

  /** All workers that are alive. */
  get workers(): WorkerState[] {
    return this.#places.flatMap(({ workers }, at) =>
      workers.map(({ pid, state, connections }) => ({ place: at + 1, pid, state, connections }))
    );
  }

  /**
   * The metrics of all workers as those of one, as Prometheus reads them; empty if they keep none. Who does not answer in
   * time, or has ended, is in it as of the last time.
   */
  async metrics(timeout: number): Promise<string> {
    const serving = this.#serving;
    await Promise.allSettled(serving.map(async (worker) => {
      worker.metrics = await worker.link.ask("metrics", undefined, timeout);
    }));
    return this.#ended.sumWith(serving.map(({ metrics }) => metrics));
  }

  /** Those who have begun to serve, and have not ended. */
  get #serving(): WorkerProcess[] {
    return this.#places.flatMap(({ workers }) => workers).filter(({ state }) => state !== "starting");
  }

  /**
   * Puts a new worker in each place, one after the other. Those before them take no more connections, serve those that
   * they have, and end. One reload waits for the other.
   *
   * @throws {Error} if a new worker cannot be started: the one before it goes on.
   */
  reload(options: ShutdownOptions): Promise<void> {
    const reloading = this.#reloading.then(async () => {
      for (const place of this.#places) if (this.#closed === undefined) await place.fill(options);
    });
    this.#reloading = reloading.catch(() => {
      // Told to whoever asked for it.
    });
    return reloading;
  }

  /** Ends all workers at once; resolves with how many connections had not ended when the time was up. */
  async shutdown(options: ShutdownOptions): Promise<number> {
    const stopped = this.#places.map((place) => place.stop(options));
    // From now on nobody is to wait in vain: a connection is refused, as by a server that has ended.
    this.#closed ??= Promise.all(this.#sockets.map((socket) => socket.close()));
    const late = await Promise.all(stopped);
    clearInterval(this.#timer);
    await this.#closed;
    return late.reduce((sum, one) => sum + one, 0);
  }

  /** Asks each worker how it fares; resolves when all have answered, or the time is up. */
  async look(timeout: number): Promise<void> {
    await Promise.allSettled(this.#serving.map((worker) => this.#update(worker, timeout)));
  }

  async #update(worker: WorkerProcess, timeout?: number): Promise<void> {
    const { connections } = await worker.link.ask("state", undefined, timeout);
    worker.connections = connections;
  }

  /** Sees who has not answered the last time. Looks are counted, not time: it may be this process that was busy. */
  #watch(): void {
    for (const [at, { workers }] of this.#places.entries()) {
      for (const worker of workers) if (worker.state !== "starting") this.#watchOver(worker, at + 1);
    }
  }

  #watchOver(worker: WorkerProcess, place: number): void {
    const { pid } = worker;
    const { silentAfter, killAfter, onEvent } = this.#options;
    const before = duration(worker.missed);
    const silent = duration(++worker.missed);
    if (worker.missed === 1) {
      this.#update(worker).then(() => {
        const silent = duration(worker.missed);
        worker.missed = 0;
        if (silent >= silentAfter) onEvent({ type: "answered", place, pid, duration: silent });
      }, () => {
        // It has ended.
      });
    } else {
      const passes = (bound: number) => before < bound && silent >= bound;
      const killed = passes(killAfter);
      if (killed || passes(silentAfter)) onEvent({ type: "silent", place, pid, duration: silent, killed });
      if (killed) worker.kill();
    }
  }
}

/** For how long a worker has not answered that has not in so many looks. The last of them is new. */
function duration(missed: number): number {
  return Math.max(0, missed - 1) * INTERVAL;
}
