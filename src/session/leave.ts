/** How a conversation is left that is to end: when nothing has happened in it for a while. */
export class Leave {
  readonly #idle: number;
  /** How many events had come when it was looked at last. */
  #events: number;
  /** Since when nothing has happened. */
  #since: number | undefined;

  /** `idle` is how long nothing must happen, in milliseconds; `events` is how many have come. */
  constructor(idle: number, events: number) {
    this.#idle = idle;
    this.#events = events;
  }

  /** Whether it is time: nobody is awaited, and so many events as have come had come that long ago. */
  isDue(busy: boolean, events: number, now: number): boolean {
    if (busy || events !== this.#events) {
      this.#events = events;
      this.#since = undefined;
      return false;
    }
    this.#since ??= now;
    return now - this.#since >= this.#idle;
  }
}
