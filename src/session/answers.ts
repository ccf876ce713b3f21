import { type Command, COMMANDS, type CommandType } from "../protocol/commands.ts";
import type { FilterEnd } from "../protocol/filter_end.ts";
import { PROTOCOL } from "../protocol/flags.ts";
import { isAbsent } from "../protocol/order.ts";
import type { Reply } from "../protocol/replies.ts";
import type { Slice } from "../wire/slice.ts";
import type { Edits } from "./edits/edits.ts";
import type { Plan } from "./edits/plan.ts";
import { planEdits } from "./edits/planner.ts";
import type { Memory } from "./memory.ts";
import { mtaOf } from "./mta.ts";
import type { MessageObservation } from "./observation.ts";
import { carriesEdits, mayAnswer, type Refusal, replyOf, type Verdict } from "./verdict.ts";

const CONTINUE: Reply = Object.freeze({ type: "continue" });
const SKIP: Reply = Object.freeze({ type: "skip" });

/** What answers need of the conversation that they are part of. */
interface AnswersHost {
  readonly end: FilterEnd;
  /** Whether the filter answers a command: if it does not, it has nothing to say there. */
  answers(type: CommandType): boolean;
  /** Tells the administrator of something that is not as the filter wished. */
  warn(warning: string): void;
}

/** What the MTA is told about each event of a message: exactly one answer where it waits for one. */
export class Answers {
  readonly #end: FilterEnd;
  readonly #memory: Memory;
  readonly #host: AnswersHost;
  readonly #observation: MessageObservation | undefined;
  /** What is to be changed, once that is known. */
  edits: Edits | undefined;
  /** What the filter that gave the verdict does not answer, a mask of the protocol's flags. */
  quiet = 0;
  /** Whether the verdict was said, so that the MTA awaits nothing more of the message. */
  said = false;

  constructor(memory: Memory, host: AnswersHost, observation: MessageObservation | undefined) {
    this.#end = host.end;
    this.#memory = memory;
    this.#host = host;
    this.#observation = observation;
  }

  /** What the MTA will be told of edits. */
  plan(edits: Edits): Plan {
    const { macros, recipients } = this.#memory;
    const agreement = this.#end.agreement!;
    return planEdits(edits, {
      agreement,
      profile: mtaOf(macros).profile,
      recipients: isAbsent("rcpt", agreement)
        ? undefined
        : recipients.filter((one) => !one.refused && !one.refusal),
    });
  }

  /** Answers an event that the filter lets pass. */
  pass(event: Command<Slice>): void {
    const { type } = event;
    this.#observation?.answered(type);
    this.#answer(type, false);
  }

  /** Answers an event by the verdict, or lets it pass until the first that the verdict may answer. */
  settle(event: Command<Slice>, verdict: Verdict): void {
    const { type } = event;
    this.#observation?.answered(type);
    if (this.#end.awaiting !== type) return;
    if (type === "endOfMessage") this.#conclude(verdict);
    else if (
      !this.answers(type) || !mayAnswer(verdict, type) ||
      this.#refusalOf(type) !== undefined || this.#carriesEdits(verdict)
    ) this.#answer(type, true);
    else this.#say(verdict);
  }

  /** Whether the verdict may be said to a command, by what its filter has declared. */
  answers(type: CommandType): boolean {
    return this.#host.answers(type) && ((COMMANDS[type].silent ?? 0) & this.quiet) === 0;
  }

  #answer(type: CommandType, settled: boolean): void {
    const skips = type === "body" && this.#maySkip(settled);
    this.#memory.chunk = undefined;
    if (this.#end.awaiting !== type) return;
    const refusal = this.#refusalOf(type);
    if (refusal !== undefined) this.#end.send(replyOf(refusal, this.#memory));
    else this.#end.send(skips ? SKIP : CONTINUE);
  }

  /** The end of the message: edits and verdict leave together. */
  #conclude(verdict: Verdict): void {
    const { edits } = this;
    if (edits !== undefined && verdict.type === "quarantine") edits.quarantine = verdict.reason;
    if (edits !== undefined && !edits.empty && carriesEdits(verdict)) {
      const { steps, warnings } = this.plan(edits);
      for (const { reply } of steps) this.#end.send(reply);
      for (const warning of warnings) this.#host.warn(warning);
      if (this.#observation !== undefined) this.#observation.edits = steps;
    }
    this.#say(verdict);
  }

  #say(verdict: Verdict): void {
    this.said = true;
    this.#end.send(replyOf(verdict, this.#memory));
    this.#observation?.said();
  }

  /** An acceptance waits for the end of the message, where alone edits can be made. */
  #carriesEdits(verdict: Verdict): boolean {
    return verdict.type === "accept" && this.edits !== undefined && !this.edits.empty;
  }

  #refusalOf(type: CommandType): Refusal | undefined {
    return type === "rcpt" ? this.#memory.recipient?.refusal : undefined;
  }

  /**
   * Whether the rest of the body can be skipped: the verdict is reached; or all who read it have left it; or a
   * chunk has passed that nobody took, after which the body can no longer be read at all.
   */
  #maySkip(settled: boolean): boolean {
    if (((this.#end.agreement?.protocol ?? 0) & PROTOCOL.SKIP) === 0) return false;
    const { bodyReaders, bodyLeft, chunkTaken } = this.#memory;
    return settled || (bodyLeft && bodyReaders === 0) || !chunkTaken;
  }
}
