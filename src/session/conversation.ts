import { MilterError } from "../errors.ts";
import { type Command, COMMANDS, type CommandType, type MacroDefinitions } from "../protocol/commands.ts";
import { FilterEnd } from "../protocol/filter_end.ts";
import { Slice } from "../wire/slice.ts";
import { type Connection, NO_CONNECTION, ReceivedConnection, ReceivedGreeting } from "./connection.ts";
import { type Filter, wishFor } from "./filter.ts";
import { Leave } from "./leave.ts";
import { limitError, type LimitName, type Limits } from "./limits.ts";
import { Load, Share } from "./load.ts";
import { mtaOf } from "./mta.ts";
import { ConnectionObservation } from "./observation.ts";
import type { LimitHit } from "./observer.ts";
import { type Host, Run } from "./run.ts";
import { messageOf, Reporter } from "./reporter.ts";
import { Runner, type RunnerOptions } from "./runner.ts";
import type { Greeting } from "./session.ts";
import { PROFILES } from "./mta_profiles.ts";
import { Observers } from "./observers.ts";
import { Flow, type Outlet } from "./outlet.ts";
import type { Timeouts } from "./timeouts.ts";
import { type Wait, Watch } from "./watch.ts";

/** How filters are run. */
export interface ConversationOptions extends RunnerOptions {
  /** How long things may take. */
  readonly timeouts?: Timeouts;
  /** How much may be asked of the server. */
  readonly limits?: Limits;
}

/** How long the last answers may take to go out after the conversation has ended, in milliseconds. */
const LINGER = 5_000;

function closing(): MilterError {
  return new MilterError("CLOSING", "Cannot take the message: the server is shutting down");
}

/** The end of a message whose last piece of body has come before it. */
const END: Command<Slice> = Object.freeze({ type: "endOfMessage", chunk: new Slice(new Uint8Array()) });

const GIVEN_UP = "the client reset it, or the MTA gave it up";

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
  readonly load: Load;
  readonly #share: Share;
  readonly observation: ConnectionObservation | undefined;
  readonly #outlet: Outlet;
  readonly #flow: Flow;
  readonly #runner: Runner;
  readonly #watch: Watch;
  /** What the filter does not answer, a mask of the protocol's flags. */
  readonly #quiet: number;
  /** The limit that the connection itself is over. */
  readonly #over: LimitName | undefined;
  #run: Run | undefined;
  /** The end of a message whose last piece of body is being looked at. */
  #kept: Command<Slice> | undefined;
  /** Whether no filter has run on this connection of a client. */
  #fresh = true;
  #advancing = false;
  #peerDone = false;
  #closing = false;
  /** When to leave an MTA that has no message in progress. */
  #leave: Leave | undefined;
  #closed = false;
  #closedSince: number | undefined;
  /** How many events have come, and how often a filter has won time. */
  #events = 0;
  #progressed = 0;
  /** The limit of a packet that is too large. */
  #tooLarge: LimitName = "packetBytes";

  /** Several conversations share their load. One that is over a limit of it has all that comes answered by the policy. */
  constructor(
    filter: Filter,
    outlet: Outlet,
    options: ConversationOptions = {},
    load: Load = new Load(options.limits, new Reporter(options)),
    over?: LimitName,
  ) {
    this.#outlet = outlet;
    this.#flow = new Flow(outlet);
    this.load = load;
    this.#share = new Share(load);
    this.#over = over;
    this.#runner = new Runner(filter, outlet, load.reporter, options.onError);
    this.#watch = new Watch(options.timeouts);
    const wish = wishFor(filter);
    this.#quiet = wish.protocol ?? 0;
    this.end = new FilterEnd({ wish, maxPacket: load.limits.packetBytes });
    // The time of a message is kept by who observes it.
    const { observers = options.timeouts?.message && new Observers([], () => {}) } = load.reporter;
    this.observation = observers ? new ConnectionObservation(observers, this, outlet.peer) : undefined;
  }

  /** Whether a message is being judged, so that closing now would fail it. */
  get busy(): boolean {
    return this.#run !== undefined && !this.#run.settled &&
      (this.#run.held !== undefined || this.#run.memory.reached("mail"));
  }

  /** Takes bytes from the MTA, to {@linkcode Conversation.work} on: copies unless they are `given`. */
  receive(chunk: Uint8Array, given: boolean): void {
    if (this.#closed) return;
    try {
      this.end.receive(chunk, given);
    } catch (error) {
      // There is no memory, or a filter has given away that of this connection.
      this.giveUp(error);
    }
  }

  /** Works on what was received. A fault of ours ends this connection, and no other that is worked on in its turn. */
  work(): void {
    try {
      this.advance();
      this.account();
    } catch (error) {
      this.giveUp(error);
    }
  }

  /** The MTA has closed its side: what it sent is still answered. */
  receiveEnd(): void {
    this.#peerDone = true;
    this.advance();
  }

  /** What was written has gone out. */
  receiveDrain(): void {
    this.#flow.drained();
    this.#regulate();
  }

  /** The connection is gone. */
  lose(cause?: unknown): void {
    this.#stop("the connection was lost", cause);
  }

  /** Whether the filter answers a command, by what it has declared: the MTA may wait all the same. */
  answers(type: CommandType): boolean {
    return !this.end.isSilent(type) && ((COMMANDS[type].silent ?? 0) & this.#quiet) === 0;
  }

  /** The verdict of a run has been reached. */
  settled(run: Run): void {
    this.#runner.compare(run);
  }

  /** Why a message may not begin now. */
  objection(run: Run): MilterError | undefined {
    if (this.#closing) return closing();
    const { over } = this.load;
    return over && this.hit(over, "answered", run);
  }

  /** A run may not go on: the policy answers for it. */
  refuse(run: Run, reason: MilterError): void {
    this.#runner.refuse(run, reason);
  }

  /** Tells that a limit was hit, and gives the error of it. */
  hit(limit: LimitName, outcome: LimitHit["outcome"], run?: Run, error?: MilterError): MilterError {
    const where = this.#runner.where(run);
    return this.load.hit(
      limit,
      { outcome, peer: this.#outlet.peer, message: run?.observation, where },
      error,
    );
  }

  /** Tells whoever looks for it what has become of a verdict. */
  note(message: string): void {
    this.#runner.note("debug", message, this.#run);
  }

  /** Tells the administrator of something that is not as the filter wished. */
  warn(warning: string): void {
    this.#runner.note("warning", warning, this.#run);
  }

  /**
   * Closes when the MTA has been silent for `idle` milliseconds, by the clock of {@linkcode Conversation.tick}, while no
   * message is in progress. A message that begins is answered by the policy: a connection that is closed would leave it
   * to the MTA.
   */
  finish(idle: number): void {
    this.#closing = true;
    this.#leave = new Leave(idle, this.#events);
  }

  /** Closes at once; if a filter holds what the MTA awaits, the policy answers for it. */
  cut(): void {
    if (this.#closed) return;
    if (this.#run?.held !== undefined) this.refuse(this.#run, closing());
    this.#stop("the server is closing");
  }

  /** Reads the events that have come, until one is held for the filter; then sends what was answered. */
  advance(): void {
    if (this.#advancing || this.#closed) return;
    if (this.end.buffered > 0 || this.#kept !== undefined) this.#read();
    this.#flush();
    if (this.#share.judging && this.#run?.settled !== false) this.account();
    if (this.#run?.held === undefined) {
      if (this.end.closed) this.#stop("the MTA closed the connection");
      else if (this.#peerDone) this.#endOfBytes();
    }
    this.#regulate();
  }

  #read(): void {
    this.#advancing = true;
    try {
      while (this.#run?.held === undefined) {
        const event = this.#next();
        if (event === undefined) break;
        this.#events++;
        this.#handle(event);
      }
    } catch (error) {
      this.#flush();
      this.giveUp(error);
    }
    this.#advancing = false;
  }

  /** Looks at the deadlines; `now` is in milliseconds of any clock that only goes forward. */
  tick(now: number): void {
    if (this.#closed) return this.#checkClosed(now);
    // What has come may still wait for the end of its turn.
    this.work();
    if (this.#closed) return;
    this.#lookAhead();
    if (this.#leave?.isDue(this.busy, this.#events, now)) {
      return this.#stop("the server is closing");
    }
    const overdue = this.#watch.look(this.#wait, now);
    if (overdue === undefined) return;
    if (overdue === "progress") this.#run!.progress();
    else if (overdue.side === "local") this.#runner.overrun(this.#run!, overdue);
    else this.giveUp(overdue);
  }

  /** How long the filters may go on before the policy answers for them, in milliseconds. */
  remaining(): number {
    return this.#watch.remaining(this.#wait, performance.now());
  }

  /** A filter has said that it is at work, which gives it as long as it had at first if the MTA sees it so. */
  progressed(): void {
    if (PROFILES[mtaOf(this.end.macros).profile].waitsAnew) this.#progressed++;
  }

  get #wait(): Wait {
    const held = this.#run?.held?.type;
    return {
      events: this.#events + this.#progressed,
      held,
      expecting: this.end.buffered > 0 || this.#events === 0 || this.#over !== undefined,
      peerDone: this.#peerDone,
      spent: this.#run?.observation?.spent(held !== undefined),
      macros: this.end.macros,
    };
  }

  /** An MTA that awaits no answer may have given up the message whose event a filter still holds. */
  #lookAhead(): void {
    if (this.#run?.held === undefined || this.end.buffered === 0 || !this.end.endsAhead) return;
    this.#break(this.#run, GIVEN_UP);
    this.advance();
  }

  /** A peer that never reads would keep a closed connection for good. */
  #checkClosed(now: number): void {
    this.#closedSince ??= now;
    if (now - this.#closedSince >= LINGER) this.#outlet.destroy();
  }

  /** The peer failed, or it cannot be told what was decided: all that can be done is to close. */
  giveUp(error: unknown): void {
    if (error instanceof MilterError && error.code === "LIMIT") {
      this.hit(this.#tooLarge, "closed", undefined, error);
    } else {
      this.#runner.report({ level: "warning", message: `Closed a connection: ${messageOf(error)}`, error });
    }
    this.#stop("the connection was closed", error);
  }

  /** A close without QUIT is an end as good as any, but within a packet it is none. */
  #endOfBytes(): void {
    if (this.end.buffered === 0) this.#stop("the MTA closed the connection");
    else {
      this.giveUp(
        new MilterError("FRAME", "Cannot read packet: the MTA closed within it", { side: "peer" }),
      );
    }
  }

  #next(): Command<Slice> | undefined {
    const kept = this.#kept;
    this.#kept = undefined;
    return kept ?? this.end.read();
  }

  #handle(event: Command<Slice>): void {
    switch (event.type) {
      case "negotiate":
      case "quit":
        return;
      case "macros":
        return this.#weigh(event);
      case "connect":
        this.connection = new ReceivedConnection(event);
        return this.#start(event);
      case "helo":
        this.greeting = new ReceivedGreeting(event);
        if (this.#messageBegan()) this.#run = undefined;
        // Where CONNECT was negotiated away, the first run of a connection starts here.
        if (this.#fresh) return this.#start(event);
        return this.#deliver(event);
      case "abort":
        return this.#abort(GIVEN_UP);
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
          this.#kept = END;
          event = { type: "body", chunk: event.chunk };
        }
        break;
    }
    // Where MAIL was negotiated away, a message begins with what comes first of it.
    if (this.#run === undefined || (this.#run.memory.reached("endOfMessage"))) this.#start(event);
    else this.#run.deliver(event);
  }

  /** An event that belongs to a message only if there is one. */
  #deliver(event: Command<Slice>): void {
    if (this.#run !== undefined) this.#run.deliver(event);
    else if (this.end.awaiting === event.type) this.end.send({ type: "continue" });
  }

  #messageBegan(): boolean {
    return this.#run?.memory.reached("mail") ?? false;
  }

  #start(event: Command<Slice>): void {
    this.#run = new Run(this, this.#runner.members());
    this.#fresh = false;
    this.#run.begin(event);
    const objection = this.#objectionTo(this.#run);
    if (objection === undefined) this.#runner.start(this.#run);
    else this.refuse(this.#run, objection);
  }

  /** Why a run may not start. */
  #objectionTo(run: Run): MilterError | undefined {
    if (this.#over !== undefined) return this.hit(this.#over, "answered", run);
    return this.#closing ? closing() : run.objection();
  }

  /** Macros are kept with their stage, those of a recipient with the recipient. */
  #weigh({ stage, definitions }: MacroDefinitions<Slice>): void {
    const { macroBytes } = this.load.limits;
    if (definitions.length > macroBytes) {
      this.#tooLarge = "macroBytes";
      throw limitError("macroBytes", macroBytes);
    }
    if (stage === COMMANDS.rcpt.code) this.#run?.memory.addEnvelope(definitions.length);
  }

  /** Brings the load up to date: after each read, when a message ends, and when a filter keeps more of it. */
  account(): void {
    const run = this.#closed || this.#run?.settled ? undefined : this.#run;
    const bytes = this.#closed ? 0 : this.end.buffered + (run?.memory.bytes ?? 0);
    const judging = run !== undefined && run.memory.reached("mail");
    this.#share.update(bytes, judging);
  }

  #abort(why: string, cause?: unknown): void {
    const run = this.#run;
    this.#run = this.#kept = undefined;
    if (run !== undefined) this.#break(run, why, cause);
  }

  #break(run: Run, why: string, cause?: unknown): void {
    const stage = run.memory.stage;
    run.abort(() =>
      new MilterError("ABORTED", `Cannot go on after ${stage}: ${why}`, { side: "peer", cause })
    );
  }

  #stop(why: string, cause?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#abort(why, cause);
    this.account();
    this.observation?.end(cause);
    this.#outlet.close();
  }

  #flush(): void {
    if (this.#closed) return;
    const bytes = this.end.take();
    if (bytes !== undefined) this.#flow.write(bytes);
  }

  #regulate(): void {
    if (!this.#closed) this.#flow.regulate(this.#run?.held === undefined ? 0 : this.end.buffered);
  }
}
