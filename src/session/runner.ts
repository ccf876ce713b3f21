import { MilterError } from "../errors.ts";
import { readBody } from "./edits/new_body.ts";
import { type Filter, membersOf } from "./filter.ts";
import { LiveSession } from "./live_session.ts";
import { consoleLog, type Log, type LogEntry } from "./log.ts";
import { checkPolicy, type ErrorPolicy, isAbort, judgeError } from "./policy.ts";
import type { Member } from "./member.ts";
import type { Observer } from "./observer.ts";
import { Observers, observersOf, type OneOrMore } from "./observers.ts";
import type { Part } from "./part.ts";
import type { Run } from "./run.ts";
import type { Session } from "./session.ts";
import { carriesEdits, isVerdict, tempfail, type Verdict } from "./verdict.ts";

/** What becomes of a filter's failure. */
export interface RunnerOptions {
  /** What becomes of a message whose filter fails; `"tempfail"` by default. */
  readonly onError?: ErrorPolicy;
  /** Takes what is to be logged; by default errors and warnings go to the console. */
  readonly log?: Log;
  /** Takes the warnings: what the MTA cannot do as a filter wished it, or a peer that failed. By default the log does. */
  readonly onWarning?: Log;
  /** Watches what is done, or several that do. */
  readonly observer?: OneOrMore<Observer>;
}

/** Runs the filter, one run for each message, and answers for it when it fails. */
export class Runner {
  readonly #members: readonly Member[];
  readonly #policy: ErrorPolicy;
  readonly #log: Log;
  readonly #onWarning: Log;
  readonly #outlet: { readonly peer: string };
  /** Who watches, if anybody does. */
  readonly observers: Observers | undefined;
  /** What the filters of the latest run hold. */
  #sessions: readonly LiveSession[] = [];

  /** The outlet tells the address of the MTA's end, for logs. */
  constructor(
    filter: Filter,
    outlet: { readonly peer: string },
    options: RunnerOptions,
  ) {
    if (typeof filter !== "function") throw new TypeError("Cannot serve: the filter is no function");
    this.#members = membersOf(filter);
    this.#policy = checkPolicy(options.onError ?? "tempfail");
    const observers = observersOf(options.observer);
    if (observers.length > 0) this.observers = new Observers(observers, this.#observerFailed);
    this.#log = options.log ?? (this.observers?.hear("logged") ? () => {} : consoleLog);
    this.#onWarning = options.onWarning ?? this.#log;
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
    this.#sessions = run.parts.map((part) => new LiveSession(part));
    for (const [at, part] of run.parts.entries()) this.#call(part, this.#sessions[at]!);
  }

  #call(part: Part, session: Session): void {
    try {
      const outcome = part.member.run(session);
      if (isVerdict(outcome)) return this.#conclude(part, session, outcome);
      Promise.resolve(outcome).then(
        (verdict) => this.#conclude(part, session, verdict),
        (error) => this.#fail(part, session, error),
      );
    } catch (error) {
      this.#fail(part, session, error);
    }
  }

  /** Ends the parts of those filters that take too long. */
  overrun(run: Run, error: MilterError): void {
    for (const [at, part] of run.parts.entries()) {
      if (part.holds) this.#fail(part, this.#sessions[at]!, error);
    }
  }

  /** Logs something about a message. */
  note(level: LogEntry["level"], message: string, run: Run | undefined): void {
    this.report({ level, message, stage: run?.memory.stage, queueId: run?.memory.macros.get("i") });
  }

  /** Logs something, with what is known of where it happened. */
  report(entry: LogEntry): void {
    const log = entry.level === "warning" ? this.#onWarning : this.#log;
    const filter = this.#members.length === 1 ? this.#members[0]!.name || undefined : undefined;
    const full = { filter, peer: this.#outlet.peer || undefined, ...entry };
    this.observers?.tell("logged", full);
    try {
      log(full);
    } catch (error) {
      // A log that fails must not cost a mail; the console is what is left.
      consoleLog({ level: "error", message: "The log failed", error });
    }
  }

  readonly #observerFailed = (event: keyof Observer, error: unknown): void => {
    const entry: LogEntry = {
      level: "error",
      message: `The observer failed: ${event}: ${messageOf(error)}`,
      error,
    };
    // One that cannot take lines of the log would fail again.
    if (event === "logged") consoleLog(entry);
    else this.report(entry);
  };

  #conclude(part: Part, session: Session, verdict: unknown): void {
    if (!isVerdict(verdict)) {
      const what = `the filter returned ${nameOf(verdict)}, which is no verdict`;
      return this.#fail(part, session, new MilterError("FILTER", `Cannot judge the message: ${what}`));
    }
    const { body } = part.edits;
    if (part.over || body === undefined || body instanceof Uint8Array || !carriesEdits(verdict)) {
      return this.#finish(part, session, verdict);
    }
    readBody(body, part.signal).then(
      (bytes) => {
        part.edits.body = bytes;
        this.#finish(part, session, verdict);
      },
      (error) => this.#fail(part, session, error),
    );
  }

  #finish(part: Part, session: Session, verdict: Verdict): void {
    try {
      part.finish(verdict);
    } catch (error) {
      return this.#fail(part, session, error);
    }
    if (part.watches) this.compare(part.run);
  }

  /** The policy answers for a filter that failed. */
  #fail(part: Part, session: Session, error: unknown): void {
    const { memory, member } = part;
    const filter = member.name || undefined;
    const where = { error, stage: memory.stage, queueId: memory.macros.get("i"), filter };
    if (part.over) {
      if (isAbort(error)) return;
      const message = `The filter failed after its message was over: ${messageOf(error)}`;
      return this.report({ level: "debug", message, ...where });
    }
    const reason = error instanceof MilterError
      ? error
      : new MilterError("FILTER", `Cannot go on: ${messageOf(error)}`, { cause: error });
    if (part.watches) {
      if (!isAbort(error)) {
        this.report({ level: "warning", message: `The shadow filter failed: ${messageOf(error)}`, ...where });
        this.#observeFailure(part, error, undefined);
      }
      return part.drop(reason);
    }
    this.report({ level: "error", message: `The filter failed: ${messageOf(error)}`, ...where });
    const onFailure = (failure: unknown) => {
      const message = `onError failed: ${messageOf(failure)}`;
      this.report({ level: "error", message, ...where, error: failure });
    };
    const verdict = judgeError(member.onError ?? this.#policy, error, session, onFailure);
    this.#observeFailure(part, error, verdict);
    try {
      part.overrule(verdict, reason);
    } catch (failure) {
      onFailure(failure);
      part.overrule(tempfail(), reason);
    }
  }

  #observeFailure(part: Part, error: unknown, verdict: Verdict | undefined): void {
    const message = part.run.observation;
    if (message === undefined) return;
    if (verdict !== undefined) message.error = error;
    this.observers?.tell("filterFailed", { message, filter: part.member.name || undefined, error, verdict });
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

/** The message of an error, or whatever else was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function nameOf(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
