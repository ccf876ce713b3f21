import process from "node:process";
import { BACKLOG } from "./socket.ts";

/** A connection that was let in. */
export interface Admitted {
  /** The period in which it has talked last; {@linkcode Admission}'s own, 0 at first. */
  talked: number;
}

/** How many connections may talk before the next one has to wait. */
export const TALKING: number = 32;

/** How long a connection counts that has gone silent, in milliseconds: this long, or up to twice as long. */
export const PERIOD: number = 10;

/** The part of one processor's time above which a process has none to spare. */
const BUSY = 0.9;

/** How many come in each period though many talk: with 4, who fill a system's queue of 4,096 are in after 10 to 20 s. */
export const EXTRA: { readonly busy: number; readonly idle: number } = { busy: 4, idle: TALKING };

function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Nobody has talked in it, nor in the one before it. */
const FIRST_PERIOD = 2;

/**
 * Lets connections in, in the order in which they came.
 *
 * When hundreds connect at once, what has begun is finished first: as many talk as keep the processor busy, and they stay
 * in its caches. Deno besides, of more than about 100 that can be read, reads the same again and again, and leaves others
 * for seconds. Only those count that talk now: a connection that waits for its client, or for a filter that waits for
 * something else, keeps nobody out. Nor does a process with time to spare, but for a moment.
 */
export class Admission {
  readonly #used: () => number;
  readonly #now: () => number;
  #period = FIRST_PERIOD;
  /** When the period began, and how much processor time had been used then. */
  #since = 0;
  #usedBefore = 0;
  /** How many have talked last in this period, and how many in the one before it. */
  #talking = 0;
  #talkedBefore = 0;
  /** How many may still come in this period though many talk. */
  #extra = 0;
  #open = false;
  readonly #waiting: (() => void)[] = [];
  #lettingIn = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `used` tells how much processor time the process has used, `now` what time it is, both in milliseconds. */
  constructor(used: () => number = processorTime, now: () => number = () => performance.now()) {
    this.#used = used;
    this.#now = now;
  }

  /**
   * Lets the next in, now or when it is its turn, by a call that may not throw. As many wait as in a system's queue; one
   * more is let in, for who counts connections to turn it away.
   */
  next(enter: () => void): void {
    const { length } = this.#waiting;
    if (length === BACKLOG || length === 0 && this.#admits()) return enter();
    this.#waiting.push(enter);
    this.#timer ??= setTimeout(this.#lookAgain, PERIOD);
  }

  /** Learns that a connection talks: it was let in, or something came from it. */
  talks(admitted: Admitted): void {
    if (admitted.talked === this.#period) return;
    this.#forget(admitted);
    admitted.talked = this.#period;
    this.#talking++;
  }

  /** Learns that a connection is gone. */
  leaves(admitted: Admitted): void {
    this.#forget(admitted);
    this.#letIn();
  }

  /** Lets all in, from now on. */
  open(): void {
    this.#open = true;
    clearTimeout(this.#timer);
    this.#letIn();
  }

  #forget(admitted: Admitted): void {
    if (admitted.talked === this.#period) this.#talking--;
    else if (admitted.talked === this.#period - 1) this.#talkedBefore--;
  }

  get #hasRoom(): boolean {
    return this.#open || this.#talking + this.#talkedBefore < TALKING;
  }

  #admits(): boolean {
    this.#keepTime(this.#now());
    return this.#hasRoom || this.#extra-- > 0;
  }

  /** Begins another period if it is time. */
  #keepTime(now: number): void {
    const passed = now - this.#since;
    if (passed < PERIOD) return;
    const used = this.#used();
    this.#extra = EXTRA[used - this.#usedBefore < BUSY * passed ? "idle" : "busy"];
    // After a longer time nobody counts who has not talked since.
    const late = passed >= 2 * PERIOD;
    this.#period += late ? 2 : 1;
    this.#talkedBefore = late ? 0 : this.#talking;
    this.#talking = 0;
    this.#since = now;
    this.#usedBefore = used;
  }

  readonly #lookAgain = (): void => {
    this.#timer = undefined;
    while (this.#waiting.length > 0 && this.#admits()) this.#waiting.shift()!();
    if (this.#waiting.length > 0) this.#timer = setTimeout(this.#lookAgain, PERIOD);
  };

  #letIn(): void {
    // Who is turned away at once leaves while others are let in.
    if (this.#lettingIn) return;
    this.#lettingIn = true;
    while (this.#waiting.length > 0 && this.#hasRoom) this.#waiting.shift()!();
    this.#lettingIn = false;
  }
}
