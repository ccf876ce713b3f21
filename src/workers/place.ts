import type { Address } from "../adapters/address.ts";
import type { ShutdownOptions } from "../server/server.ts";
import type { WorkerEvent } from "./events.ts";
import { WorkerProcess, type WorkerProgram } from "./worker_process.ts";

/** When another worker is started in the place of one that died, in milliseconds. */
const BACK_OFF = {
  /** Who has lived for so long has another at once. */
  steady: 10_000,
  /** Else it waits so long, twice as long after each further death, */
  first: 250,
  /** and so long at most. */
  most: 30_000,
} as const;

/** How long is waited for one who is replaced to take no more connections, in milliseconds: it may be busy. */
const PATIENCE = 1_000;

/** A place for a worker: when one dies, another is started in it. */
export class Place {
  /** Who serves in it, if it is not empty just now. */
  worker: WorkerProcess | undefined;
  /** Those who have been there before, and have not ended yet. */
  readonly draining: Set<WorkerProcess> = new Set();
  readonly #number: number;
  readonly #program: WorkerProgram;
  readonly #tell: (event: WorkerEvent) => void;
  /** How many have died in a row, each soon after it began. */
  #deaths = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Those who are about to serve. */
  readonly #starting: Set<WorkerProcess> = new Set();
  /** Whether the last one has died, and nobody has followed yet. */
  #died = false;
  #stopped = false;

  constructor(number: number, program: WorkerProgram, tell: (event: WorkerEvent) => void) {
    this.#number = number;
    this.#program = program;
    this.#tell = tell;
  }

  /** All who are alive, the latest first. */
  get workers(): WorkerProcess[] {
    return [...this.#starting, this.worker, ...this.draining].filter((worker) => worker !== undefined);
  }

  /**
   * Starts a worker; when it serves, the one before it takes no more connections, and ends. Resolves when it takes none.
   *
   * @returns where it listens.
   * @throws {Error} if it cannot be started: then the one before it goes on.
   */
  async fill(options: ShutdownOptions = {}): Promise<readonly Address[]> {
    clearTimeout(this.#timer);
    const next = new WorkerProcess(this.#program);
    this.#starting.add(next);
    try {
      const { addresses } = await next.start();
      this.#starting.delete(next);
      const before = this.worker;
      this.worker = next;
      this.#tell({ type: "ready", place: this.#number, pid: next.pid, again: this.#died });
      this.#died = false;
      void next.ended.then((by) => this.#lose(next, by));
      if (before !== undefined) {
        void this.#drain(before, options);
        await before.hears(PATIENCE);
      }
      return addresses;
    } finally {
      this.#starting.delete(next);
    }
  }

  async #drain(worker: WorkerProcess, options: ShutdownOptions): Promise<void> {
    this.draining.add(worker);
    const late = await worker.shutdown(options);
    this.draining.delete(worker);
    this.#tell({ type: "drained", place: this.#number, pid: worker.pid, late });
  }

  /** One has ended. */
  #lose(worker: WorkerProcess, by: number | string): void {
    if (this.worker !== worker) return; // It was told to.
    this.worker = undefined;
    if (this.#stopped) return;
    this.#died = true;
    const steady = performance.now() - worker.since >= BACK_OFF.steady;
    const wait = this.#wait(steady);
    this.#tell({ type: "died", place: this.#number, pid: worker.pid, by, wait });
    this.#refill(wait);
  }

  #wait(steady: boolean): number {
    this.#deaths = steady ? 0 : this.#deaths + 1;
    return steady ? 0 : Math.min(BACK_OFF.first * 2 ** (this.#deaths - 1), BACK_OFF.most);
  }

  #refill(wait: number): void {
    if (this.#starting.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.fill().catch((error) => {
        if (this.#stopped || this.worker !== undefined) return;
        const wait = this.#wait(false);
        this.#tell({ type: "failed", place: this.#number, error, wait });
        this.#refill(wait);
      });
    }, wait);
  }

  /** Ends all who are there; resolves with how many connections had not ended when the time was up. */
  async stop(options: ShutdownOptions): Promise<number> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const worker of this.#starting) worker.kill();
    const workers = [this.worker, ...this.draining].filter((worker) => worker !== undefined);
    const late = await Promise.all(workers.map((worker) => worker.shutdown(options)));
    return late.reduce((sum, one) => sum + one, 0);
  }
}
