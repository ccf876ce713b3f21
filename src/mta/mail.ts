import { encodeText, type Text } from "../wire/text.ts";
import { concat } from "../wire/concat.ts";
import { CRLF, lineAt, withCrlf } from "./lines.ts";

/** A header field of a mail. */
export interface MailField {
  /** Its name as the sender wrote it. */
  readonly name: Uint8Array;
  /** All that follows the colon, white space included; folds are `\n`. */
  readonly value: Uint8Array;
}

/** A mail as bytes, taken apart as an MTA takes it. */
export interface Mail {
  /** The `From ` line that a mail out of a mailbox starts with. */
  readonly mailboxLine: Uint8Array | undefined;
  readonly headers: readonly MailField[];
  /** The body with CRLF line ends, the last one included; empty if there is none. */
  readonly body: Uint8Array;
}

const TAB = 0x09;
const LF = 0x0a;
const SPACE = 0x20;
const COLON = 0x3a;

/**
 * A mail from its bytes, which may be any: lines end by CRLF or LF; the headers end at an empty line, or at
 * the first line that is no header, which is then the body's first. A string is taken as UTF-8.
 */
export function parseMail(source: Text): Mail {
  const bytes = encodeText(source);
  const { end, ...head } = parseHead(bytes);
  return { ...head, body: withCrlf(bytes.subarray(end)) };
}

/** What stands above the body of a mail, and where that starts. */
export function parseHead(bytes: Uint8Array): Omit<Mail, "body"> & { readonly end: number } {
  const mailbox = MAILBOX.some((start) => startsWith(bytes, start)) ? lineAt(bytes, 0) : undefined;
  const headers: MailField[] = [];
  let at = mailbox?.next ?? 0;
  while (at < bytes.length) {
    const first = lineAt(bytes, at);
    const colon = colonOf(first.line);
    if (colon < 0) {
      if (first.line.length === 0) at = first.next;
      break;
    }
    const value: Uint8Array[] = [first.line.subarray(colon + 1)];
    for (at = first.next; isBlank(bytes[at]);) {
      const { line, next } = lineAt(bytes, at);
      value.push(FOLD, line);
      at = next;
    }
    const name = first.line.subarray(0, nameEnd(first.line, colon));
    headers.push({ name, value: value.length === 1 ? value[0]! : concat(value) });
  }
  return { mailboxLine: mailbox?.line, headers, end: at };
}

/** The bytes of a mail, with CRLF at the end of each line. */
export function mailBytes({ mailboxLine, headers, body }: Mail): Uint8Array {
  const pieces: Uint8Array[] = mailboxLine === undefined ? [] : [mailboxLine, CRLF];
  for (const { name, value } of headers) {
    pieces.push(name, SEPARATOR);
    for (const line of foldsOf(value)) pieces.push(line, CRLF);
  }
  return concat([...pieces, CRLF, body]);
}

/** The lines of a folded value, at least one. A CR is no end of a line here. */
export function foldsOf(value: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let start = 0;
  for (let at = value.indexOf(LF); at >= 0; at = value.indexOf(LF, start)) {
    lines.push(value.subarray(start, at));
    start = at + 1;
  }
  return [...lines, value.subarray(start)];
}

/** Whether both are the same name; the case of letters does not matter. */
export function sameName(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) {
    if (one[at] !== other[at] && lower(one[at]!) !== lower(other[at]!)) return false;
  }
  return true;
}

/** Whether a name is one of these. */
export function oneOf(names: readonly Uint8Array[], name: Uint8Array): boolean {
  return names.some((one) => sameName(one, name));
}

const FOLD = Uint8Array.of(LF);
const SEPARATOR = Uint8Array.of(COLON);
/** How the line before a mail in a mailbox starts, and how one that was taken for text was quoted. */
const MAILBOX: readonly Uint8Array[] = ["From ", ">From "].map(encodeText);

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return start.every((byte, at) => bytes[at] === byte);
}

/** Where the colon of a header line stands; -1 if it is no header line. */
function colonOf(line: Uint8Array): number {
  const colon = line.indexOf(COLON);
  const end = nameEnd(line, colon);
  return end > 0 && line.subarray(0, end).every((byte) => byte > SPACE && byte < 0x7f) ? colon : -1;
}

/** Where the name ends: there may be white space before the colon, which MTAs drop. */
function nameEnd(line: Uint8Array, colon: number): number {
  let end = colon;
  while (end > 0 && isBlank(line[end - 1])) end--;
  return end;
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
