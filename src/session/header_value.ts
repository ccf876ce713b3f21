/**
 * From the value of a header as a filter wishes it to the value as it goes out: encoded where it must be,
 * folded, and with nothing in it that would end the header.
 */

import { encodeWords, hasEncodedWord, isBeyondAscii } from "./encoded_words.ts";

/** How many octets a line should have, one with an encoded word, and any (RFC 5322, 2.1.1; RFC 2047, 2). */
const LINE = { good: 78, goodIfEncoded: 76, most: 998 } as const;

const SPACE = 0x20;
const TAB = 0x09;

/** Headers with a grammar of their own, in which text cannot be encoded without knowing where in it one is. */
const STRUCTURED: ReadonlySet<string> = new Set([
  // RFC 5322, 5321 and before
  ...["date", "from", "sender", "reply-to", "to", "cc", "bcc", "message-id", "in-reply-to", "references"],
  ...["keywords", "return-path", "received", "resent-date", "resent-from", "resent-sender", "resent-to"],
  ...["resent-cc", "resent-bcc", "resent-message-id", "resent-reply-to", "errors-to", "encrypted"],
  ...["apparently-to", "delivered-to", "envelope-to", "x-envelope-to", "x-original-to", "return-receipt-to"],
  // MIME: RFC 2045, 2183, 2557 and others
  ...["mime-version", "content-type", "content-transfer-encoding", "content-id", "content-disposition"],
  ...["content-language", "content-location", "content-base", "content-md5", "content-duration"],
  ...["content-features", "content-alternative", "content-translation-type"],
  // Who vouches for the mail
  ...["dkim-signature", "x-google-dkim-signature", "domainkey-signature", "received-spf", "vbr-info"],
  ...["arc-seal", "arc-message-signature", "arc-authentication-results", "authentication-results"],
  ...["x-authentication-results", "bimi-selector", "bimi-location", "bimi-indicator", "autocrypt"],
  ...["tls-required"],
  // Lists: RFC 2369, 2919, 8058
  ...["list-id", "list-help", "list-unsubscribe", "list-subscribe", "list-post", "list-owner"],
  ...["list-archive", "list-unsubscribe-post", "mail-followup-to", "mail-reply-to"],
  // Receipts, automata, priorities
  ...["disposition-notification-to", "disposition-notification-options", "original-recipient"],
  ...["auto-submitted", "accept-language", "importance", "priority", "precedence", "sensitivity", "expires"],
  ...["expiry-date", "supersedes", "require-recipient-valid-since", "deferred-delivery"],
  ...["latest-delivery-time", "newsgroups", "followup-to"],
]);

/** The optional part of {@linkcode composeValue}. */
export interface ComposeOptions {
  /** Whether the message is under SMTPUTF8, so that text beyond ASCII goes out as it is. Default: `false`. */
  readonly utf8?: boolean;
}

/**
 * The value of a header as it goes out, without the space after the colon.
 *
 * A value without line breaks is folded at its white space; one that its author folded stays as it is, save
 * for text that is to be encoded. Text beyond ASCII is encoded by RFC 2047, or stays as it is under SMTPUTF8.
 *
 * @throws {TypeError} for what no header can hold: see {@linkcode checkHeaderValue}; and for text beyond ASCII
 * in a header with a grammar of its own, if the message is not under SMTPUTF8.
 */
export function composeValue(name: string, value: string, { utf8 = false }: ComposeOptions = {}): string {
  checkCharacters(name, value);
  const start = octets(name) + ": ".length;
  const encode = !utf8 && isBeyondAscii(value);
  if (encode && STRUCTURED.has(name.toLowerCase())) {
    refuse(
      name,
      "holds text beyond ASCII, which is not encoded alike in all parts of this header: " +
        "use formatAddresses, formatParameters or encodeWords of @kilter/milter/mime",
    );
  }
  if (!encode && value.includes("\n")) return checkLines(name, value);
  const text = encode ? encodeWords(value, LINE.goodIfEncoded - start) : value;
  const limit = hasEncodedWord(text) ? LINE.goodIfEncoded : LINE.good;
  const lines = text.split("\n").map((line, at) => fold(line, at === 0 ? start : 0, limit));
  return checkLines(name, lines.join("\n"));
}

/**
 * Checks a value as it goes out.
 *
 * @throws {TypeError} if it holds a NUL or a CR; or a line break that no space or tab follows, or a line of
 * white space only, where some would take the headers to end; or a line of more than 998 octets (RFC 5322,
 * 2.1.1).
 */
export function checkHeaderValue(name: string, value: string): string {
  checkCharacters(name, value);
  return checkLines(name, value);
}

function checkCharacters(name: string, value: string): void {
  if (typeof value !== "string") refuse(name, `is no string but ${typeof value}`);
  if (value.includes("\0")) refuse(name, "holds a NUL");
  if (value.includes("\r")) refuse(name, 'holds a CR: fold by "\\n" and a space');
  if (/\n(?![ \t])/.test(value)) refuse(name, "holds a line break that no space or tab follows");
  if (/\n[ \t\v\f]+(?=\n|$)/.test(value)) refuse(name, "holds a line of white space only");
}

function checkLines(name: string, value: string): string {
  for (const [at, line] of value.split("\n").entries()) {
    const size = octets(line) + (at === 0 ? octets(name) + ": ".length : 0);
    if (size > LINE.most) {
      refuse(name, `has a line of ${size} bytes, over the limit of 998: fold it by "\\n" and a space`);
    }
  }
  return value;
}

function refuse(name: string, why: string): never {
  throw new TypeError(`Cannot edit header ${name}: its value ${why}`);
}

/**
 * Breaks a line in front of white space, so that its parts have at most `limit` octets where there is enough of
 * it. Each part has a word: readers take a line of white space only for the end of the headers.
 *
 * @param start how many octets stand before the line. Its first word stays there.
 */
function fold(line: string, start: number, limit: number): string {
  if (start + octets(line) <= limit) return line;
  const end = line.trimEnd().length; // White space at the end makes no line.
  let folded = "";
  let from = 0;
  let used = start;
  for (let at = 0; at < end;) {
    const gap = at;
    while (isBlank(line.charCodeAt(at))) at++;
    const word = at;
    while (at < end && !isBlank(line.charCodeAt(at))) at++;
    const size = octets(line.slice(gap, at < end ? at : line.length));
    if (used + size <= limit || gap === 0 || !/\S/.test(line.slice(word, at))) {
      used += size;
      continue;
    }
    // Of much white space, some stays above.
    const most = word - gap - 1;
    const above = Math.max(
      Math.min(size - limit, limit - used, most),
      Math.min(size - LINE.most, LINE.most - used, most),
      0,
    );
    folded += `${line.slice(from, gap + above)}\n`;
    from = gap + above;
    used = size - above;
  }
  return folded + line.slice(from);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** How many octets a text has as UTF-8. Far quicker than encoding it, for texts as short as words. */
function octets(text: string): number {
  let size = text.length;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x80) continue;
    // Two surrogates are one character of four octets; one alone becomes U+FFFD, of three.
    if (text.codePointAt(at)! > 0xffff) {
      size += 2;
      at++;
    } else size += code < 0x800 ? 1 : 2;
  }
  return size;
}
