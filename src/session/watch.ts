import { MilterError } from "../errors.ts";
import type { CommandType } from "../protocol/commands.ts";
import type { Macros } from "../protocol/macros.ts";
import { mtaOf } from "./mta.ts";
import { type Profile, PROFILES } from "./mta_profiles.ts";
import type { Timeouts } from "./timeouts.ts";

/** What a conversation is waiting for. */
export interface Wait {
  /** How many events have come: as long as this stays, it is the same wait. */
  readonly events: number;
  /** The event that the filter holds; without one, the MTA is awaited. */
  readonly held: CommandType | undefined;
  /** Whether the MTA is to go on at once: it has begun a packet, has not said anything yet, or is not served. */
  readonly expecting: boolean;
  /** Whether the MTA has closed its side. */
  readonly peerDone: boolean;
  /** How long the filter has held the events of the message, if that is counted. */
  readonly spent: number | undefined;
  /** What tells whose time budget holds. */
  readonly macros: Macros;
}

/** Watches the deadlines of one conversation. It has no clock: whoever looks says what time it is, in milliseconds. */
export class Watch {
  readonly #timeouts: Timeouts;
  #wait: Wait | undefined;
  /** When it was looked at last. */
  #looked: number | undefined;
  /** When the wait began, at the earliest. */
  #since = 0;
  /** When the MTA was told last that the filter is at work. */
  #told = 0;

  constructor(timeouts: Timeouts = {}) {
    this.#timeouts = timeouts;
  }

  /** The error of the side that has overrun its deadline, `"local"` being the filter; or that it is time for a PROGRESS. */
  look(wait: Wait, now: number): MilterError | "progress" | undefined {
    const waited = this.#note(wait, now);
    if (wait.held === undefined) return this.#lookAtPeer(wait, waited);
    const { halfOpen = 5_000, progress = profileOf(wait).progress } = this.#timeouts;
    if (wait.peerDone && waited >= halfOpen) {
      return new MilterError("TIMEOUT", "Cannot wait on: the MTA has closed the connection", {
        side: "peer",
      });
    }
    if (waited >= this.#budget(wait)) {
      return new MilterError(
        "TIMEOUT",
        `Cannot wait for the filter: it held ${wait.held} for ${Math.round(waited)} ms`,
      );
    }
    const { spent } = wait;
    if (spent !== undefined && spent >= this.#message) {
      return new MilterError(
        "TIMEOUT",
        `Cannot wait for the filter: it has taken ${Math.round(spent)} ms over the message`,
      );
    }
    if (wait.held !== "endOfMessage" || wait.peerDone || now - this.#told < progress) return undefined;
    this.#told = now;
    return "progress";
  }

  /** How long the filter may go on; before it holds anything, what it will have for an event. */
  remaining(wait: Wait, now: number): number {
    const waited = wait.held === undefined ? 0 : this.#note(wait, now);
    const left = Math.min(this.#budget(wait) - waited, this.#message - (wait.spent ?? 0));
    return Math.max(0, Math.floor(left));
  }

  /**
   * How long the wait has lasted. It began some time between the look at which it was first seen and the one before: a
   * filter has its time at most, so that the MTA is answered before it gives up; a peer has it at least.
   */
  #note(wait: Wait, now: number): number {
    const before = this.#wait;
    if (before?.events !== wait.events || before.held !== wait.held || before.expecting !== wait.expecting) {
      this.#since = this.#told = wait.held === undefined ? now : this.#looked ?? now;
    }
    this.#wait = wait;
    this.#looked = now;
    return now - this.#since;
  }

  #lookAtPeer({ expecting }: Wait, waited: number): MilterError | undefined {
    const { packet = 60_000, idle = 7_210_000 } = this.#timeouts;
    if (waited < (expecting ? packet : idle)) return undefined;
    const why = expecting ? "a packet is not complete" : "nothing came";
    return new MilterError("TIMEOUT", `Cannot read: ${why} after ${Math.round(waited)} ms`, { side: "peer" });
  }

  #budget(wait: Wait): number {
    const budgets = profileOf(wait);
    const { event = budgets.event, endOfMessage = budgets.endOfMessage } = this.#timeouts;
    return wait.held === "endOfMessage" ? endOfMessage : event;
  }

  get #message(): number {
    return this.#timeouts.message ?? Infinity;
  }
}

function profileOf({ macros }: Wait): Profile {
  return PROFILES[mtaOf(macros).profile];
}
