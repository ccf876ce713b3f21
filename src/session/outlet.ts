/** Where a conversation's bytes go. */
export interface Outlet {
  /** The address of the MTA's end, for logs. */
  readonly peer: string;
  /**
   * Sends bytes, which will not change any more.
   *
   * @returns whether there is room for more; if not, the conversation is told when there is.
   */
  write(bytes: Uint8Array): boolean;
  /** Closes after what was written. */
  close(): void;
  /** Closes at once. */
  destroy(): void;
  /** Stops reading, until {@linkcode Outlet.resume}. */
  pause(): void;
  /** Reads on. */
  resume(): void;
}

/** How much may wait to be read by the filter before reading stops, in bytes. */
const HIGH_WATER = 64 * 1024;

/** What goes out, and how it holds up what comes in: the socket is the only queue. */
export class Flow {
  readonly #outlet: Outlet;
  #blocked = false;
  #paused = false;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  /** Sends bytes. */
  write(bytes: Uint8Array): void {
    this.#blocked = !this.#outlet.write(bytes);
  }

  /** What was written has gone out. */
  drained(): void {
    this.#blocked = false;
  }

  /** While much waits for the MTA, or, by the bytes that wait, for the filter, nothing more is read. */
  regulate(waiting: number): void {
    const full = this.#blocked || waiting > HIGH_WATER;
    if (full === this.#paused) return;
    this.#paused = full;
    if (full) this.#outlet.pause();
    else this.#outlet.resume();
  }
}
