import type { CommandType } from "../protocol/commands.ts";

/** Something that an administrator may want to know. */
export interface LogEntry {
  /** `"error"`: a filter failed; `"warning"`: a peer did, or an MTA cannot do what was wished; `"debug"`: nobody did. */
  readonly level: "debug" | "warning" | "error";
  /** What happened, on one line. */
  readonly message: string;
  /** The failure itself. */
  readonly error?: unknown;
  /** The filter's name, if it has one. */
  readonly filter?: string | undefined;
  /** The address of the MTA's end of the connection. */
  readonly peer?: string | undefined;
  /** Where in the conversation. */
  readonly stage?: CommandType | undefined;
  /** The MTA's name for the message. */
  readonly queueId?: string | undefined;
}

/** Takes what is to be logged. */
export type Log = (entry: LogEntry) => void;

/** Writes errors and warnings to the console, one line each, errors of a filter with their stack. */
export const consoleLog: Log = (entry) => {
  if (entry.level === "debug") return;
  const line = `kilter: ${describe(entry)}`;
  if (entry.level === "warning") console.warn(line);
  else if (entry.error === undefined) console.error(line);
  else console.error(line, entry.error);
};

/** An entry in one line: what, then where. */
export function describe({ message, filter, peer, stage, queueId }: LogEntry): string {
  const where = Object.entries({ filter, peer, stage, queue: queueId })
    .filter(([, value]) => value)
    .map(([name, value]) => `${name} ${value}`);
  return where.length === 0 ? message : `${message} (${where.join(", ")})`;
}
