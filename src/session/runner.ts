import { MilterError } from "../errors.ts";
import { readBody } from "./edits/new_body.ts";
import type { Filter } from "./filter.ts";
import { LiveSession } from "./live_session.ts";
import { consoleLog, type Log, type LogEntry } from "./log.ts";
import { checkPolicy, type ErrorPolicy, isAbort, judgeError } from "./policy.ts";
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
}

/** Runs the filter, one run for each message, and answers for it when it fails. */
export class Runner {
  readonly #filter: Filter;
  readonly #policy: ErrorPolicy;
  readonly #log: Log;
  readonly #onWarning: Log;
  readonly #outlet: { readonly peer: string };
  /** What the filter of the latest run holds. */
  #session: Session | undefined;

  /** The outlet tells the address of the MTA's end, for logs. */
  constructor(
    filter: Filter,
    outlet: { readonly peer: string },
    { onError = "tempfail", log = consoleLog, onWarning = log }: RunnerOptions,
  ) {
    if (typeof filter !== "function") throw new TypeError("Cannot serve: the filter is no function");
    this.#filter = filter;
    this.#policy = checkPolicy(onError);
    this.#log = log;
    this.#onWarning = onWarning;
    this.#outlet = outlet;
  }

  /** Calls the filter for a run. */
  start(run: Run): void {
    const session = this.#session = new LiveSession(run);
    try {
      const outcome = this.#filter(session);
      if (isVerdict(outcome)) return this.#conclude(run, session, outcome);
      Promise.resolve(outcome).then(
        (verdict) => this.#conclude(run, session, verdict),
        (error) => this.#fail(run, session, error),
      );
    } catch (error) {
      this.#fail(run, session, error);
    }
  }

  /** Ends a run whose filter takes too long. */
  overrun(run: Run, error: MilterError): void {
    this.#fail(run, this.#session!, error);
  }

  /** Logs a warning about a message. */
  warn(warning: string, run: Run | undefined): void {
    const where = { stage: run?.memory.stage, queueId: run?.memory.macros.get("i") };
    this.report({ level: "warning", message: warning, ...where });
  }

  /** Logs something, with what is known of where it happened. */
  report(entry: LogEntry): void {
    const log = entry.level === "warning" ? this.#onWarning : this.#log;
    try {
      log({ filter: this.#filter.name || undefined, peer: this.#outlet.peer || undefined, ...entry });
    } catch (error) {
      // A log that fails must not cost a mail; the console is what is left.
      consoleLog({ level: "error", message: "The log failed", error });
    }
  }

  #conclude(run: Run, session: Session, verdict: unknown): void {
    if (!isVerdict(verdict)) {
      const what = `the filter returned ${nameOf(verdict)}, which is no verdict`;
      return this.#fail(run, session, new MilterError("FILTER", `Cannot judge the message: ${what}`));
    }
    const { body } = run.edits;
    if (run.over || body === undefined || body instanceof Uint8Array || !carriesEdits(verdict)) {
      return this.#finish(run, session, verdict);
    }
    readBody(body, run.signal).then(
      (bytes) => {
        run.edits.body = bytes;
        this.#finish(run, session, verdict);
      },
      (error) => this.#fail(run, session, error),
    );
  }

  #finish(run: Run, session: Session, verdict: Verdict): void {
    try {
      run.finish(verdict);
    } catch (error) {
      this.#fail(run, session, error);
    }
  }

  /** The policy answers for a filter that failed. */
  #fail(run: Run, session: Session, error: unknown): void {
    const where = { error, stage: run.memory.stage, queueId: run.memory.macros.get("i") };
    if (run.over) {
      if (isAbort(error)) return;
      const message = `The filter failed after its message was over: ${messageOf(error)}`;
      return this.report({ level: "debug", message, ...where });
    }
    this.report({ level: "error", message: `The filter failed: ${messageOf(error)}`, ...where });
    const onFailure = (failure: unknown) => {
      this.report({
        level: "error",
        message: `onError failed: ${messageOf(failure)}`,
        ...where,
        error: failure,
      });
    };
    const verdict = judgeError(this.#policy, error, session, onFailure);
    const reason = error instanceof MilterError
      ? error
      : new MilterError("FILTER", `Cannot go on: ${messageOf(error)}`, { cause: error });
    try {
      run.overrule(verdict, reason);
    } catch (failure) {
      onFailure(failure);
      run.overrule(tempfail(), reason);
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
