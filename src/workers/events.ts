import type { LogEntry } from "../session/log.ts";

/** What happens to a worker. Its place is the number, from 1 on, that those have in common who follow one another. */
export type WorkerEvent =
  | WorkerReady
  | WorkerDied
  | WorkerFailed
  | WorkerSilent
  | WorkerAnswered
  | WorkerDrained;

/** A worker serves. */
export interface WorkerReady {
  readonly type: "ready";
  readonly place: number;
  readonly pid: number;
  /** Whether it follows one that has died. */
  readonly again: boolean;
}

/** A worker has ended that nobody has told to. Mails that it had get what the MTA does without an answer. */
export interface WorkerDied {
  readonly type: "died";
  readonly place: number;
  readonly pid: number;
  /** The code that it ended by, or the signal. */
  readonly by: number | string;
  /** In how many milliseconds another is started in its place. */
  readonly wait: number;
}

/** A worker could not begin to serve. */
export interface WorkerFailed {
  readonly type: "failed";
  readonly place: number;
  readonly error: unknown;
  /** In how many milliseconds it is tried again. */
  readonly wait: number;
}

/** A worker does not answer: its filter keeps it busy, or it is stopped. */
export interface WorkerSilent {
  readonly type: "silent";
  readonly place: number;
  readonly pid: number;
  /** For how many milliseconds. */
  readonly duration: number;
  /** Whether it is ended for that. */
  readonly killed: boolean;
}

/** A worker answers again. */
export interface WorkerAnswered {
  readonly type: "answered";
  readonly place: number;
  readonly pid: number;
  /** For how many milliseconds it had not. */
  readonly duration: number;
}

/** A worker has ended in whose place another serves. */
export interface WorkerDrained {
  readonly type: "drained";
  readonly place: number;
  readonly pid: number;
  /** How many of its connections had not ended when the time was up. */
  readonly late: number;
}

/** What is said of each. */
const WORDS: { readonly [Type in WorkerEvent["type"]]: (event: WorkerEvent & { type: Type }) => string } = {
  ready: () => "serves",
  died: ({ by, wait }) => `died by ${typeof by === "number" ? `code ${by}` : by}; ${another(wait)}`,
  failed: ({ error, wait }) => `${error instanceof Error ? error.message : String(error)}; ${another(wait)}`,
  silent: ({ duration, killed }) =>
    `has not answered for ${seconds(duration)}${killed ? ", and is ended for that" : ""}`,
  answered: ({ duration }) => `answers again after ${seconds(duration)}`,
  drained: ({ late }) => `has ended: the time was up for ${late} of its connections`,
};

/** How much it matters. */
export function levelOf(event: WorkerEvent): LogEntry["level"] {
  if (event.type === "died" || event.type === "failed") return "error";
  if (event.type === "ready" || (event.type === "drained" && event.late === 0)) return "debug";
  return "warning";
}

/** What happened, in one line. */
export function describeWorker(event: WorkerEvent): string {
  const who = `worker ${event.place}${"pid" in event ? ` (${event.pid})` : ""}`;
  // The row is that of the event's own type.
  return `${who} ${(WORDS[event.type] as (event: WorkerEvent) => string)(event)}`;
}

function another(wait: number): string {
  return wait === 0 ? "starting another" : `starting another in ${seconds(wait)}`;
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 100) / 10} s`;
}
