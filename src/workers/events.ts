import type { LogEntry } from "../session/log.ts";

/** What happens to a worker. */
export type WorkerEvent =
  | WorkerReady
  | WorkerDied
  | WorkerFailed
  | WorkerSilent
  | WorkerAnswered
  | WorkerDrained;

/** Something that happens in the place of a worker. */
export interface PlaceEvent<Type extends string> {
  /** What it is. */
  readonly type: Type;
  /** The place: a number from 1 on, which those have in common who follow one another. */
  readonly place: number;
}

/** Something that happens to a process. */
export interface ProcessEvent<Type extends string> extends PlaceEvent<Type> {
  /** The process. */
  readonly pid: number;
}

/** A worker serves. */
export interface WorkerReady extends ProcessEvent<"ready"> {
  /** Whether it follows one that has died. */
  readonly again: boolean;
}

/** A worker has ended that nobody has told to. Mails that it had get what the MTA does without an answer. */
export interface WorkerDied extends ProcessEvent<"died"> {
  /** The code that it ended by, or the signal. */
  readonly by: number | string;
  /** In how many milliseconds another is started in its place. */
  readonly wait: number;
}

/** A worker could not begin to serve. */
export interface WorkerFailed extends PlaceEvent<"failed"> {
  /** Why. */
  readonly error: unknown;
  /** In how many milliseconds it is tried again. */
  readonly wait: number;
}

/** A worker does not answer: its filter keeps it busy, or it is stopped. */
export interface WorkerSilent extends ProcessEvent<"silent"> {
  /** For how many milliseconds. */
  readonly duration: number;
  /** Whether it is ended for that. */
  readonly killed: boolean;
}

/** A worker answers again. */
export interface WorkerAnswered extends ProcessEvent<"answered"> {
  /** For how many milliseconds it had not. */
  readonly duration: number;
}

/** A worker has ended in whose place another serves. */
export interface WorkerDrained extends ProcessEvent<"drained"> {
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
