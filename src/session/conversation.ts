import { MilterError } from "../errors.ts";
import type { Command } from "../protocol/commands.ts";
import { FilterEnd } from "../protocol/filter_end.ts";
import { decodeText } from "../wire/text.ts";
import { type Connection, NO_CONNECTION, ReceivedConnection } from "./connection.ts";
import { type Filter, wishFor } from "./filter.ts";
import { LiveSession } from "./live_session.ts";
import { consoleLog, type Log, type LogEntry } from "./log.ts";
import { checkPolicy, type ErrorPolicy, isAbort, judgeError, type Timeouts } from "./policy.ts";
import { mtaOf } from "./mta.ts";
import { type Host, Run } from "./run.ts";
import type { Greeting, Session } from "./session.ts";
import { isVerdict, tempfail } from "./verdict.ts";

/** How filters are run. */
export interface ConversationOptions {
  /** What becomes of a message whose filter fails; `"tempfail"` by default. */
  readonly onError?: ErrorPolicy;
  /** Takes what is to be logged; by default errors and warnings go to the console. */
  readonly log?: Log;
  /** How long things may take. */
  readonly timeouts?: Timeouts;
  /** The most bytes of one packet from the MTA; 1 MiB by default. */
  readonly maxPacket?: number;
}

/** Where a conversation's bytes go. */
export interface Outlet {
  /** The address of the MTA's end, for logs. */
  readonly peer: string;
  /**
   * Sends bytes, which will not change any more.
   *
   * @returns whether there is room for more; if not, {@linkcode Conversation.receiveDrain} tells when there is.
   */
  write(bytes: Uint8Array): boolean;
  /** Closes after what was written. */
  close(): void;
  /** Stops reading, until {@linkcode Outlet.resume}. */
  pause(): void;
  /** Reads on. */
  resume(): void;
}

/** How much may wait to be read by the filter before reading stops, in bytes. */
const HIGH_WATER = 64 * 1024;

/** By MTA profile, how long a filter may hold an event; see {@linkcode Timeouts.event}. */
const EVENT_TIMEOUTS = { postfix: 28_000, sendmail: 9_000, unknown: 9_000 } as const;

/**
 * One connection from an MTA: its messages one after the other, each with a run of the filter.
 *
 * Bytes come in by {@linkcode Conversation.receive} and go out through the outlet. The clock is handed in by
 * {@linkcode Conversation.tick}.
 */
export class Conversation implements Host {
  readonly end: FilterEnd;
  connection: Connection = NO_CONNECTION;
  greeting: Greeting | undefined;
  readonly #filter: Filter;
  readonly #options: ConversationOptions;
  readonly #outlet: Outlet;
  readonly #log: Log;
  #run: Run | undefined;
  #session: Session | undefined;
  /** The end of a message whose last piece of body is being looked at. */
  #kept: Command | undefined;
  /** Whether no filter has run on this connection of a client. */
  #fresh = true;
  #advancing = false;
  #paused = false;
  #blocked = false;
  #peerDone = false;
  #closing = false;
  #closed = false;
  /** How many events have come, and what there was to wait for at the last tick. */
  #events = 0;
  #watched: { readonly events: number; readonly held: boolean; readonly since: number } | undefined;

  constructor(filter: Filter, outlet: Outlet, options: ConversationOptions = {}) {
    if (typeof filter !== "function") throw new TypeError("Cannot serve: the filter is no function");
    checkPolicy(options.onError ?? "tempfail");
    this.#filter = filter;
    this.#options = options;
    this.#outlet = outlet;
    this.#log = options.log ?? consoleLog;
    this.end = new FilterEnd({
      wish: wishFor(filter),
      ...(options.maxPacket === undefined ? {} : { maxPacket: options.maxPacket }),
    });
  }

  /** Whether a message is being judged, so that closing now would fail it. */
  get busy(): boolean {
    return this.#run !== undefined && !this.#run.over &&
      (this.#run.held !== undefined || this.#run.memory.reached("mail"));
  }

  /** Bytes from the MTA, which must not be changed afterwards. */
  receive(chunk: Uint8Array): void {
    if (this.#closed) return;
    this.end.receive(chunk);
    this.advance();
  }

  /** The MTA has closed its side: what it sent is still answered. */
  receiveEnd(): void {
    this.#peerDone = true;
    this.advance();
  }

  /** What was written has gone out. */
  receiveDrain(): void {
    this.#blocked = false;
    this.#regulate();
  }

  /** The connection is gone. */
  lose(cause?: unknown): void {
    this.#stop("the connection was lost", cause);
  }

  /** Closes when the message in progress has its verdict; at once if there is none. */
  finish(): void {
    this.#closing = true;
    this.advance();
  }

  /** Reads the events that have come, until one is held for the filter; then sends what was answered. */
  advance(): void {
    if (this.#advancing || this.#closed) return;
    this.#advancing = true;
    try {
      while (this.#run?.held === undefined) {
        const event = this.#next();
        if (event === undefined) break;
        this.#events++;
        this.#handle(event);
      }
    } catch (error) {
      this.#report({ level: "warning", message: `Closed a connection: ${messageOf(error)}`, error });
      this.#flush();
      this.#stop("the MTA broke the protocol", error);
    } finally {
      this.#advancing = false;
    }
    this.#flush();
    if (this.#run?.held === undefined) {
      if (this.end.closed || this.#peerDone) this.#stop("the MTA closed the connection");
      else if (this.#closing && !this.busy) this.#stop("the server is closing");
    }
    this.#regulate();
  }

  /** Looks at the deadlines; `now` is in milliseconds of any clock that only goes forward. */
  tick(now: number): void {
    const held = this.#run?.held !== undefined;
    const watched = this.#watched;
    if (watched?.events !== this.#events || watched.held !== held) {
      this.#watched = { events: this.#events, held, since: now };
      return;
    }
    const waited = now - watched.since;
    if (held) this.#checkFilter(waited);
    else this.#checkPeer(waited);
  }

  #checkFilter(waited: number): void {
    const run = this.#run!;
    const { event, endOfMessage = 290_000, halfOpen = 5_000 } = this.#options.timeouts ?? {};
    const limit = run.held?.type === "endOfMessage"
      ? endOfMessage
      : event ?? EVENT_TIMEOUTS[mtaOf(this.end.macros).profile];
    if (this.#peerDone && waited >= halfOpen) this.#stop("the MTA closed the connection");
    else if (waited >= limit) {
      const error = new MilterError(
        "TIMEOUT",
        `Cannot wait for the filter: it held ${run.held?.type} for ${waited} ms`,
      );
      this.#fail(run, this.#session!, error);
    }
  }

  #checkPeer(waited: number): void {
    const { packet = 60_000, idle = 7_210_000 } = this.#options.timeouts ?? {};
    const expecting = this.end.buffered > 0 || this.#events === 0;
    if (waited < (expecting ? packet : idle)) return;
    const why = expecting ? "a packet is not complete" : "nothing came";
    const error = new MilterError("TIMEOUT", `Cannot read: ${why} after ${waited} ms`, { side: "peer" });
    this.#report({ level: "warning", message: `Closed a connection: ${error.message}`, error });
    this.#stop("the MTA fell silent", error);
  }

  #next(): Command | undefined {
    const kept = this.#kept;
    this.#kept = undefined;
    return kept ?? this.end.next();
  }

  #handle(event: Command): void {
    switch (event.type) {
      case "negotiate":
      case "macros":
      case "quit":
        return;
      case "connect":
        this.connection = new ReceivedConnection(event);
        return this.#start(event);
      case "helo":
        this.greeting = new ReceivedGreeting(event.hostname);
        if (this.#messageBegan()) this.#run = undefined;
        // Where CONNECT was negotiated away, the first run of a connection starts here.
        if (this.#fresh) return this.#start(event);
        return this.#deliver(event);
      case "abort":
        return this.#abort("the client reset it, or the MTA gave it up");
      case "quitNewConnection":
        this.#abort("the MTA turned to another client");
        this.connection = NO_CONNECTION;
        this.greeting = undefined;
        this.#fresh = true;
        return;
      case "unknown":
        if (this.#run?.memory.reached("endOfMessage")) this.#run = undefined;
        return this.#deliver(event);
      case "mail":
        if (this.#messageBegan()) this.#run = undefined;
        break;
      case "endOfMessage":
        if (event.chunk.length > 0) {
          this.#kept = { type: "endOfMessage", chunk: event.chunk.subarray(0, 0) };
          event = { type: "body", chunk: event.chunk };
        }
        break;
    }
    // Where MAIL was negotiated away, a message begins with what comes first of it.
    if (this.#run === undefined || (this.#run.memory.reached("endOfMessage"))) this.#start(event);
    else this.#run.deliver(event);
  }

  /** An event that belongs to a message only if there is one. */
  #deliver(event: Command): void {
    if (this.#run !== undefined) this.#run.deliver(event);
    else if (this.end.awaiting === event.type) this.end.send({ type: "continue" });
  }

  #messageBegan(): boolean {
    return this.#run?.memory.reached("mail") ?? false;
  }

  #start(event: Command): void {
    const run = new Run(this);
    const session = new LiveSession(run);
    this.#run = run;
    this.#session = session;
    this.#fresh = false;
    run.begin(event);
    try {
      const outcome = this.#filter(session);
      if (outcome instanceof Promise) {
        outcome.then(
          (verdict) => this.#conclude(run, session, verdict),
          (error) => this.#fail(run, session, error),
        );
      } else this.#conclude(run, session, outcome);
    } catch (error) {
      this.#fail(run, session, error);
    }
  }

  #conclude(run: Run, session: Session, verdict: unknown): void {
    if (!isVerdict(verdict)) {
      const error = new MilterError(
        "FILTER",
        `Cannot judge the message: the filter returned ${nameOf(verdict)}, which is no verdict`,
      );
      return this.#fail(run, session, error);
    }
    try {
      run.finish(verdict);
    } catch (error) {
      this.#fail(run, session, error);
    }
  }

  /** A filter failed: the policy answers for it. */
  #fail(run: Run, session: Session, error: unknown): void {
    const where = { error, stage: run.memory.stage, queueId: run.memory.macros.get("i") };
    if (run.over) {
      if (!isAbort(error)) {
        this.#report({
          level: "debug",
          message: `The filter failed after its message was over: ${messageOf(error)}`,
          ...where,
        });
      }
      return;
    }
    this.#report({ level: "error", message: `The filter failed: ${messageOf(error)}`, ...where });
    const verdict = judgeError(this.#options.onError ?? "tempfail", error, session, (failure) => {
      this.#report({
        level: "error",
        message: `onError failed: ${messageOf(failure)}`,
        ...where,
        error: failure,
      });
    });
    const reason = error instanceof MilterError
      ? error
      : new MilterError("FILTER", messageOf(error), { cause: error });
    try {
      run.overrule(verdict, reason);
    } catch (failure) {
      this.#report({
        level: "error",
        message: `onError failed: ${messageOf(failure)}`,
        ...where,
        error: failure,
      });
      run.overrule(tempfail(), reason);
    }
  }

  #abort(why: string, cause?: unknown): void {
    const stage = this.#run?.memory.stage;
    this.#run?.abort(
      new MilterError("ABORTED", `Cannot go on after ${stage}: ${why}`, { side: "peer", cause }),
    );
    this.#run = undefined;
    this.#kept = undefined;
  }

  #stop(why: string, cause?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#abort(why, cause);
    this.#outlet.close();
  }

  #flush(): void {
    if (this.#closed) return;
    const bytes = this.end.take();
    if (bytes !== undefined) this.#blocked = !this.#outlet.write(bytes);
  }

  /** The socket is the only queue: while much waits for the filter, or for the MTA, nothing more is read. */
  #regulate(): void {
    const full = this.#blocked || (this.#run?.held !== undefined && this.end.buffered > HIGH_WATER);
    if (full === this.#paused || this.#closed) return;
    this.#paused = full;
    if (full) this.#outlet.pause();
    else this.#outlet.resume();
  }

  #report(entry: LogEntry): void {
    try {
      this.#log({ filter: this.#filter.name || undefined, peer: this.#outlet.peer, ...entry });
    } catch (error) {
      // A log that fails must not cost a mail; the console is what is left.
      consoleLog({ level: "error", message: "The log failed", error });
    }
  }
}

/** HELO as the MTA sent it; its text is decoded when it is looked at. */
class ReceivedGreeting implements Greeting {
  readonly raw: Uint8Array;

  constructor(raw: Uint8Array) {
    this.raw = raw;
  }

  get hostname(): string {
    return decodeText(this.raw);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function nameOf(value: unknown): string {
  return typeof value === "string"
    ? JSON.stringify(value)
    : typeof value === "object" && value !== null
    ? "an object"
    : String(value);
}
