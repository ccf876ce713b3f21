import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { concat } from "../../wire/concat.ts";

/** A mail to be sent. */
export interface MailFile {
  /** Its file; in a mailbox with its number after `#`. */
  readonly name: string;
  read(): Promise<Uint8Array>;
}

/**
 * The mails that paths stand for: a file with one mail, a mailbox, all of that in a directory and below it, or the
 * standard input for `-`.
 *
 * @throws {Error} if a path cannot be read, or there is no mail at all.
 */
export async function mailsIn(paths: readonly string[]): Promise<readonly MailFile[]> {
  const mails: MailFile[] = [];
  for (const path of paths) {
    if (path === "-") mails.push(...mailsOf("-", await standardInput()));
    else await addFrom(path, mails);
  }
  if (mails.length === 0) throw new Error(`Cannot send: there is no mail in ${paths.join(", ")}`);
  return mails;
}

async function addFrom(path: string, mails: MailFile[]): Promise<void> {
  const found = await stat(path).catch(cannotRead(path));
  if (found.isDirectory()) {
    for (const name of (await readdir(path)).sort()) {
      if (!name.startsWith(".")) await addFrom(join(path, name), mails);
    }
    return;
  }
  // One mail is read when it is its turn; a mailbox has to be read to know how many there are.
  const bytes = await readFile(path).catch(cannotRead(path));
  if (isMailbox(bytes)) mails.push(...mailsOf(path, plain(bytes)));
  else mails.push({ name: path, read: () => readFile(path).then(plain, cannotRead(path)) });
}

function mailsOf(name: string, bytes: Uint8Array): MailFile[] {
  if (!isMailbox(bytes)) return [{ name, read: () => Promise.resolve(bytes) }];
  return [...splitMailbox(bytes)].map((mail, at) => ({
    name: `${name}#${at + 1}`,
    read: () => Promise.resolve(mail),
  }));
}

const LF = 0x0a;
const CR = 0x0d;
const FROM: Uint8Array = new TextEncoder().encode("From ");
const GREATER = 0x3e;

function isMailbox(bytes: Uint8Array): boolean {
  return startsAt(bytes, 0, FROM);
}

/**
 * The mails of a mailbox, without the lines between them. A line that starts with `From ` after an empty line starts
 * the next; one of the text was quoted with `>`, which is taken off: RFC 4155, in the manner of `mboxrd`.
 */
export function* splitMailbox(bytes: Uint8Array): Iterable<Uint8Array> {
  let pieces: Uint8Array[] = [];
  let first = true;
  let emptyBefore = true;
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(LF, at);
    const next = end < 0 ? bytes.length : end + 1;
    if (emptyBefore && startsAt(bytes, at, FROM)) {
      if (!first) yield whole(pieces);
      first = false;
      pieces = [];
    } else {
      const line = bytes.subarray(at, next);
      pieces.push(isQuoted(line) ? line.subarray(1) : line);
    }
    emptyBefore = bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] === LF);
    at = next;
  }
  yield whole(pieces);
}

/** A mail without the empty line that stands behind it. */
function whole(lines: readonly Uint8Array[]): Uint8Array {
  const last = lines.at(-1);
  const kept = last !== undefined && (last[0] === LF || last[0] === CR) && last.length <= 2
    ? lines.slice(0, -1)
    : lines;
  return concat(kept);
}

/** `>From `, `>>From `. */
function isQuoted(line: Uint8Array): boolean {
  let at = 0;
  while (line[at] === GREATER) at++;
  return at > 0 && startsAt(line, at, FROM);
}

function startsAt(bytes: Uint8Array, at: number, start: Uint8Array): boolean {
  return start.every((byte, offset) => bytes[at + offset] === byte);
}

async function standardInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return concat(chunks);
}

/** Bytes as every runtime has them. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What the system calls the reasons. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission is denied",
};

function cannotRead(path: string): (error: Error & { code?: string }) => never {
  return (error) => {
    throw new Error(`Cannot read ${path}: ${REASONS[error.code ?? ""] ?? error.message}`, { cause: error });
  };
}
