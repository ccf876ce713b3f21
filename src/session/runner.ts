import { MilterError } from "../errors.ts";
import { readBody } from "./edits/new_body.ts";
import { type Filter, membersOf } from "./filter.ts";
import type { LogEntry } from "./log.ts";
import { checkPolicy, type ErrorPolicy, isAbort, judgeError } from "./policy.ts";
import type { Member } from "./member.ts";
import type { Part } from "./part.ts";
import { messageOf, type Reporter, type ReportOptions } from "./reporter.ts";
import type { Run } from "./run.ts";
import { carriesEdits, isVerdict, tempfail, type Verdict } from "./verdict.ts";

/** What becomes of a filter's failure. */
export interface RunnerOptions extends ReportOptions {
  /** What becomes of a message whose filter fails, or that is over a limit; `"tempfail"` by default. */
  readonly onError?: ErrorPolicy;
}

/** Runs the filter, one run for each message, and answers for it when it fails. */
export class Runner {
  readonly #members: readonly Member[];
  readonly #policy: ErrorPolicy;
  readonly #outlet: { readonly peer: string };
  readonly #reporter: Reporter;

  /** The outlet tells the address of the MTA's end, for logs. */
  constructor(
    filter: Filter,
    outlet: { readonly peer: string },
    reporter: Reporter,
    policy: ErrorPolicy = "tempfail",
  ) {
    if (typeof filter !== "function") throw new TypeError("Cannot serve: the filter is no function");
    this.#members = membersOf(filter);
    this.#policy = checkPolicy(policy);
    this.#reporter = reporter;
    this.#outlet = outlet;
  }

  /** The filters for the next message: of those that are only watched, some look at some messages only. */
  members(): readonly Member[] {
    return this.#members.every(({ shadow }) => shadow === undefined)
      ? this.#members
      : this.#members.filter(({ shadow }) => shadow === undefined || Math.random() < shadow.sample);
  }

  /** Calls the filters for a run. */
  start(run: Run): void {
    for (const part of run.parts) this.#call(part);
  }

  #call(part: Part): void {
    try {
      const outcome = part.member.run(part.session);
      if (isVerdict(outcome)) return this.#conclude(part, outcome);
      Promise.resolve(outcome).then(
        (verdict) => this.#conclude(part, verdict),
        (error) => this.#fail(part, error),
      );
    } catch (error) {
      this.#fail(part, error);
    }
  }

  /** Ends the parts of those filters that take too long. */
  overrun(run: Run, error: MilterError): void {
    for (const part of run.parts) {
      if (part.holds) this.#fail(part, part.overrun(error));
    }
  }

  /** Lets the policy answer for a run that may not go on; its filters are told, if they have been called. */
  refuse(run: Run, error: MilterError): void {
    for (const part of run.parts) {
      if (part.over) continue;
      if (part.watches) part.drop(error);
      else this.#overrule(part, error, error);
    }
  }

  /** Logs something about a message. */
  note(level: LogEntry["level"], message: string, run: Run | undefined): void {
    this.report({ level, message, ...this.where(run) });
  }

  /** What a line of the log says of where something happened. */
  where(run: Run | undefined): Partial<LogEntry> {
    const filter = this.#members.length === 1 ? this.#members[0]!.name || undefined : undefined;
    const peer = this.#outlet.peer || undefined;
    return { filter, peer, stage: run?.memory.stage, queueId: run?.memory.macros.get("i") };
  }

  /** Logs something, with what is known of where it happened. */
  report(entry: LogEntry): void {
    this.#reporter.report({ ...this.where(undefined), ...entry });
  }

  #conclude(part: Part, verdict: unknown): void {
    if (!isVerdict(verdict)) {
      const what = `the filter returned ${nameOf(verdict)}, which is no verdict`;
      return this.#fail(part, new MilterError("FILTER", `Cannot judge the message: ${what}`));
    }
    const { body } = part.edits;
    if (part.over || body === undefined || body instanceof Uint8Array || !carriesEdits(verdict)) {
      return this.#finish(part, verdict);
    }
    readBody(body, part.signal, (bytes, size) => part.run.keep(bytes, size)).then(
      (bytes) => {
        part.edits.body = bytes;
        this.#finish(part, verdict);
      },
      (error) => this.#fail(part, error),
    );
  }

  #finish(part: Part, verdict: Verdict): void {
    try {
      part.finish(verdict);
    } catch (error) {
      // A verdict that was reached and not said would leave the MTA waiting.
      return part.over ? part.run.giveUp(error) : this.#fail(part, error);
    }
    if (part.watches) this.compare(part.run);
  }

  /** The policy answers for a filter that failed. */
  #fail(part: Part, error: unknown): void {
    const where = { ...whereOf(part), error };
    if (part.over) {
      if (isAbort(error)) return;
      const message = `The filter failed after its message was over: ${messageOf(error)}`;
      return this.report({ level: "debug", message, ...where });
    }
    const reason = error instanceof MilterError
      ? error
      : new MilterError("FILTER", `Cannot go on: ${messageOf(error)}`, { cause: error });
    if (part.watches && isAbort(error)) return part.drop(reason);
    this.#observeFailure(part, error);
    if (part.watches) {
      this.report({ level: "warning", message: `The shadow filter failed: ${messageOf(error)}`, ...where });
      return part.drop(reason);
    }
    this.report({ level: "error", message: `The filter failed: ${messageOf(error)}`, ...where });
    this.#overrule(part, error, reason);
  }

  /** Ends a part by the verdict of the policy. */
  #overrule(part: Part, error: unknown, reason: MilterError): void {
    const { observation } = part.run;
    if (observation !== undefined) observation.error = error;
    const onFailure = (failure: unknown) => {
      const message = `onError failed: ${messageOf(failure)}`;
      this.report({ level: "error", message, ...whereOf(part), error: failure });
    };
    const verdict = judgeError(part.member.onError ?? this.#policy, error, part.session, onFailure);
    try {
      part.overrule(verdict, reason);
    } catch (failure) {
      onFailure(failure);
      part.overrule(tempfail(), reason);
    }
  }

  #observeFailure(part: Part, error: unknown): void {
    const { observers } = this.#reporter;
    const message = part.run.observation;
    if (observers === undefined || message === undefined) return;
    const filter = part.member.name || undefined;
    observers.tell("filterFailed", { message, filter, error, watched: part.watches });
  }

  /** Tells how filters that are only watched would have judged, each as soon as both verdicts are known. */
  compare(run: Run): void {
    if (run.verdict === undefined) return;
    for (const part of run.parts) {
      const { member: { shadow, name }, verdict, edits } = part;
      if (shadow === undefined || verdict === undefined || part.told) continue;
      part.told = true;
      try {
        shadow.onVerdict({ name, verdict, actual: run.verdict, plan: run.planOf(edits) });
      } catch (error) {
        this.report({ level: "error", message: `onVerdict failed: ${messageOf(error)}`, error });
      }
    }
  }
}

/** What a line of the log says of where a filter is. */
function whereOf({ memory, member }: Part): Pick<LogEntry, "stage" | "queueId" | "filter"> {
  return { stage: memory.stage, queueId: memory.macros.get("i"), filter: member.name || undefined };
}

function nameOf(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
