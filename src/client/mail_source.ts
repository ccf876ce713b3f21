import { MilterError } from "../errors.ts";
import { LineEnds } from "../mta/lines.ts";
import { type Mail, parseHead } from "../mta/mail.ts";
import { concat } from "../wire/concat.ts";
import { encodeText, type Text } from "../wire/text.ts";

/** A message as in an `.eml` file: bytes, text, which is taken as UTF-8, or a stream of bytes. */
export type MessageSource = Text | ReadableStream<Uint8Array>;

/** The most bytes of headers: what an MTA takes, and ten times more. */
const MAX_HEAD = 1024 * 1024;

/**
 * A message whose body may still be on its way. The body is read no faster than it is asked for, and kept: whoever
 * comes next in a row needs it, and so does who wants to see the edited message.
 */
export class IncomingMail {
  /** The headers; its body is empty. */
  readonly head: Mail;
  /** What has come of the body beside the headers. */
  readonly #first: Uint8Array;
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #limit: number;
  /** How many bytes may still come. */
  #left: number;
  readonly #kept: Uint8Array[] = [];

  private constructor(bytes: Uint8Array, source: AsyncIterator<Uint8Array>, limit: number) {
    const { end, ...head } = parseHead(bytes);
    this.head = { ...head, body: NOTHING };
    this.#first = bytes.subarray(end);
    this.#source = source;
    this.#limit = limit;
    this.#left = limit - bytes.length;
  }

  /**
   * Reads the headers.
   *
   * @throws {TypeError} if the source is none.
   * @throws {MilterError} `LIMIT` if the message is over the limit of bytes; what the stream fails with.
   */
  static async open(source: MessageSource, limit: number): Promise<IncomingMail> {
    const chunks = chunksOf(source);
    const pieces: Uint8Array[] = [];
    const end = new EndOfHead();
    let size = 0;
    try {
      while (!end.found && size <= MAX_HEAD) {
        const { done, value } = await chunks.next();
        if (done === true) break;
        if (!(value instanceof Uint8Array)) {
          throw new TypeError("Cannot send: the stream is not one of bytes");
        }
        end.look(value);
        pieces.push(value);
        size += value.length;
      }
      if (size > limit) throw tooLarge(limit);
      const mail = new IncomingMail(pieces.length === 1 ? pieces[0]! : concat(pieces), chunks, limit);
      if (size <= MAX_HEAD || end.found || mail.#first.length > 0) return mail;
      throw new MilterError("LIMIT", `Cannot send: the headers are over the limit of ${MAX_HEAD} bytes`);
    } catch (error) {
      await chunks.return?.();
      throw error;
    }
  }

  /** The body as it comes, CRLF at the end of each line. Leaving the loop early stops the source. */
  async *chunks(): AsyncGenerator<Uint8Array> {
    const ends = new LineEnds();
    try {
      for (let piece: Uint8Array | undefined = this.#first; piece !== undefined; piece = await this.#next()) {
        const chunk = ends.take(piece);
        if (chunk.length === 0) continue;
        this.#kept.push(chunk);
        yield chunk;
      }
      const last = ends.finish();
      if (last.length === 0) return;
      this.#kept.push(last);
      yield last;
    } finally {
      await this.#source.return?.();
    }
  }

  /** Stops the source, if it has not ended. */
  async cancel(): Promise<void> {
    await this.#source.return?.();
  }

  /** What has come of the body. */
  get body(): Uint8Array {
    return this.#kept.length === 1 ? this.#kept[0]! : concat(this.#kept);
  }

  async #next(): Promise<Uint8Array | undefined> {
    const { done, value } = await this.#source.next();
    if (done === true) return undefined;
    this.#left -= value.length;
    if (this.#left < 0) throw tooLarge(this.#limit);
    return value;
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);
const [CR, LF] = [0x0d, 0x0a];

function chunksOf(source: MessageSource): AsyncIterator<Uint8Array> {
  if (typeof source === "string" || source instanceof Uint8Array) return one(encodeText(source));
  if (source instanceof ReadableStream) return source[Symbol.asyncIterator]();
  throw new TypeError("Cannot send: the message is neither text nor bytes, nor a stream of bytes");
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function tooLarge(limit: number): MilterError {
  return new MilterError("LIMIT", `Cannot send: the message is over the limit of ${limit} bytes`);
}

/** Looks for the empty line after the headers, wherever it is cut. */
class EndOfHead {
  found = false;
  /** Whether nothing but a CR has come since the last end of a line. */
  #empty = true;

  look(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte === LF && this.#empty) {
        this.found = true;
        return;
      }
      if (byte === LF) this.#empty = true;
      else if (byte !== CR) this.#empty = false;
    }
  }
}
