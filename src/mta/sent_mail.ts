import { concat } from "../wire/concat.ts";
import { CRLF, linesOf } from "./lines.ts";
import { foldsOf, type Mail, mailBytes, type MailField } from "./mail.ts";
import type { MtaName } from "./mta_name.ts";

/** How an MTA writes what is too long for the line of a mail. */
interface Limits {
  /** The most bytes of a line. */
  readonly line: number;
  /** The most bytes of what goes on below, the space before it not counted. */
  readonly rest: number;
  /** What it puts at the end of a line that goes on below. */
  readonly mark: Uint8Array;
  /** The most bytes of a header between two folds: what is over is lost. */
  readonly header: number;
}

const LIMITS: Readonly<Record<MtaName, Limits>> = {
  postfix: { line: 998, rest: 997, mark: new Uint8Array(0), header: Infinity },
  sendmail: { line: 2040, rest: 2048, mark: Uint8Array.of(0x21), header: 2303 },
};

const SPACE: Uint8Array = Uint8Array.of(0x20);

/**
 * The bytes of a mail as an MTA sends them on. It breaks long lines, and starts the rest of each with a space;
 * Sendmail loses the end of a long header.
 */
export function sentBytes(mail: Mail, mta: MtaName): Uint8Array {
  const limits = LIMITS[mta];
  const bytes = mailBytes({ ...mail, headers: mail.headers.map((field) => shortened(field, limits)) });
  const lines = linesOf(bytes);
  if (lines.every((line) => line.length <= limits.line)) return bytes;
  return concat(lines.flatMap((line) => [...broken(line, limits), CRLF]));
}

/** A line in pieces that are short enough. */
function* broken(line: Uint8Array, { line: first, rest, mark }: Limits): Iterable<Uint8Array> {
  let at = 0;
  for (let room = first; line.length - at > room; room = rest) {
    const end = at + room - mark.length;
    yield* [line.subarray(at, end), mark, CRLF, SPACE];
    at = end;
  }
  yield line.subarray(at);
}

function shortened(field: MailField, { header }: Limits): MailField {
  const { name, value } = field;
  if (name.length + 1 + value.length <= header) return field;
  const pieces: Uint8Array[] = [];
  let room = header - name.length - 1;
  for (const line of foldsOf(value)) {
    if (pieces.length > 0) pieces.push(FOLD);
    pieces.push(line.subarray(0, room));
    room = header;
  }
  return { name, value: concat(pieces) };
}

const FOLD: Uint8Array = Uint8Array.of(0x0a);
