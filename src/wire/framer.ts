import { MilterError } from "../errors.ts";
import { concat } from "./concat.ts";

/** Peers that took a milter's port for another service, by the four bytes that should be a length. */
const STRANGERS: readonly { readonly starts: readonly string[]; readonly who: string }[] = [
  { starts: ["GET ", "POST", "HEAD", "PUT ", "OPTI", "DELE", "CONN", "PRI "], who: "an HTTP client" },
  { starts: ["\x16\x03"], who: "a TLS client" },
  { starts: ["\x03\0\0"], who: "an RDP client" },
  { starts: ["EHLO", "HELO", "QUIT", "MAIL"], who: "an SMTP client" },
  { starts: ["SSH-"], who: "an SSH client" },
];

/** Where a packet lies: in these bytes from `start` up to `end`. */
export interface Span {
  /** What came with it too, before and after it. */
  readonly bytes: Uint8Array;
  /** Where its code stands. */
  readonly start: number;
  /** Where it has ended. */
  readonly end: number;
}

/**
 * Cuts a stream of bytes into packets: `u32be length`, then that many bytes.
 *
 * Chunks come in at any split. A packet that lies whole in one chunk is a view of it; one that comes
 * in pieces is put together in memory of its own, taken only after its length was checked. Chunks
 * belong to the framer from then on: whoever pushes them must not write into them again.
 */
export class Framer {
  readonly #limit: number;
  /** The chunk that is being cut, from `#at` on, and those that came after it. */
  #chunk: Uint8Array | undefined;
  #later: Uint8Array[] = [];
  #at = 0;
  #buffered = 0;
  #head = 0;
  #headBytes = 0;
  #packet: Uint8Array | undefined;
  #filled = 0;

  /** Packets longer than `limit` bytes are refused. */
  constructor(limit: number) {
    if (!Number.isInteger(limit) || limit < 1) {
      throw new RangeError(`Cannot frame: limit ${limit} is below 1`);
    }
    this.#limit = limit;
  }

  /** How many bytes came in and have not left as packets. */
  get buffered(): number {
    return this.#buffered + this.#filled + this.#headBytes;
  }

  /** Whether the bytes so far end inside a packet, as far as has been looked. */
  get midPacket(): boolean {
    return this.buffered > 0;
  }

  /** What came in and has not left as packets, as it came: of a cut packet, or of a peer that sends none. */
  rest(): Uint8Array {
    const head = this.#packet?.length ?? this.#head;
    const headBytes = [head >>> 24, head >>> 16 & 0xff, head >>> 8 & 0xff, head & 0xff];
    const first = this.#chunk === undefined ? [] : [this.#chunk.subarray(this.#at)];
    return concat([
      // A length that is not whole yet stands in the lower bytes.
      Uint8Array.from(headBytes).subarray(4 - this.#headBytes),
      ...this.#packet === undefined ? [] : [this.#packet.subarray(0, this.#filled)],
      ...first,
      ...this.#later,
    ]);
  }

  /** Takes the next bytes. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#chunk === undefined) this.#chunk = chunk;
    else this.#later.push(chunk);
    this.#buffered += chunk.length;
  }

  /** The next whole packet without its length, or `undefined` when more bytes are needed. */
  next(): Uint8Array | undefined {
    const span = this.nextSpan();
    return span?.bytes.subarray(span.start, span.end);
  }

  /** As {@linkcode Framer.next}, for who has no need of a view: views are dear. */
  nextSpan(): Span | undefined {
    if (this.#packet === undefined) {
      const chunk = this.#chunk;
      const at = this.#at;
      if (this.#headBytes === 0 && chunk !== undefined && chunk.length - at >= 4) {
        const length = (chunk[at]! << 24 | chunk[at + 1]! << 16 | chunk[at + 2]! << 8 | chunk[at + 3]!) >>> 0;
        this.#check(length);
        const start = at + 4;
        if (chunk.length - start >= length) {
          this.#skip(4 + length);
          return { bytes: chunk, start, end: start + length };
        }
        this.#skip(4);
        this.#headBytes = 4;
        this.#packet = new Uint8Array(length);
      } else if (!this.#collectHead()) {
        return undefined;
      }
    }
    return this.#collectPacket();
  }

  /** A length that comes in pieces. */
  #collectHead(): boolean {
    while (this.#headBytes < 4) {
      const chunk = this.#chunk;
      if (chunk === undefined) return false;
      this.#head = (this.#head << 8 | chunk[this.#at]!) >>> 0;
      this.#skip(1);
      this.#headBytes++;
    }
    this.#check(this.#head);
    this.#packet = new Uint8Array(this.#head);
    return true;
  }

  #collectPacket(): Span | undefined {
    const packet = this.#packet!;
    while (this.#filled < packet.length) {
      const chunk = this.#chunk;
      if (chunk === undefined) return undefined;
      const part = chunk.subarray(this.#at, this.#at + packet.length - this.#filled);
      packet.set(part, this.#filled);
      this.#filled += part.length;
      this.#skip(part.length);
    }
    this.#packet = undefined;
    this.#filled = this.#headBytes = 0;
    return { bytes: packet, start: 0, end: packet.length };
  }

  /**
   * The first bytes of the packets that wait, as far as these have come. None while a packet is being put together.
   */
  codes(): number[] {
    if (this.#chunk === undefined || this.#headBytes > 0) return [];
    const bytes = concat([this.#chunk.subarray(this.#at), ...this.#later]);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const codes: number[] = [];
    for (let at = 0; at + 4 < bytes.length; at += 4 + view.getUint32(at)) codes.push(bytes[at + 4]!);
    return codes;
  }

  #skip(size: number): void {
    this.#at += size;
    this.#buffered -= size;
    if (this.#at === this.#chunk!.length) {
      this.#chunk = this.#later.length > 0 ? this.#later.shift() : undefined;
      this.#at = 0;
    }
  }

  #check(length: number): void {
    if (length > 0 && length <= this.#limit) return;
    const first = String.fromCharCode(
      length >>> 24,
      length >>> 16 & 0xff,
      length >>> 8 & 0xff,
      length & 0xff,
    );
    const stranger = STRANGERS.find(({ starts }) => starts.some((start) => first.startsWith(start)));
    const why = stranger
      ? `these are the first bytes of ${stranger.who}, not of an MTA`
      : length === 0
      ? "its length is 0"
      : `its length of ${length} bytes is over the limit of ${this.#limit}`;
    const code = stranger === undefined && length > 0 ? "LIMIT" : "FRAME";
    throw new MilterError(code, `Cannot read packet: ${why}`, { side: "peer" });
  }
}
