import libmime from "libmime";
import { encodeWords as encode } from "../session/encoded_words.ts";
import { hasControl, printable, unfold } from "./text.ts";

/**
 * How many octets an encoded word at the start of a value may have: it stands on one line of 76 with the name
 * of its header, which is not known here. `Disposition-Notification-To: ` is as long as those get.
 */
export const FIRST_WORD_LIMIT: number = 76 - "Disposition-Notification-To: ".length;

/**
 * Decodes the encoded words in the value of a header (RFC 2047), whatever their charset. What is not encoded
 * stays as it is, and so does what cannot be decoded; folds are undone.
 *
 * Control characters become spaces, tabs aside: a hidden line break does no harm where the text goes next.
 *
 * @throws {TypeError} if the value is no string.
 *
 * @example
 * ```ts
 * import { decodeWords } from "@kilter/milter/mime";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(decodeWords("Re: =?iso-8859-1?q?Gr=F6=DFe?="), "Re: Größe");
 * ```
 */
export function decodeWords(value: string): string {
  if (typeof value !== "string") throw new TypeError(`Cannot decode words: ${typeof value} is no string`);
  return printable(libmime.decodeWords(unfold(value)));
}

/**
 * Encodes the words of a text that hold more than ASCII (RFC 2047), for a place in a header with a grammar of
 * its own: a comment, a phrase such as the name of a list. The rest stays as it is.
 *
 * Nothing needs this in headers like Subject: `session.headers` encodes their text. Names before addresses
 * are for {@linkcode formatAddresses}, which quotes them too.
 *
 * @throws {TypeError} if the text is no string, or holds control characters, line breaks among them.
 *
 * @example
 * ```ts
 * import { encodeWords } from "@kilter/milter/mime";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(encodeWords("Große Liste"), "=?UTF-8?B?R3Jvw59l?= Liste");
 * ```
 */
export function encodeWords(text: string): string {
  if (typeof text !== "string") throw new TypeError(`Cannot encode words: ${typeof text} is no string`);
  if (hasControl(text)) throw new TypeError("Cannot encode words: the text holds control characters");
  return encode(text, FIRST_WORD_LIMIT);
}
