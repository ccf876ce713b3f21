import { Fault, NotApplicable } from "./case.ts";

/** How many times the longest silence a case may take. */
const WHOLE = 12;

/** How long a milter may say nothing, in milliseconds, and how long a case may take. */
export class Patience {
  readonly #silence: number;
  readonly #end: number;

  constructor(milliseconds: number) {
    this.#silence = milliseconds;
    this.#end = performance.now() + milliseconds * WHOLE;
  }

  /**
   * Waits for the milter.
   *
   * @throws {Fault} `otherwise`, with how long was waited, if nothing comes in time.
   * @throws {NotApplicable} if the case takes too long as a whole, though the milter is not silent: slow is no fault.
   */
  async wait<T>(promise: Promise<T>, otherwise: string): Promise<T> {
    const left = this.#end - performance.now();
    const [time, failure] = left < this.#silence
      ? [left, new NotApplicable(`it is too slow for --timeout ${this.#silence / 1000}`)]
      : [this.#silence, new Fault(`${otherwise} within ${this.#silence / 1000} s`)];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tooLong = new Promise<never>((_, reject) => timer = setTimeout(() => reject(failure), time));
    try {
      return await Promise.race([promise, tooLong]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Waits by itself: so long, in milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
