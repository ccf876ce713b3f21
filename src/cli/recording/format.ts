/**
 * A recording is a file of JSON lines. The first tells what it is:
 *
 *   {"format":"kilter recording","version":1,"started":"2026-11-27T05:10:00.000Z"}
 *
 * `"redacted": true` stands there if what tells of people was left out, and the time of the start is left out then too.
 * Each other line is one thing that happened, in the order in which it did:
 *
 *   {"t":2,"conn":1,"dir":"mta","cmd":"M","hex":"3c61406578616d706c652e746573743e00"}
 *
 * | key | meaning |
 * | --- | --- |
 * | `t` | whole milliseconds since the start |
 * | `conn` | the number of the connection, from 1 |
 * | `dir` | who did it: `"mta"` or `"filter"` |
 * | `cmd` | the code of a packet, one character; or `"RAW"`: bytes that are no packet, `"EOF"`: closed its side, `"LOST"`: the connection broke |
 * | `hex` | of a packet the bytes after its code, of `"RAW"` all of them |
 * | `len` | in place of `hex`: how many bytes they were; they were left out |
 * | `note` | for a person: why bytes are no packet, how a connection broke |
 *
 * Other keys are passed over. It is close to how the conversations of tests/transcripts are written down.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { concat } from "../../wire/concat.ts";
import type { Entry, Side } from "./entry.ts";

const FORMAT = "kilter recording";
const VERSION = 1;

/** The words for what is no packet; a packet has its code there, which is one character. */
const WORDS = { raw: "RAW", end: "EOF", lost: "LOST" } as const;

/** The first line of a recording. */
export interface Heading {
  /** When it began; unknown if it is redacted. */
  readonly started?: string | undefined;
  /** Whether what tells of people was left out. */
  readonly redacted: boolean;
}

/** The first line, with its end. */
export function formatHeading({ started, redacted }: Heading): string {
  const heading = { format: FORMAT, version: VERSION, ...redacted ? { redacted } : { started } };
  return `${JSON.stringify(heading)}\n`;
}

/** The line of an entry, with its end. */
export function formatEntry({ t, connection, side, what, bytes, why, leftOut }: Entry): string {
  const code = what === "packet" ? 1 : 0;
  const payload = bytes.subarray(code);
  return `${
    JSON.stringify({
      t,
      conn: connection,
      dir: side,
      cmd: what === "packet" ? String.fromCharCode(bytes[0]!) : WORDS[what],
      ...what === "packet" || what === "raw"
        ? leftOut ? { len: payload.length } : { hex: Buffer.from(payload).toString("hex") }
        : {},
      ...why === undefined ? {} : { note: why },
    })
  }\n`;
}

/** Reads the first line; throws an `Error` that says why it is none. */
export function parseHeading(line: string): Heading {
  const { format, version, started, redacted } = parseObject(line);
  if (format !== FORMAT) throw new Error(`its "format" is not "${FORMAT}"`);
  if (version !== VERSION) throw new Error(`its version is ${version}, and this kilter knows ${VERSION}`);
  return { started: typeof started === "string" ? started : undefined, redacted: redacted === true };
}

/** Reads any other line; throws an `Error` that says what is wrong with it. */
export function parseEntry(line: string): Entry {
  const { t, conn, dir, cmd, hex, len, note } = parseObject(line);
  if (!isCount(conn) || conn === 0) throw new Error('its "conn" must be a whole number from 1 on');
  if (dir !== "mta" && dir !== "filter") throw new Error('its "dir" must be "mta" or "filter"');
  if (!isCount(t)) throw new Error('its "t" must be a whole number');
  const what = whatOf(cmd);
  const code = what === "packet" ? Uint8Array.of((cmd as string).charCodeAt(0)) : new Uint8Array(0);
  const payload = what === "packet" || what === "raw" ? payloadOf(hex, len) : new Uint8Array(0);
  return {
    t,
    connection: conn,
    side: dir satisfies Side,
    what,
    bytes: concat([code, payload]),
    ...typeof note === "string" ? { why: note } : {},
    ...hex === undefined && payload.length > 0 ? { leftOut: true } : {},
  };
}

function parseObject(line: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error("it is no JSON"); // The runtimes say where in words of their own.
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("it is no JSON object");
  }
  return value as Readonly<Record<string, unknown>>;
}

function whatOf(cmd: unknown): Entry["what"] {
  if (typeof cmd === "string" && cmd.length === 1 && cmd <= "\xff") return "packet";
  const [what] = Object.entries(WORDS).find(([, word]) => word === cmd) ?? [];
  if (what === undefined) {
    throw new Error(`its "cmd" must be one character, ${Object.values(WORDS).join(", ")}`);
  }
  return what as keyof typeof WORDS;
}

/** The most bytes that are made up where only their number is known: a packet's. */
const MAX_LEFT_OUT = 1024 * 1024;

function payloadOf(hex: unknown, len: unknown): Uint8Array {
  if (typeof hex === "string") {
    if (hex.length % 2 !== 0 || !/^[\da-f]*$/i.test(hex)) throw new Error('its "hex" is no hexadecimal');
    return Buffer.from(hex, "hex");
  }
  if (!isCount(len)) throw new Error('it has neither "hex" nor "len"');
  if (len > MAX_LEFT_OUT) throw new Error(`its "len" is over ${MAX_LEFT_OUT}`);
  return filler(len);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** What stands for bytes that were left out: lines of `x`. */
export function filler(length: number): Uint8Array {
  const bytes = new Uint8Array(length).fill("x".charCodeAt(0));
  for (let at = 76; at + 1 < length; at += 78) bytes.set([0x0d, 0x0a], at);
  return bytes;
}
