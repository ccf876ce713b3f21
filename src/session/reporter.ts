import { consoleLog, type Log, type LogEntry } from "./log.ts";
import type { Observer } from "./observer.ts";
import { Observers, observersOf, type OneOrMore } from "./observers.ts";

/** Who is told of what happens. */
export interface ReportOptions {
  /** Takes what is to be logged; by default errors and warnings go to the console. */
  readonly log?: Log;
  /** Takes the warnings: what the MTA cannot do as a filter wished it, or a peer that failed. By default the log does. */
  readonly onWarning?: Log;
  /** Watches what is done; may be several. */
  readonly observer?: OneOrMore<Observer>;
}

/** Tells logs and observers, none of which can harm a mail by failing. */
export class Reporter {
  /** Who watches, if anybody does. */
  readonly observers: Observers | undefined;
  readonly #log: Log;
  readonly #onWarning: Log;

  /** @throws {TypeError} if an observer is none. */
  constructor({ log, onWarning, observer }: ReportOptions) {
    const observers = observersOf(observer);
    if (observers.length > 0) this.observers = new Observers(observers, this.#observerFailed);
    this.#log = log ?? (this.observers?.hear("logged") ? () => {} : consoleLog);
    this.#onWarning = onWarning ?? this.#log;
  }

  /** Logs something. */
  report(entry: LogEntry): void {
    this.observers?.tell("logged", entry);
    const log = entry.level === "warning" ? this.#onWarning : this.#log;
    try {
      log(entry);
    } catch (error) {
      // The console is what is left.
      consoleLog({ level: "error", message: "The log failed", error });
    }
  }

  readonly #observerFailed = (event: keyof Observer, error: unknown): void => {
    const message = `The observer failed: ${event}: ${messageOf(error)}`;
    // One that cannot take lines of the log would fail again.
    if (event === "logged") consoleLog({ level: "error", message, error });
    else this.report({ level: "error", message, error });
  };
}

/** The message of an error, or whatever else was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
