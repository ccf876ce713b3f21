import { Fault } from "./case.ts";

/** How long a milter may take for all of its answers in one case, in milliseconds. What the tester itself takes is free. */
export class Patience {
  readonly #whole: number;
  #left: number;

  constructor(milliseconds: number) {
    this.#whole = this.#left = milliseconds;
  }

  /**
   * Waits for the milter.
   *
   * @throws {Fault} `otherwise`, with how long was waited, if nothing comes in time.
   */
  async wait<T>(promise: Promise<T>, otherwise: string): Promise<T> {
    const started = performance.now();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      const fault = new Fault(`${otherwise} within ${this.#whole / 1000} s`);
      timer = setTimeout(() => reject(fault), Math.max(this.#left, 0));
    });
    try {
      return await Promise.race([promise, tooLong]);
    } finally {
      clearTimeout(timer);
      this.#left -= performance.now() - started;
    }
  }
}

/** Waits by itself: so long, in milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
