import { type AttachmentStream, MailParser, type MailParserOptions, type MessageText } from "mailparser";
import { MilterError } from "../errors.ts";
import { concat } from "../wire/concat.ts";
import { decodeText, encodeText } from "../wire/text.ts";
import { type Mailbox, parseMailboxes } from "./addresses.ts";
import { printable, unfold } from "./text.ts";
import { decodeWords } from "./words.ts";

/** A message to take apart: its bytes, whole or as they come, or its text. */
export type MessageInput = ReadableStream<Uint8Array> | Uint8Array | string;

/** The optional part of {@linkcode parseMessage}. */
export interface ParseMessageOptions {
  /** How many bytes the message may have. Default: 32 MiB. */
  readonly limit?: number;
  /** How many bytes the headers of the message, or of a part, may have. Default: 1 MiB. */
  readonly headerLimit?: number;
  /**
   * How many parts the message may have, and so how deep they may be nested, which takes the parser its time.
   * Default: 1000.
   */
  readonly partLimit?: number;
  /** Aborts the parsing, and cancels the stream. A stream of a session aborts with it. */
  readonly signal?: AbortSignal;
}

/** A message taken apart. */
export interface ParsedMessage {
  /** All headers, in order. */
  readonly headers: readonly ParsedHeader[];
  /** The mailboxes in all headers From: there should be one header, and most programs show one mailbox. */
  readonly from: readonly Mailbox[];
  /** The mailbox in the header Sender. */
  readonly sender: Mailbox | undefined;
  /** The mailboxes in the header Reply-To. */
  readonly replyTo: readonly Mailbox[];
  /** The mailboxes in the header To, those in groups among them. */
  readonly to: readonly Mailbox[];
  /** The mailboxes in the header Cc. */
  readonly cc: readonly Mailbox[];
  /** The mailboxes in the header Bcc. */
  readonly bcc: readonly Mailbox[];
  /** The subject, decoded; of several, the first. */
  readonly subject: string | undefined;
  /** When the message was written, if its header Date says so in a way that can be read. */
  readonly date: Date | undefined;
  /** The header Message-ID, in its brackets. */
  readonly messageId: string | undefined;
  /** The text of all parts in plain text that are no attachments; lines end with `\n`. */
  readonly text: string | undefined;
  /** The HTML of all parts in HTML that are no attachments. */
  readonly html: string | undefined;
  /** Everything else, messages within this one among it: their content can be parsed in turn. */
  readonly attachments: readonly ParsedAttachment[];
}

/** A header of a parsed message. */
export interface ParsedHeader {
  /** The name as it was written; compare it without regard to case. */
  readonly name: string;
  /** The value on one line; nothing is decoded. */
  readonly value: string;
}

/** A part of a message that is no text to read. */
export interface ParsedAttachment {
  /** The name that it goes by, decoded. It is the sender's: it may hold `../`, and lie about the type. */
  readonly filename: string | undefined;
  /** The media type in small letters. In place of `application/octet-stream`, what the name speaks of. */
  readonly type: string;
  /** The disposition in small letters: `attachment`, `inline`. */
  readonly disposition: string | undefined;
  /** The header Content-ID without its brackets, for `cid:` links in HTML. */
  readonly contentId: string | undefined;
  /** Whether it belongs to the HTML, as its images do. */
  readonly related: boolean;
  /** The content, decoded. */
  readonly content: Uint8Array;
}

/** Nothing is converted, linked or hashed: a filter wants what is there. */
const AS_IT_IS: MailParserOptions = {
  skipHtmlToText: true,
  skipTextToHtml: true,
  skipTextLinks: true,
  skipImageLinks: true,
  checksumAlgo: false,
  ignoreEmbedded: true,
  keepDeliveryStatus: true,
};

/** How much of a message at hand the parser gets at a time: it can be stopped in between. */
const PIECE = 0x10000;

/**
 * Takes a whole message apart: headers, addresses, text, HTML, attachments; with their transfer encodings and
 * charsets decoded.
 *
 * No message is refused for being broken: what can be read is given. A hostile one meets the limits.
 *
 * @throws {MilterError} `LIMIT` if the message is longer, has longer headers or more parts than allowed; and
 * what the stream of a session fails with.
 * @throws {TypeError} if the input is none.
 * @throws {RangeError} if a limit is not a whole number above 0.
 *
 * @example
 * ```ts
 * import { parseMessage } from "@kilter/milter/mime";
 * import { assertEquals } from "@std/assert";
 *
 * const { from, subject, text } = await parseMessage(
 *   "From: King Arthur <arthur@example.com>\r\nSubject: =?utf-8?q?Gr=C3=B6=C3=9Fe?=\r\n\r\nNi!\r\n",
 * );
 * assertEquals(from, [{ name: "King Arthur", address: "arthur@example.com" }]);
 * assertEquals([subject, text?.trimEnd()], ["Größe", "Ni!"]);
 * ```
 *
 * @example In a filter
 * ```ts
 * import { accept, type Filter, reject } from "@kilter/milter";
 * import { parseMessage } from "@kilter/milter/mime";
 *
 * const noPrograms: Filter = async (session) => {
 *   const { attachments } = await parseMessage(session.message());
 *   const isProgram = attachments.some(({ filename }) => filename?.endsWith(".exe"));
 *   return isProgram ? reject("550 5.7.1 No programs") : accept();
 * };
 * ```
 */
export async function parseMessage(
  message: MessageInput,
  { limit = 32 * 1024 * 1024, headerLimit = 1024 * 1024, partLimit = 1000, signal }: ParseMessageOptions = {},
): Promise<ParsedMessage> {
  for (const [name, value] of Object.entries({ limit, headerLimit, partLimit })) {
    if (!Number.isSafeInteger(value) || value <= 0) {
      throw new RangeError(`Cannot parse message: ${name} must be a whole number above 0, not ${value}`);
    }
  }
  const stop = new AbortController();
  const reading = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const parser = new MailParser({ ...AS_IT_IS, maxHeadSize: headerLimit, maxChildNodes: partLimit });
  const failure = new Promise<never>((_, reject) => parser.on("error", reject));
  const feeding = feed(parser, chunksOf(message, reading), { limit, failure }).catch((error) => {
    parser.destroy(error);
  });
  try {
    return await Promise.race([collect(parser), failure]);
  } catch (error) {
    parser.destroy();
    if (!(error instanceof Error && "code" in error && error.code === "EMAXLEN")) throw error;
    throw new MilterError("LIMIT", `Cannot parse message: ${error.message}`, { cause: error });
  } finally {
    stop.abort();
    await feeding;
  }
}

/** The bytes of a message as they come. Leaving them early cancels the stream. */
async function* chunksOf(message: MessageInput, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  signal.throwIfAborted();
  if (typeof message === "string" || message instanceof Uint8Array) {
    const bytes = encodeText(message);
    for (let at = 0; at < bytes.length; at += PIECE) {
      yield bytes.subarray(at, at + PIECE);
      signal.throwIfAborted();
    }
    return;
  }
  if (!(message instanceof ReadableStream)) {
    throw new TypeError("Cannot parse message: it is no ReadableStream, no Uint8Array and no string");
  }
  const reader = message.getReader();
  const cancel = (): void => {
    reader.cancel(signal.reason).catch(() => {}); // It has failed before, and its reader knows.
  };
  signal.addEventListener("abort", cancel);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

/**
 * Gives the parser all bytes, each piece when it has done with the last one: a parser that failed never has.
 */
async function feed(
  parser: MailParser,
  chunks: AsyncIterable<Uint8Array>,
  { limit, failure }: { readonly limit: number; readonly failure: Promise<never> },
): Promise<void> {
  let size = 0;
  for await (const chunk of chunks) {
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError("Cannot parse message: a chunk of it is no Uint8Array");
    }
    size += chunk.length;
    if (size > limit) {
      throw new MilterError("LIMIT", `Cannot parse message: it is longer than ${limit} bytes`);
    }
    const written = new Promise<void>((resolve, reject) => {
      parser.write(chunk, (error) => error ? reject(error) : resolve());
    });
    await Promise.race([written, failure]);
  }
  parser.end();
}

async function collect(parser: MailParser): Promise<ParsedMessage> {
  const attachments: ParsedAttachment[] = [];
  let text: string | undefined;
  let html: string | undefined;
  for await (const part of parser as AsyncIterable<AttachmentStream | MessageText>) {
    if (part.type === "text") ({ text, html } = part);
    else attachments.push(await readAttachment(part));
  }
  const headers = (parser.headerLines || []).flatMap(({ line }) => parseHeader(line));
  const all = (name: string): string[] =>
    headers.filter((header) => header.name.toLowerCase() === name).map(({ value }) => value);
  const [subject] = all("subject");
  const [date] = all("date");
  const [messageId] = all("message-id");
  const mailboxes = (name: string): Mailbox[] => all(name).flatMap(parseMailboxes);
  return {
    headers,
    from: mailboxes("from"),
    sender: mailboxes("sender")[0],
    replyTo: mailboxes("reply-to"),
    to: mailboxes("to"),
    cc: mailboxes("cc"),
    bcc: mailboxes("bcc"),
    subject: subject === undefined ? undefined : decodeWords(subject),
    date: date === undefined ? undefined : parseDate(date),
    messageId: messageId?.trim(),
    text,
    html,
    attachments,
  };
}

async function readAttachment(part: AttachmentStream): Promise<ParsedAttachment> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of part.content as AsyncIterable<Uint8Array>) chunks.push(chunk);
  part.release?.();
  return {
    filename: part.filename === undefined ? undefined : printable(part.filename),
    // The parser has none for a part whose header Content-Type is empty.
    type: (part.contentType || "application/octet-stream").toLowerCase(),
    disposition: part.contentDisposition?.toLowerCase(),
    contentId: part.cid,
    related: part.related === true,
    content: concat(chunks),
  };
}

/**
 * A header by its line, which the parser gives with a character for each byte; none for a line that is none.
 */
function parseHeader(line: string): ParsedHeader[] {
  const bytes = Uint8Array.from(line, (character) => character.charCodeAt(0));
  const text = unfold(decodeText(bytes));
  const colon = text.indexOf(":");
  const name = text.slice(0, Math.max(colon, 0)).trim();
  return name === "" ? [] : [{ name, value: text.slice(colon + 1).trimStart() }];
}

/** A date with the comments off, in which JavaScript's own parser finds no sense. */
function parseDate(value: string): Date | undefined {
  const date = new Date(value.replace(/\([^()]*\)/g, " "));
  return Number.isNaN(date.getTime()) ? undefined : date;
}
