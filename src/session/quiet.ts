/** How long nothing more is said of the same thing, in milliseconds. */
const SILENCE = 60_000;

/** Says when to warn of something that happens again and again: who floods a server must not flood its log too. */
export class Quiet {
  #last = -Infinity;
  #unsaid = 0;

  /** It has happened: how often since the last warning, if it is time for another; `now` is in milliseconds. */
  next(now: number): number | undefined {
    if (now - this.#last < SILENCE) {
      this.#unsaid++;
      return undefined;
    }
    const unsaid = this.#unsaid;
    this.#last = now;
    this.#unsaid = 0;
    return unsaid;
  }
}
