import { Fault } from "./case.ts";

/** How many times the longest silence a case may wait in all: a milter that says a little for ever must end too. */
const ALL_WAITS = 12;

/** How long a milter may say nothing, in milliseconds. */
export class Patience {
  readonly #silence: number;
  #left: number;

  constructor(milliseconds: number) {
    this.#silence = milliseconds;
    this.#left = milliseconds * ALL_WAITS;
  }

  /**
   * Waits for the milter.
   *
   * @throws {Fault} `otherwise`, with how long was waited, if nothing comes in time.
   */
  async wait<T>(promise: Promise<T>, otherwise: string): Promise<T> {
    const started = performance.now();
    const patience = Math.min(this.#silence, this.#left);
    const whole = patience === this.#silence ? "" : " (all waits of this case together were too long)";
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      const fault = new Fault(`${otherwise} within ${this.#silence / 1000} s${whole}`);
      timer = setTimeout(() => reject(fault), Math.max(patience, 0));
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
