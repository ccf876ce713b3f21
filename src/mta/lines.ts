/** Bytes as lines of text: what mails are made of. */

import { concat } from "../wire/concat.ts";

const LF = 0x0a;
const CR = 0x0d;

/** What ends a line on the wire. */
export const CRLF: Uint8Array = Uint8Array.of(CR, LF);

/** The line that starts at a place, without its end, and where the next one starts. */
export function lineAt(bytes: Uint8Array, at: number): { readonly line: Uint8Array; readonly next: number } {
  const found = bytes.indexOf(LF, at);
  const next = found < 0 ? bytes.length : found + 1;
  let end = found < 0 ? next : found;
  if (found > at && bytes[found - 1] === CR) end--;
  return { line: bytes.subarray(at, end), next };
}

/** All lines, without their ends. A last end of line has no empty line after it. */
export function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const { line, next } = lineAt(bytes, at);
    lines.push(line);
    at = next;
  }
  return lines;
}

/** The same lines with CRLF at the end of each, the last one included; a lone CR is no end. */
export function withCrlf(bytes: Uint8Array): Uint8Array {
  let ends = 0;
  let bare = 0;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    ends++;
    if (bytes[at - 1] !== CR) bare++;
  }
  const open = bytes.length > 0 && bytes[bytes.length - 1] !== LF;
  if (bare === 0 && !open) return bytes;
  if (ends === 0) return concat([bytes, CRLF]);
  return concat(linesOf(bytes).flatMap((line) => [line, CRLF]));
}

/** As {@linkcode withCrlf}, piece by piece. */
export class LineEnds {
  #last: number | undefined;

  /** The next piece with CRLF at the end of each line that ends in it. */
  take(piece: Uint8Array): Uint8Array {
    if (piece.length === 0) return piece;
    const parts: Uint8Array[] = [];
    let start = 0;
    for (let at = piece.indexOf(LF); at >= 0; at = piece.indexOf(LF, at + 1)) {
      if ((at === 0 ? this.#last : piece[at - 1]) === CR) continue;
      parts.push(piece.subarray(start, at), CRLF);
      start = at + 1;
    }
    this.#last = piece[piece.length - 1];
    return parts.length === 0 ? piece : concat([...parts, piece.subarray(start)]);
  }

  /** What is missing after the last piece. */
  finish(): Uint8Array {
    return this.#last === undefined || this.#last === LF ? new Uint8Array(0) : CRLF;
  }
}
