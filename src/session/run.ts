import { MilterError } from "../errors.ts";
import type { Command, CommandType } from "../protocol/commands.ts";
import type { FilterEnd } from "../protocol/filter_end.ts";
import type { Agreement } from "../protocol/replies.ts";
import type { Slice } from "../wire/slice.ts";
import { Answers } from "./answers.ts";
import type { Connection } from "./connection.ts";
import { Edits } from "./edits/edits.ts";
import type { Plan } from "./edits/plan.ts";
import type { Member } from "./member.ts";
import { Memory } from "./memory.ts";
import type { LimitName } from "./limits.ts";
import type { Load } from "./load.ts";
import { type ConnectionObservation, MessageObservation } from "./observation.ts";
import type { LimitHit } from "./observer.ts";
import { Part } from "./part.ts";
import type { JudgedRecipient } from "./recipient.ts";
import type { Greeting } from "./session.ts";
import { carriesEdits, mayAnswer, type Refusal, type Verdict } from "./verdict.ts";

/** What a run needs of the conversation that it is part of. */
export interface Host {
  readonly end: FilterEnd;
  readonly connection: Connection;
  readonly greeting: Greeting | undefined;
  /** What the server has on its hands. */
  readonly load: Load;
  /** What observers see of the connection, if there are any. */
  readonly observation: ConnectionObservation | undefined;
  /** Whether the filter answers a command, by what it has declared: the MTA may wait all the same. */
  answers(type: CommandType): boolean;
  /** Tells whoever looks for it what has become of a verdict. */
  note(message: string): void;
  /** The verdict of a run has been reached. */
  settled(run: Run): void;
  /** Why a message may not begin now. */
  objection(run: Run): MilterError | undefined;
  /** A run may not go on: the policy is to answer. */
  refuse(run: Run, reason: MilterError): void;
  /** The MTA cannot be told what was decided: it is to wait no longer. */
  giveUp(error: unknown): void;
  /** Tells that a limit was hit, and gives the error of it: the run's own if it has one. */
  hit(limit: LimitName, outcome: LimitHit["outcome"], run?: Run, error?: MilterError): MilterError;
  /** Brings the server's load up to date. */
  account(): void;
  /** A filter has said that it is at work. */
  progressed(): void;
  /** How long the filters may go on before the policy answers for them, in milliseconds. */
  remaining(): number;
  /** Goes on with the events that have arrived, and sends what has been answered. */
  advance(): void;
  /** Tells the administrator of something that is not as the filter wished. */
  warn(warning: string): void;
}

/**
 * One message, from its first event to its verdict or its end, with a part for each filter.
 *
 * It holds the event that filters are looking at, answers it when they have asked on, and carries the verdict to
 * where it may be said: the first refusal, or an acceptance when all accept.
 */
export class Run {
  readonly memory: Memory;
  readonly parts: readonly Part[];
  /** What observers see of the message, if there are any. */
  readonly observation: MessageObservation | undefined;
  /** The parts that have a say. */
  readonly #judges: readonly Part[];
  readonly #host: Host;
  readonly #answers: Answers;
  #held: Command<Slice> | undefined;
  #verdict: Verdict | undefined;
  #aborted = false;
  /** Whether the message has begun: until then there is only its client. */
  #begun = false;

  constructor(host: Host, members: readonly Member[]) {
    this.#host = host;
    this.memory = new Memory(host.load.limits);
    const { observation } = host;
    this.observation = observation && new MessageObservation(observation, this.memory);
    this.#answers = new Answers(this.memory, host, this.observation);
    this.parts = members.map((member) => new Part(this, member));
    this.#judges = members.length === 1 ? this.parts : this.parts.filter(({ watches }) => !watches);
  }

  /** The event that filters are looking at: while there is one, nothing more is read. */
  get held(): Command<Slice> | undefined {
    return this.#held;
  }

  /** Whether the verdict was reached, or can no longer be. */
  get over(): boolean {
    return this.#verdict !== undefined || this.#aborted;
  }

  /** Whether the MTA awaits nothing more of it: the verdict was said, or the message has gone. */
  get settled(): boolean {
    return this.#answers.said || this.#aborted;
  }

  get connection(): Connection {
    return this.#host.connection;
  }

  get greeting(): Greeting | undefined {
    return this.#host.greeting;
  }

  /** What was agreed with the MTA. */
  get agreement(): Agreement | undefined {
    return this.#host.end.agreement;
  }

  /** The verdict, once there is one. */
  get verdict(): Verdict | undefined {
    return this.#verdict;
  }

  /** What the MTA will be told of edits. */
  planOf(edits: Edits): Plan {
    return this.#answers.plan(edits);
  }

  // What the filters do

  /**
   * Notes bytes of the body that a filter keeps, of `size` bytes in all.
   *
   * @throws {MilterError} `LIMIT` if that is more than `limit`, which its caller knows of; or than the server has by
   * default, or at once, which the administrator is told.
   */
  keep(bytes: number, size: number, limit?: number): void {
    const { limits, bytes: held } = this.#host.load;
    const allowed = limit ?? limits.collectBytes;
    if (size > allowed) {
      const error = new MilterError(
        "LIMIT",
        `Cannot keep the body: it is over the limit of ${allowed} bytes`,
      );
      throw limit === undefined ? this.#host.hit("collectBytes", "failed", this, error) : error;
    }
    if (held + bytes > limits.bytes) throw this.#host.hit("bytes", "failed", this);
    this.memory.collected += bytes;
    this.#host.account();
  }

  /** Whether somebody looks at the event that is held. Asked at each event: a closure for it would be garbage. */
  get #looking(): boolean {
    for (const { holds } of this.parts) if (holds) return true;
    return false;
  }

  /** One of them has asked on: if nobody looks at the event any more, it is answered. */
  release(): void {
    if (this.#looking) return;
    const event = this.#held;
    this.#held = undefined;
    if (event !== undefined) this.#answers.pass(event);
    this.#host.advance();
  }

  /** Tells the MTA to wait on, where it may be told. */
  progress(): boolean {
    if (this.over || this.#held?.type !== "endOfMessage") return false;
    this.#host.end.send({ type: "progress" });
    this.#host.advance();
    return true;
  }

  /** How long the filters may go on before the policy answers for them, in milliseconds. */
  remaining(): number {
    return this.over ? 0 : this.#host.remaining();
  }

  /** One of the filters says that it is at work. */
  tellProgress(): boolean {
    const told = this.progress();
    if (told) this.#host.progressed();
    return told;
  }

  readonly #judge = (recipient: JudgedRecipient, refusal: Refusal): void => {
    const act = `Cannot ${refusal.type} recipient ${recipient.address}`;
    if (this.over) this.parts[0]!.checkLive(act);
    if (!this.#host.answers("rcpt")) {
      throw new MilterError("NOT_AGREED", `${act}: this filter does not answer recipients`);
    }
    if (this.#held?.type !== "rcpt" || this.memory.recipient !== recipient) {
      throw new MilterError("PASSED", `${act}: it has been answered already`);
    }
    recipient.refusal = refusal;
  };

  /** One of them has its verdict, or has fallen out. */
  conclude(part: Part): void {
    if (this.over) return;
    const { verdict } = part;
    if (verdict !== undefined && !part.watches && !carriesEdits(verdict)) this.#settle(verdict, part);
    else if (this.#accepted) this.#settle(acceptance(this.#judges), part);
    else this.release();
  }

  /**
   * Whether all accept. Before the end of the message this waits for those that are only watched: they would see no
   * more of it.
   */
  get #accepted(): boolean {
    const awaited = this.memory.reached("endOfMessage") ? this.#judges : this.parts;
    for (const { over } of awaited) if (!over) return false;
    return true;
  }

  /** The verdict answers what is held, and sticks to what still comes of the message. */
  #settle(verdict: Verdict, by: Part): void {
    this.#verdict = verdict;
    this.observation?.decided(
      verdict,
      this.#judges.length > 1 && carriesEdits(verdict) ? "" : by.member.name,
    );
    if (!carriesEdits(verdict)) this.#answers.quiet = by.member.needs.protocol;
    this.#answers.edits = this.#judges.length === 1 ? this.#judges[0]!.edits : this.#allEdits();
    const who = by.member.name === "" ? "another filter" : `filter ${by.member.name}`;
    for (const part of this.parts) {
      if (!part.over) part.dismiss(`Cannot go on: ${who} has given the verdict of the message`);
    }
    this.#host.settled(this);
    const event = this.#held;
    this.#held = undefined;
    if (event !== undefined) {
      if (mayAnswer(verdict, event.type) && !this.#answers.answers(event.type)) {
        this.#host.note(`The verdict ${verdict.type} is held: ${event.type} is not answered`);
      }
      this.#answers.settle(event, verdict);
    }
    this.#host.advance();
  }

  /** The edits of all, in the order in which the filters stand. */
  #allEdits(): Edits {
    const all = new Edits(this.memory);
    for (const { edits } of this.#judges) all.append(edits);
    return all;
  }

  /** The verdict cannot be said: that the connection ends is all that the MTA can be told. */
  giveUp(error: unknown): void {
    this.#host.giveUp(error);
  }

  /** Ends the run without a verdict: whoever waits gets the error. */
  abort(reason: () => MilterError): void {
    this.#held = undefined;
    const unseen = this.observation === undefined || this.settled;
    if (this.over && unseen) return;
    const error = reason();
    if (!this.over) {
      this.#aborted = true;
      for (const part of this.parts) part.abort(error);
    }
    if (!unseen) this.observation!.gone(error);
  }

  // What the MTA does

  /** The first event of a run is held until the filters ask for the next, or return. */
  begin(event: Command<Slice>): void {
    this.#note(event);
    this.#held = event;
  }

  /** Why the message may not go on: it is over a limit, or may not even begin. */
  objection(): MilterError | undefined {
    const { over } = this.memory;
    if (over !== undefined) return this.#host.hit(over, "answered", this);
    if (this.#begun || !this.memory.reached("mail")) return undefined;
    this.#begun = true;
    return this.#host.objection(this);
  }

  /** An event: remembered, then held for whoever waited for it; if nobody did, it passes. */
  deliver(event: Command<Slice>): void {
    this.#note(event);
    if (!this.over) {
      const objection = this.objection();
      if (objection !== undefined) this.#host.refuse(this, objection);
    }
    if (this.#verdict !== undefined) return this.#answers.settle(event, this.#verdict);
    const last = event.type === "endOfMessage";
    for (const part of this.parts) part.wake(last);
    if (last && this.#accepted) {
      this.#held = event;
      this.#settle(acceptance(this.#judges), this.#judges[0]!);
    } else if (this.#looking) this.#held = event;
    else this.#answers.pass(event);
  }

  #note(event: Command<Slice>): void {
    this.memory.note(event, this.#host.end.macros, this.#judge);
    this.observation?.came(event);
  }
}

/** What several acceptances are together: the first quarantine among them, if there is one. */
function acceptance(parts: readonly Part[]): Verdict {
  const verdicts = parts.map(({ verdict }) => verdict!);
  return verdicts.find(({ type }) => type === "quarantine") ?? { type: "accept" };
}
