import { createReadStream } from "node:fs";
import type { Entry } from "./entry.ts";
import { type Heading, parseEntry, parseHeading } from "./format.ts";

/** What was recorded of one connection. */
export interface RecordedConnection {
  /** Its number in the recording. */
  readonly number: number;
  readonly entries: readonly Entry[];
}

/** A recording: its connections in the order in which they began. */
export interface Recording extends Heading {
  readonly connections: readonly RecordedConnection[];
}

/** The most characters of a line: a packet of 1 MiB in hexadecimal, and what stands around it. */
const MAX_LINE = 4 * 1024 * 1024;

/**
 * Reads a whole recording, so that nothing of one that is broken is played.
 *
 * @throws {Error} that names the file, the line and what is wrong with it.
 */
export async function readRecording(path: string): Promise<Recording> {
  const connections = new Map<number, Entry[]>();
  let heading: Heading | undefined;
  let number = 0;
  try {
    for await (const line of linesOf(path)) {
      number++;
      if (heading === undefined) heading = parseHeading(line);
      else if (line.trim() !== "") {
        const entry = parseEntry(line);
        const entries = connections.get(entry.connection);
        if (entries === undefined) connections.set(entry.connection, [entry]);
        else entries.push(entry);
      }
    }
  } catch (cause) {
    throw new Error(`Cannot read recording ${path}: ${reasonOf(cause, number)}`, { cause });
  }
  if (heading === undefined) throw new Error(`Cannot read recording ${path}: the file is empty`);
  return {
    ...heading,
    connections: [...connections].map(([number, entries]) => ({ number, entries })),
  };
}

function reasonOf(error: unknown, line: number): string {
  const { code, message } = error as Error & { code?: string };
  if (code === "ENOENT") return "there is no such file";
  if (code === "EISDIR") return "it is a directory";
  if (code !== undefined) return message;
  return line === 1 ? `it is no recording: line 1: ${message}` : `line ${line}: ${message}`;
}

/** The lines of a text file, of which one is in memory. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let line = "";
  for await (const chunk of createReadStream(path, { encoding: "utf8" })) {
    const [more = "", ...lines] = (chunk as string).split("\n");
    line += more;
    for (const next of lines) {
      yield line;
      line = next;
    }
    if (line.length > MAX_LINE) {
      yield "a line without an end"; // Which no reader takes: it is no JSON.
      return;
    }
  }
  if (line !== "") yield line;
}
