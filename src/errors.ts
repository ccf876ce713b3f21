/**
 * The one error class of the library.
 *
 * @module
 */

/**
 * What went wrong, as a stable word: callers switch on it, never on the text of a message.
 *
 * | code | meaning |
 * | --- | --- |
 * | `ABORTED` | the message ended before its verdict: RSET, a new HELO or MAIL, a lost connection |
 * | `PASSED` | what was asked for can no longer come, or can no longer be answered |
 * | `SETTLED` | the verdict of the message has been given already |
 * | `NOT_AGREED` | an event, an edit or an answer that was not negotiated with the MTA |
 * | `NEGOTIATION` | the two sides cannot agree on a version or on what the filter must have |
 * | `FRAME` | bytes that are no packet: an empty one, one that is cut short, a peer that is no MTA |
 * | `MESSAGE` | a packet whose fields are broken, or whose code is unknown |
 * | `ORDER` | a command or an answer that may not come here |
 * | `LIMIT` | more than is allowed: of a packet, of a message, at once |
 * | `TIMEOUT` | a deadline passed |
 * | `CLOSING` | the server is shutting down, and takes no new message |
 * | `CONNECTION` | the connection failed |
 * | `LISTEN` | the server cannot listen: the address is in use, or not permitted |
 * | `FILTER` | a filter returned something that is no verdict |
 */
export type ErrorCode =
  | "ABORTED"
  | "PASSED"
  | "SETTLED"
  | "NOT_AGREED"
  | "NEGOTIATION"
  | "FRAME"
  | "MESSAGE"
  | "ORDER"
  | "LIMIT"
  | "TIMEOUT"
  | "CLOSING"
  | "CONNECTION"
  | "LISTEN"
  | "FILTER";

/** Who is to blame: the `"peer"` at the other end of the connection, or this `"local"` side. */
export type ErrorSide = "peer" | "local";

/** The optional part of a {@linkcode MilterError}. */
export interface MilterErrorOptions {
  /** Who is to blame, `"local"` by default. */
  readonly side?: ErrorSide;
  /** The error that this one wraps. */
  readonly cause?: unknown;
}

/**
 * A failure of the protocol, of a connection or of a session.
 *
 * A wrong argument is a `TypeError` or a `RangeError` instead.
 *
 * @example
 * ```ts
 * import { MilterError } from "@kilter/milter";
 *
 * const error = new MilterError("ABORTED", "Cannot await DATA: the client sent RSET", { side: "peer" });
 * if (error.code === "ABORTED") console.log("the client changed its mind");
 * ```
 */
export class MilterError extends Error {
  /** Always `"MilterError"`. */
  override readonly name = "MilterError";
  /** What went wrong, as a stable word. */
  readonly code: ErrorCode;
  /** Who is to blame. */
  readonly side: ErrorSide;

  /** Makes an error of this `code`; the message says who, what and why. */
  constructor(code: ErrorCode, message: string, options: MilterErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.side = options.side ?? "local";
  }
}
