import { MilterError } from "../errors.ts";
import type { CommandType } from "../protocol/commands.ts";
import { ACTION, flagNames, PROTOCOL } from "../protocol/flags.ts";
import { isAbsent } from "../protocol/order.ts";
import { Edits } from "./edits/edits.ts";
import type { Plan } from "./edits/plan.ts";
import { LiveSession } from "./live_session.ts";
import type { Member } from "./member.ts";
import type { Memory } from "./memory.ts";
import type { Run } from "./run.ts";
import type { Session } from "./session.ts";
import type { Verdict } from "./verdict.ts";
import { failed, PENDING, type Probe, Waiting } from "./waiting.ts";

/**
 * One filter's part in a run: what it waits for, what it wishes, and what it says in the end.
 *
 * Several filters on one message have a part each. An event is answered when none of them looks at it any more.
 */
export class Part {
  readonly member: Member;
  readonly run: Run;
  readonly edits: Edits;
  /** What the filter holds in its hands. */
  readonly session: Session;
  /** Whether it was told how the filter would have judged, if that is only watched. */
  told = false;
  /** Whether the filter is looking at the event that is held. */
  holds = true;
  readonly #waiting: Waiting = new Waiting();
  #verdict: Verdict | undefined;
  /** Why it is over without a verdict of its own. */
  #ended: MilterError | undefined;
  #aborter: AbortController | undefined;

  constructor(run: Run, member: Member) {
    this.run = run;
    this.member = member;
    this.edits = new Edits(run.memory);
    this.session = new LiveSession(this);
  }

  get memory(): Memory {
    return this.run.memory;
  }

  /** Whether the filter is only watched. */
  get watches(): boolean {
    return this.member.shadow !== undefined;
  }

  /** Whether it is shown recipients whom the MTA has refused: another filter may have asked for them. */
  get seesRefused(): boolean {
    return (this.member.needs.protocol & PROTOCOL.REJECTED_RECIPIENTS) !== 0;
  }

  /** What the filter said, or was said for it. */
  get verdict(): Verdict | undefined {
    return this.#verdict;
  }

  /** Whether the verdict was reached, or can no longer be. */
  get over(): boolean {
    return this.#verdict !== undefined || this.#ended !== undefined;
  }

  /** Aborts when the message ends without a verdict of this filter. */
  get signal(): AbortSignal {
    if (this.#aborter === undefined) {
      this.#aborter = new AbortController();
      if (this.#ended !== undefined) this.#aborter.abort(this.#ended);
    }
    return this.#aborter.signal;
  }

  // What the filter does

  /** Waits until the probe finds something. If it does not at once, the event that is held has been seen. */
  ask<T>(probe: Probe<T>): Promise<T> {
    if (this.over || this.run.over) return failed(this.#ended ?? this.#ending("Cannot wait"));
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

  /**
   * A reader has left its loop: it waits no more itself, and the item that was kept for it holds up nobody who waits for
   * what comes later.
   */
  leave(): void {
    this.#waiting.wake();
    if (!this.#waiting.empty && !this.memory.reached("endOfMessage")) this.#goOn();
  }

  #goOn(): void {
    this.holds = false;
    this.run.release();
  }

  /** Refuses to wait for an event that both sides have agreed to do without. */
  checkSeen(type: CommandType): void {
    if (!isAbsent(type, this.run.agreement)) return;
    throw new MilterError("NOT_AGREED", `Cannot await ${type}: it was negotiated away`);
  }

  /** Refuses an edit that comes too late, that was not declared, or that the MTA does not take. */
  checkEdit(edit: string, action: number): void {
    if (this.over) throw this.#ending(`Cannot ${edit}`);
    const missing = action & ~((this.run.agreement?.actions ?? 0) & this.member.needs.actions);
    if (missing === 0) return;
    throw new MilterError("NOT_AGREED", `Cannot ${edit}: ${flagNames(ACTION, missing)} was not negotiated`);
  }

  /** What the MTA will be told of this filter's edits if the message is accepted now. */
  plan(): Plan {
    return this.run.planOf(this.edits);
  }

  /** Tells the MTA to wait on, where it may be told. */
  progress(): boolean {
    return !this.over && !this.watches && this.run.tellProgress();
  }

  /** How long the filter may go on before the policy answers for it, in milliseconds. */
  remaining(): number {
    return this.over ? 0 : this.run.remaining();
  }

  /** Refuses to judge a recipient when the message is over. */
  checkLive(act: string): void {
    if (this.over) throw this.#ending(act);
  }

  /**
   * Ends this part by a verdict.
   *
   * @throws {MilterError} `NOT_AGREED` if it is a quarantine and the MTA has none.
   */
  finish(verdict: Verdict): void {
    if (this.over) return;
    if (verdict.type === "quarantine") this.checkEdit("quarantine", ACTION.QUARANTINE);
    this.#verdict = verdict;
    this.holds = false;
    if (!this.#waiting.empty) this.#waiting.fail(this.#ending("Cannot wait"));
    this.run.conclude(this);
  }

  /** Ends this part by a verdict that is not the filter's, which is told so. */
  overrule(verdict: Verdict, error: MilterError): void {
    if (this.over) return;
    this.edits.clear();
    this.finish(verdict);
    this.#aborter?.abort(error);
  }

  // What happens to it

  /**
   * Lets those who wait look at an event, which is held if it was for one of them. The last event is held until the
   * verdict, and what has not come by then never will.
   */
  wake(last: boolean): void {
    if (this.over) return;
    this.holds = this.#waiting.wake() || last;
    if (last && !this.#waiting.empty) this.#waiting.fail(neverCame());
  }

  /** The error of a deadline that the filter has overrun, with a word on it if it holds up itself. */
  overrun(error: MilterError): MilterError {
    if (this.#waiting.empty) return error;
    const message = `${error.message}, for a reader that neither asks on nor returns while more is awaited`;
    return new MilterError(error.code, message, { cause: error });
  }

  /** Others have given the verdict. A filter that is only watched may still say what it would have. */
  dismiss(why: string): void {
    this.holds = false;
    if (!this.watches || !this.#waiting.empty) this.abort(new MilterError("SETTLED", why));
  }

  /** Falls out: its filter is only watched, and has failed. */
  drop(error: MilterError): void {
    this.abort(error);
    this.run.conclude(this);
  }

  /** Ends this part without a verdict: whoever waits gets the error. */
  abort(error: MilterError): void {
    this.holds = false;
    if (this.over) return;
    this.#ended = error;
    this.#waiting.fail(error);
    this.#aborter?.abort(error);
  }

  /** Why the filter cannot do what it wants to any more. */
  #ending(act: string): MilterError {
    const { code } = this.#ended ?? { code: "SETTLED" };
    const why = code === "SETTLED" ? "the verdict of the message has been given" : "the message is over";
    return new MilterError(code, `${act}: ${why}`, { cause: this.#ended });
  }
}

function neverCame(): MilterError {
  return new MilterError("PASSED", "Cannot await what did not come: the message has ended", { side: "peer" });
}
