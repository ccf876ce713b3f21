import type { MilterError } from "../errors.ts";
import { limitError, type LimitName, type Limits, limitsOf } from "./limits.ts";
import type { LogEntry } from "./log.ts";
import type { LimitHit } from "./observer.ts";
import { Quiet } from "./quiet.ts";
import type { Reporter } from "./reporter.ts";

/** The limits that somebody who floods a server hits again and again: they must not flood its log too. */
const OF_SERVER: ReadonlySet<LimitName> = new Set(["connections", "connectionsPerPeer", "messages", "bytes"]);

/** What a server has on its hands, for all of its conversations, and what it says when that is too much. */
export class Load {
  readonly limits: Required<Limits>;
  readonly reporter: Reporter;
  /** Messages that are being judged. */
  messages = 0;
  /** Bytes that are held. */
  bytes = 0;
  readonly #warnings: Map<LimitName, Quiet> = new Map();

  /** @throws {TypeError | RangeError} if a limit is none. */
  constructor(limits: Limits | undefined, reporter: Reporter) {
    this.limits = limitsOf(limits);
    this.reporter = reporter;
  }

  /** The limit that another message would be over. */
  get over(): LimitName | undefined {
    if (this.messages >= this.limits.messages) return "messages";
    return this.bytes > this.limits.bytes ? "bytes" : undefined;
  }

  /** Tells that a limit was hit, and gives the error of who has hit it. */
  hit(
    limit: LimitName,
    { where, ...hit }: Omit<LimitHit, "limit" | "allowed"> & { readonly where: Partial<LogEntry> },
    error: MilterError = limitError(limit, this.limits[limit]),
  ): MilterError {
    this.reporter.observers?.tell("limitReached", { ...hit, limit, allowed: this.limits[limit] });
    const more = OF_SERVER.has(limit) ? this.#unsaid(limit) : 0;
    if (more !== undefined) {
      const message = more === 0
        ? error.message
        : `${error.message}, hit ${more} times more since the last warning`;
      this.reporter.report({ ...where, level: "warning", message, error });
    }
    return error;
  }

  /** How often a limit was hit since it was last warned of, if it is time to warn again. */
  #unsaid(limit: LimitName): number | undefined {
    let warnings = this.#warnings.get(limit);
    if (warnings === undefined) this.#warnings.set(limit, warnings = new Quiet());
    return warnings.next(performance.now());
  }
}

/** What one conversation adds to the load. */
export class Share {
  /** Whether a message of it is being judged. */
  judging = false;
  readonly #load: Load;
  #bytes = 0;

  constructor(load: Load) {
    this.#load = load;
  }

  /** Brings the load up to date: how many bytes the conversation holds, and whether it has a message. */
  update(bytes: number, judging: boolean): void {
    this.#load.bytes += bytes - this.#bytes;
    this.#load.messages += Number(judging) - Number(this.judging);
    this.#bytes = bytes;
    this.judging = judging;
  }
}
