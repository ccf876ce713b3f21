/** RFC 2047: text beyond ASCII as encoded words, `=?UTF-8?Q?Gr=C3=B6=C3=9Fe?=`. */

import { encodeText } from "../wire/text.ts";

/** How many octets an encoded word may have, and a line with one in it (RFC 2047, section 2). */
const WORD_LIMIT = 75;
const LINE_LIMIT = 76;

/** What stands around the text of an encoded word: `=?UTF-8?Q?` and `?=`. */
const FRAME = 12;

/**
 * An encoded word of any charset and any length: mail has some that are longer than they may be. One with more than
 * ASCII in it is none, and is encoded as any other text.
 */
const ENCODED_WORD = /=\?[!->@-~]+\?[bq]\?[!->@-~]*\?=/i;
const ALL_ENCODED_WORDS = new RegExp(`(${ENCODED_WORD.source})`, "i");
const STARTS_ENCODED = new RegExp(`^${ENCODED_WORD.source}`, "i");
const ENDS_ENCODED = /\?[bq]\?[!->@-~]*\?=$/i;

/** What Q writes for each octet. So little is left as it is that the word can be a name before an address. */
const Q: readonly string[] = Array.from({ length: 256 }, (_, octet) => {
  const character = String.fromCharCode(octet);
  if (character === " ") return "_";
  return /[A-Za-z0-9!*+/-]/.test(character)
    ? character
    : `=${octet.toString(16).toUpperCase().padStart(2, "0")}`;
});

/** A way to write octets as text (RFC 2047, section 4). */
interface Encoding {
  /** How long the text of some octets is. */
  readonly size: (bytes: Uint8Array, start: number, end: number) => number;
  readonly write: (bytes: Uint8Array) => string;
}

const BY_Q: Encoding = {
  size: (bytes, start, end) => {
    let size = 0;
    for (let at = start; at < end; at++) size += Q[bytes[at]!]!.length;
    return size;
  },
  write: (bytes) => {
    let text = "";
    for (const byte of bytes) text += Q[byte]!;
    return `=?UTF-8?Q?${text}?=`;
  },
};

const BY_B: Encoding = {
  size: (_bytes, start, end) => Math.ceil((end - start) / 3) * 4,
  write: (bytes) => `=?UTF-8?B?${btoa(String.fromCharCode(...bytes))}?=`,
};

/** Whether a text holds anything but ASCII. */
export function isBeyondAscii(text: string): boolean {
  // deno-lint-ignore no-control-regex -- ASCII has them
  return /[^\x00-\x7f]/.test(text);
}

/** Whether there is an encoded word in a text. */
export function hasEncodedWord(text: string): boolean {
  return ENCODED_WORD.test(text);
}

/**
 * Encodes the words of a text that hold more than ASCII. The rest stays as it is: words in ASCII, even those
 * that look like encoded words, which a filter has from the header that it changes; and line breaks.
 *
 * White space between two encoded words is not shown, so what was there goes into one of them.
 *
 * @param room how many octets are left on the first line, for an encoded word at the very start.
 */
export function encodeWords(text: string, room: number = LINE_LIMIT): string {
  if (!isBeyondAscii(text)) return text;
  let done = "";
  let run: { text: string; readonly room: number } | undefined;
  let first = true;
  let afterEncoded = false;
  for (const { gap, word, encode } of pieces(text)) {
    const folded = gap.includes("\n");
    if (run !== undefined && encode && !folded) {
      run.text += gap + word;
      continue;
    }
    // Of two encoded words that the author wrote, the gap is as he meant it.
    const joined = encode ? afterEncoded : run !== undefined && STARTS_ENCODED.test(word);
    const kept = joined ? gap.replace("\n", "") : "";
    const between = joined ? folded ? "\n " : " " : gap;
    if (run !== undefined) done += encodeWhole(encode ? run.text : run.text + kept, run.room);
    done += between;
    if (encode) {
      const above = between.indexOf("\n") + 1;
      const left = first && !folded ? room - gap.length : LINE_LIMIT - (between.length - above);
      run = { text: kept + word, room: left };
    } else {
      run = undefined;
      done += word;
    }
    first = false;
    afterEncoded = encode || ENDS_ENCODED.test(word);
  }
  return run === undefined ? done : done + encodeWhole(run.text, run.room);
}

/** A part of a text, and the white space before it. */
interface Piece {
  readonly gap: string;
  readonly word: string;
  readonly encode: boolean;
}

/** The words of a text. An encoded word that more was written to, `=?…?=é`, comes apart. */
function* pieces(text: string): Generator<Piece> {
  for (const [, gap = "", word = ""] of text.matchAll(/([ \t\n]*)([^ \t\n]*)/g)) {
    if (!isBeyondAscii(word)) {
      yield { gap, word, encode: false };
      continue;
    }
    let before = gap;
    for (const [at, part] of word.split(ALL_ENCODED_WORDS).entries()) {
      if (part === "") continue;
      yield { gap: before, word: part, encode: at % 2 === 0 };
      before = "";
    }
  }
}

/**
 * Encodes a text from its first character to its last, by B or Q, whichever is shorter; a space between each
 * two words. No character is split between words.
 *
 * @param room how many octets are left on the first line.
 */
export function encodeWhole(text: string, room: number = LINE_LIMIT): string {
  const bytes = encodeText(text);
  const { length } = bytes;
  const { size, write } = BY_Q.size(bytes, 0, length) <= BY_B.size(bytes, 0, length) ? BY_Q : BY_B;
  const words: string[] = [];
  let limit = Math.min(room, WORD_LIMIT) - FRAME;
  let start = 0;
  for (let at = 0; at < length;) {
    const end = endOfCharacter(bytes, at);
    if (at > start && size(bytes, start, end) > limit) {
      words.push(write(bytes.subarray(start, at)));
      start = at;
      limit = WORD_LIMIT - FRAME;
    }
    at = end;
  }
  words.push(write(bytes.subarray(start)));
  return words.join(" ");
}

/** Where the character of UTF-8 ends that starts at a place. */
function endOfCharacter(bytes: Uint8Array, start: number): number {
  let end = start + 1;
  while (end < bytes.length && (bytes[end]! & 0xc0) === 0x80) end++;
  return end;
}
