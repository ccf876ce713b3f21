import { MilterError } from "../errors.ts";
import type { CommandType } from "../protocol/commands.ts";
import type { MtaProfile } from "./mta.ts";
import { PROFILES } from "./mta_profiles.ts";

/** How long things may take, in milliseconds. Looked at once a second at most. */
export interface Timeouts {
  /**
   * How long a filter may hold an event before the end of the message. By default 28,000 with Postfix and 9,000
   * with others: less than the 30 and 10 seconds after which Postfix and Sendmail give the filter up.
   */
  readonly event?: number;
  /** How long a filter may take at the end of the message; 290,000 by default, as both MTAs give up after 300 s. */
  readonly endOfMessage?: number;
  /** How long a packet may take from its first byte to its last, and the MTA to say anything; 60,000 by default. */
  readonly packet?: number;
  /** How long an MTA may be silent while nothing is awaited from the filter; 7,210,000 by default, as in libmilter. */
  readonly idle?: number;
  /** How long a filter may go on after the MTA has closed its side of the connection; 5,000 by default. */
  readonly halfOpen?: number;
}

/** What a conversation is waiting for. */
export interface Wait {
  /** How many events have come: as long as this stays, it is the same wait. */
  readonly events: number;
  /** The event that the filter holds; without one, the MTA is awaited. */
  readonly held: CommandType | undefined;
  /** Whether the MTA has begun a packet, or has not said anything yet. */
  readonly expecting: boolean;
  /** Whether the MTA has closed its side. */
  readonly peerDone: boolean;
  /** Whose time budget holds. */
  readonly profile: MtaProfile;
}

/** Watches the deadlines of one conversation. It has no clock: whoever looks says what time it is. */
export class Watch {
  readonly #timeouts: Timeouts;
  #wait: Wait | undefined;
  #since = 0;

  constructor(timeouts: Timeouts = {}) {
    this.#timeouts = timeouts;
  }

  /** The error of the side that has overrun its deadline: `"local"` is the filter. `now` is in milliseconds. */
  look(wait: Wait, now: number): MilterError | undefined {
    const before = this.#wait;
    this.#wait = wait;
    if (before?.events !== wait.events || before.held !== wait.held || before.expecting !== wait.expecting) {
      this.#since = now;
      return undefined;
    }
    const waited = Math.round(now - this.#since);
    const profile = PROFILES[wait.profile];
    const { event = profile.event, endOfMessage = profile.endOfMessage, halfOpen = 5_000 } = this.#timeouts;
    const { packet = 60_000, idle = 7_210_000 } = this.#timeouts;
    if (wait.held === undefined) {
      if (waited < (wait.expecting ? packet : idle)) return undefined;
      const why = wait.expecting ? "a packet is not complete" : "nothing came";
      return new MilterError("TIMEOUT", `Cannot read: ${why} after ${waited} ms`, { side: "peer" });
    }
    if (wait.peerDone && waited >= halfOpen) {
      return new MilterError("TIMEOUT", "Cannot wait on: the MTA has closed the connection", {
        side: "peer",
      });
    }
    if (waited < (wait.held === "endOfMessage" ? endOfMessage : event)) return undefined;
    return new MilterError("TIMEOUT", `Cannot wait for the filter: it held ${wait.held} for ${waited} ms`);
  }
}
