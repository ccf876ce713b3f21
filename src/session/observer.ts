import type { MilterError } from "../errors.ts";
import type { CommandType } from "../protocol/commands.ts";
import type { Connection } from "./connection.ts";
import type { PlanStep } from "./edits/plan.ts";
import type { EnvelopeAddress, Sender } from "./envelope.ts";
import type { LimitName } from "./limits.ts";
import type { LogEntry } from "./log.ts";
import type { Mta } from "./mta.ts";
import type { Refusal, Verdict } from "./verdict.ts";

/**
 * Watches a server at work: what logs, metrics and traces are made of.
 *
 * Every method may be left out, is told one object, and is called while the MTA waits: it should be quick. One that
 * throws, or gives a promise that fails, is logged and harms nothing.
 *
 * Of a connection and of a message there is one object each, from the beginning to the end, whose facts fill in as
 * they become known: it may be a key in a `WeakMap`. Times are in milliseconds, beginnings as `performance.now()`
 * counts them.
 *
 * @example A line for each message
 * ```ts
 * import { accept, type Observer, serve } from "@kilter/milter";
 *
 * const observer: Observer = {
 *   messageEnded({ queueId, client, sender, recipients, verdict, error, edits, duration }) {
 *     const to = recipients.map(({ address }) => address).join(" ");
 *     const outcome = verdict?.type ?? String(error);
 *     console.log(queueId, client.address, sender?.address, to, outcome, edits.length, Math.round(duration));
 *   },
 * };
 *
 * await using server = await serve(() => accept(), { listen: "inet:0@127.0.0.1", observer });
 * ```
 */
export interface Observer {
  /** An MTA has connected. */
  connectionOpened?(connection: ObservedConnection): void;
  /** A peer was turned away that may not connect. */
  connectionDenied?(denied: DeniedConnection): void;
  /**
   * A connection could not be taken: the process has no descriptor left, say. Node and Bun have closed it; with Deno it
   * waits, and this is told again until it is taken.
   */
  acceptFailed?(failure: AcceptFailure): void;
  /** A connection has ended, whoever ended it. */
  connectionClosed?(connection: ObservedConnection): void;
  /** A message has begun, by its MAIL; or a client is refused before, which counts as a message of that client. */
  messageBegan?(message: ObservedMessage): void;
  /** An event has been answered, or has passed where the MTA awaits no answer. CONNECT and HELO come before a message has begun. */
  eventAnswered?(event: ObservedEvent): void;
  /** The verdict of a message is known. It may have to wait for a command that it can answer. */
  verdictReached?(message: ObservedMessage): void;
  /** A message has its answer; or has gone before, and has an `error` and no verdict, or one that was not said. */
  messageEnded?(message: ObservedMessage): void;
  /** A filter has failed: the policy is about to answer for it. */
  filterFailed?(failure: FilterFailure): void;
  /** The process was busy with something else: nobody was served meanwhile. A filter that computes for long does that. */
  loopBlocked?(block: LoopBlock): void;
  /** A limit was hit. */
  limitReached?(hit: LimitHit): void;
  /**
   * Something is worth a line in the log: all that `log` and `onWarning` are told. If an observer takes it, the
   * console is not written to unless `log` says so.
   */
  logged?(entry: LogEntry): void;
}

/** A connection from an MTA, as an {@linkcode Observer} sees it. */
export interface ObservedConnection {
  /** The address of the MTA's end; empty where none is known. */
  readonly peer: string;
  /** The MTA, as far as it has told. */
  readonly mta: Mta;
  /** The SMTP client that the MTA speaks for. */
  readonly client: Connection;
  /** When it was opened. */
  readonly startTime: number;
  /** How long it has been open; in all, once it is closed. */
  readonly duration: number;
  /** How many messages have begun on it. */
  readonly messages: number;
  /** Why it was closed, if it was not in peace: the peer broke the protocol, said nothing, or was lost. */
  readonly error: unknown;
}

/** A connection that was closed at once, as an {@linkcode Observer} sees it. */
export interface DeniedConnection {
  /** The address of its other end. */
  readonly peer: string;
}

/** A connection that could not be taken, as an {@linkcode Observer} sees it. */
export interface AcceptFailure {
  /** Why: its code is `CONNECTION`, and its cause the system's error. */
  readonly error: MilterError;
}

/** A message, as an {@linkcode Observer} sees it. */
export interface ObservedMessage {
  /** The connection that it came by. */
  readonly connection: ObservedConnection;
  /** The SMTP client that sends it. */
  readonly client: Connection;
  /** The client's name for itself. */
  readonly helo: string | undefined;
  /** The MTA's name for it, as soon as that is known: with Sendmail from MAIL on, with Postfix from DATA on. */
  readonly queueId: string | undefined;
  /** The sender; `undefined` if MAIL has not come. */
  readonly sender: Sender | undefined;
  /** The recipients, with those that the filter has refused. */
  readonly recipients: readonly ObservedRecipient[];
  /** How many headers have come. */
  readonly headers: number;
  /** How many bytes of the body have come: fewer than it has, if the filter has skipped some. */
  readonly bodyBytes: number;
  /** The event that it has got to. */
  readonly stage: CommandType;
  /** The verdict, once it is known. */
  readonly verdict: Verdict | undefined;
  /** The filter that gave it, by its name; or that the policy answered for. */
  readonly filter: string | undefined;
  /** The edits that were made, as the MTA was told of them. */
  readonly edits: readonly PlanStep[];
  /** What a filter failed by, so that the policy gave the verdict; or why the message has gone. */
  readonly error: unknown;
  /** When it began. */
  readonly startTime: number;
  /** How long it has taken; in all, once it has ended. */
  readonly duration: number;
  /** How much of that the filters took, while the MTA waited. */
  readonly filterTime: number;
}

/** A recipient, as an {@linkcode Observer} sees it. */
export interface ObservedRecipient extends EnvelopeAddress {
  /** Whether the MTA itself has refused it. */
  readonly refused: boolean;
  /** How the filter has refused it. */
  readonly refusal: Refusal | undefined;
}

/** An event of a message that was answered, as an {@linkcode Observer} sees it. */
export interface ObservedEvent {
  /** The message that it is part of. */
  readonly message: ObservedMessage;
  /** Which it was. */
  readonly type: CommandType;
  /** When it came. */
  readonly startTime: number;
  /** How long the filters held it. */
  readonly duration: number;
}

/** A filter's failure, as an {@linkcode Observer} sees it. */
export interface FilterFailure {
  /** The message that it failed at. */
  readonly message: ObservedMessage;
  /** The filter, by its name. */
  readonly filter: string | undefined;
  /** What it failed by: a {@linkcode MilterError} `TIMEOUT` if it took too long. */
  readonly error: unknown;
  /** Whether it is only watched, and harms nothing by it. */
  readonly watched: boolean;
}

/** A time in which the event loop stood still, as an {@linkcode Observer} sees it. */
export interface LoopBlock {
  /** How long at least. */
  readonly duration: number;
  /** The message whose filters went on when it was over, and were most likely to blame. */
  readonly message: ObservedMessage | undefined;
}

/** A limit that was hit, as an {@linkcode Observer} sees it. */
export interface LimitHit {
  /** Which: see {@linkcode Limits}. */
  readonly limit: LimitName;
  /** How much is allowed. */
  readonly allowed: number;
  /** What became of it: the policy has answered, the connection was closed, or `collect()` has failed. */
  readonly outcome: "answered" | "closed" | "failed";
  /** The address of the MTA's end of the connection; empty where none is known. */
  readonly peer: string;
  /** The message that is over the limit, if it is one that is. */
  readonly message: ObservedMessage | undefined;
}
