/** Whether memory grows while something is done again and again. */

import process from "node:process";

/** How often it is looked at. */
const SAMPLES = 200;

/** Collects all garbage, where the runtime lets a program do so. */
const collect: (() => void) | undefined = (() => {
  const bun: { gc(synchronously: boolean): void } | undefined = Reflect.get(globalThis, "Bun");
  return bun === undefined ? Reflect.get(globalThis, "gc") : () => bun.gc(true);
})();

/** Notes the heap as runs go by. */
export class Growth {
  readonly #every: number;
  readonly #samples: { readonly run: number; readonly heap: number }[] = [];
  #highest = 0;

  constructor(runs: number) {
    this.#every = Math.max(1, Math.floor(runs / SAMPLES));
  }

  /** To be called after each run. */
  note(run: number): void {
    if (run % this.#every !== 0) return;
    collect?.();
    const { heapUsed, rss } = process.memoryUsage();
    this.#highest = Math.max(this.#highest, rss);
    this.#samples.push({ run, heap: heapUsed });
  }

  /** Bytes a run, by least squares over the second half: the first warms up. */
  get perRun(): number {
    const half = this.#samples.slice(this.#samples.length >> 1);
    const mean = (of: (sample: { run: number; heap: number }) => number) =>
      half.reduce((sum, sample) => sum + of(sample), 0) / half.length;
    const [run, heap] = [mean((sample) => sample.run), mean((sample) => sample.heap)];
    const spread = mean((sample) => (sample.run - run) ** 2);
    return spread === 0 ? 0 : mean((sample) => (sample.run - run) * (sample.heap - heap)) / spread;
  }

  toString(): string {
    const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`;
    const heap = this.#samples.at(-1)?.heap ?? 0;
    return `heap ${megabytes(heap)}, ${this.perRun.toFixed(2)} bytes a run, at most ${
      megabytes(this.#highest)
    } in all`;
  }
}
