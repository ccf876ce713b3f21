import { MilterError } from "../errors.ts";
import type { Command, CommandType } from "../protocol/commands.ts";
import type { FilterEnd } from "../protocol/filter_end.ts";
import { ACTION, flagNames } from "../protocol/flags.ts";
import { isAbsent } from "../protocol/order.ts";
import { Answers } from "./answers.ts";
import type { Connection } from "./connection.ts";
import { Edits } from "./edits/edits.ts";
import type { Plan } from "./edits/plan.ts";
import { Memory } from "./memory.ts";
import type { JudgedRecipient } from "./recipient.ts";
import type { Greeting } from "./session.ts";
import type { Refusal, Verdict } from "./verdict.ts";
import { failed, PENDING, type Probe, Waiting } from "./waiting.ts";

/** What a run needs of the conversation that it is part of. */
export interface Host {
  readonly end: FilterEnd;
  readonly connection: Connection;
  readonly greeting: Greeting | undefined;
  /** Goes on with the events that have arrived, and sends what has been answered. */
  advance(): void;
  /** Tells the administrator of something that is not as the filter wished. */
  warn(warning: string): void;
}

/**
 * One run of a filter: one message, from its first event to its verdict or its end.
 *
 * It holds the event that the filter is looking at, answers it when the filter asks on, and carries the
 * verdict to where it may be said.
 */
export class Run {
  readonly memory: Memory = new Memory();
  readonly edits: Edits = new Edits(this.memory);
  readonly #host: Host;
  readonly #answers: Answers;
  readonly #waiting: Waiting = new Waiting();
  #held: Command | undefined;
  #verdict: Verdict | undefined;
  /** Why the message ended without a verdict. */
  #aborted: MilterError | undefined;
  #aborter: AbortController | undefined;

  constructor(host: Host) {
    this.#host = host;
    this.#answers = new Answers(this.memory, this.edits, host);
  }

  /** The event that the filter is looking at: while there is one, nothing more is read. */
  get held(): Command | undefined {
    return this.#held;
  }

  /** Whether the verdict was reached, or can no longer be. */
  get over(): boolean {
    return this.#verdict !== undefined || this.#aborted !== undefined;
  }

  /** Whether the MTA awaits nothing more of it: the verdict was said, or the message has gone. */
  get settled(): boolean {
    return this.#answers.said || this.#aborted !== undefined;
  }

  get connection(): Connection {
    return this.#host.connection;
  }

  /** The protocol flags that were agreed. */
  get protocol(): number {
    return this.#host.end.agreement?.protocol ?? 0;
  }

  get greeting(): Greeting | undefined {
    return this.#host.greeting;
  }

  /** Aborts when the message ends without a verdict of the filter. */
  get signal(): AbortSignal {
    if (this.#aborter === undefined) {
      this.#aborter = new AbortController();
      if (this.#aborted !== undefined) this.#aborter.abort(this.#aborted);
    }
    return this.#aborter.signal;
  }

  // What the filter does

  /** Waits until the probe finds something. If it does not at once, the event that is held has been seen. */
  ask<T>(probe: Probe<T>): Promise<T> {
    if (this.over) return failed(this.#aborted ?? this.#ending("Cannot wait"));
    try {
      const found = probe();
      if (found !== PENDING) return Promise.resolve(found);
    } catch (error) {
      return failed(error);
    }
    // The end of the message is answered by a verdict and nothing else.
    if (this.memory.reached("endOfMessage")) return failed(neverCame());
    const promise = this.#waiting.add(probe);
    this.#goOn();
    return promise;
  }

  /** A reader leaves its loop: the item that was kept for it holds up nobody who waits for what comes later. */
  leave(): Promise<{ done: true; value: undefined }> {
    if (!this.#waiting.empty && !this.memory.reached("endOfMessage")) this.#goOn();
    return Promise.resolve({ done: true, value: undefined });
  }

  #goOn(): void {
    const event = this.#held;
    this.#held = undefined;
    if (event !== undefined) this.#answers.pass(event);
    this.#host.advance();
  }

  /** Refuses to wait for an event that both sides have agreed to do without. */
  checkSeen(type: CommandType): void {
    if (!isAbsent(type, this.#host.end.agreement)) return;
    throw new MilterError("NOT_AGREED", `Cannot await ${type}: it was negotiated away`);
  }

  /** Refuses an edit that comes too late, or that the MTA does not take. */
  checkEdit(edit: string, action: number): void {
    if (this.over) throw this.#ending(`Cannot ${edit}`);
    const missing = action & ~(this.#host.end.agreement?.actions ?? 0);
    if (missing === 0) return;
    throw new MilterError("NOT_AGREED", `Cannot ${edit}: ${flagNames(ACTION, missing)} was not negotiated`);
  }

  /** What the MTA will be told if the message is accepted now. */
  plan(): Plan {
    return this.#answers.plan();
  }

  /** Tells the MTA to wait on, where it may be told. */
  progress(): boolean {
    if (this.over || this.#held?.type !== "endOfMessage") return false;
    this.#host.end.send({ type: "progress" });
    this.#host.advance();
    return true;
  }

  readonly #judge = (recipient: JudgedRecipient, refusal: Refusal): void => {
    const act = `Cannot ${refusal.type} recipient ${recipient.address}`;
    if (this.over) throw this.#ending(act);
    if (this.#host.end.isSilent("rcpt")) {
      throw new MilterError("NOT_AGREED", `${act}: this filter does not answer recipients`);
    }
    if (this.#held?.type !== "rcpt" || this.memory.recipients.at(-1) !== recipient) {
      throw new MilterError("PASSED", `${act}: it has been answered already`);
    }
    recipient.refusal = refusal;
  };

  /**
   * Ends the run by a verdict: it answers what is held, and sticks to what still comes of the message.
   *
   * @throws {MilterError} `NOT_AGREED` if it is a quarantine and the MTA has none.
   */
  finish(verdict: Verdict): void {
    if (this.over) return;
    if (verdict.type === "quarantine") this.checkEdit("quarantine", ACTION.QUARANTINE);
    this.#verdict = verdict;
    if (!this.#waiting.empty) this.#waiting.fail(this.#ending("Cannot wait"));
    const event = this.#held;
    this.#held = undefined;
    if (event !== undefined) this.#answers.settle(event, verdict);
    this.#host.advance();
  }

  /** Ends the run by a verdict that is not the filter's, which is told so. */
  overrule(verdict: Verdict, error: MilterError): void {
    if (this.over) return;
    this.edits.clear();
    this.finish(verdict);
    this.#aborter?.abort(error);
  }

  /** Ends the run without a verdict: whoever waits gets the error. */
  abort(reason: () => MilterError): void {
    this.#held = undefined;
    if (this.over) return;
    const error = reason();
    this.#aborted = error;
    this.#waiting.fail(error);
    this.#aborter?.abort(error);
  }

  /** Why the filter cannot do what it wants to any more. */
  #ending(act: string): MilterError {
    const { code } = this.#aborted ?? { code: "SETTLED" };
    const why = code === "SETTLED" ? "the verdict of the message has been given" : "the message is over";
    return new MilterError(code, `${act}: ${why}`, { cause: this.#aborted });
  }

  // What the MTA does

  /** The first event of a run is held until the filter asks for the next, or returns. */
  begin(event: Command): void {
    this.#note(event);
    this.#held = event;
  }

  /** An event: remembered, then held for whoever waited for it; if nobody did, it passes. */
  deliver(event: Command): void {
    this.#note(event);
    if (this.#verdict !== undefined) this.#answers.settle(event, this.#verdict);
    else if (this.#waiting.wake()) this.#held = event;
    else if (event.type !== "endOfMessage") this.#answers.pass(event);
    else {
      this.#held = event;
      this.#waiting.fail(neverCame());
    }
  }

  #note(event: Command): void {
    this.memory.note(event, this.#host.end.macros, this.#judge);
  }
}

function neverCame(): MilterError {
  return new MilterError("PASSED", "Cannot await what did not come: the message has ended", { side: "peer" });
}
