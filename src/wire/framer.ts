import { MilterError } from "../errors.ts";
import { concat } from "./concat.ts";
import { remind } from "./memory.ts";
import { Reader } from "./reader.ts";

/** Peers that took a milter's port for another service, by the four bytes that should be a length. */
const STRANGERS: readonly { readonly starts: readonly string[]; readonly who: string }[] = [
  { starts: ["GET ", "POST", "HEAD", "PUT ", "OPTI", "DELE", "CONN", "PRI "], who: "an HTTP client" },
  { starts: ["\x16\x03"], who: "a TLS client" },
  { starts: ["\x03\0\0"], who: "an RDP client" },
  { starts: ["EHLO", "HELO", "QUIT", "MAIL"], who: "an SMTP client" },
  { starts: ["SSH-"], who: "an SSH client" },
];

/**
 * How much memory small packets share, in bytes; a longer one that comes in pieces gets memory of its own. Twice as much
 * costs twice as much: it is cleared first, and in no cache.
 */
const BLOCK = 2 * 1024;

const NONE = new Uint8Array();

/**
 * Cuts a stream of bytes into packets: `u32be length`, then that many bytes.
 *
 * Chunks come in at any split: packets are parts of memory that is never written again. A long one that comes in pieces
 * is put together in memory of its own, taken only after its length was checked.
 */
export class Framer {
  readonly #limit: number;
  readonly #reader: Reader = new Reader();
  /** A long packet that has become whole, and comes before all others. */
  #whole: Uint8Array | undefined;
  /** Bytes that wait: of `#bytes`, those from `#at` up to `#end`. What is behind them is free to be written. */
  #bytes: Uint8Array = NONE;
  #at = 0;
  #end = 0;
  /** A long packet that is not whole yet, and comes last, and how much of it is there. */
  #packet: Uint8Array | undefined;
  #filled = 0;
  /** How many bytes have come in long packets since the last short one. */
  #inARow = 0;

  /** Packets longer than `limit` bytes are refused. */
  constructor(limit: number) {
    if (!Number.isInteger(limit) || limit < 1) {
      throw new RangeError(`Cannot frame: limit ${limit} is below 1`);
    }
    this.#limit = limit;
  }

  /** How many bytes came in and have not left as packets. */
  get buffered(): number {
    let size = this.#end - this.#at;
    if (this.#whole !== undefined) size += 4 + this.#whole.length;
    if (this.#packet !== undefined) size += 4 + this.#filled;
    return size;
  }

  /** Whether the bytes so far end inside a packet, as far as has been looked. */
  get midPacket(): boolean {
    return this.buffered > 0;
  }

  /** What came in and has not left as packets, as it came: of a cut packet, or of a peer that sends none. */
  rest(): Uint8Array {
    const pieces: Uint8Array[] = [];
    if (this.#whole !== undefined) pieces.push(headOf(this.#whole), this.#whole);
    pieces.push(this.#bytes.subarray(this.#at, this.#end));
    if (this.#packet !== undefined) pieces.push(headOf(this.#packet), this.#packet.subarray(0, this.#filled));
    return concat(pieces);
  }

  /**
   * Takes the next bytes. The chunk is copied, unless it is `given`: then nobody else may write to its memory any more.
   */
  push(chunk: Uint8Array, given = false): void {
    if (given && this.#packet === undefined && this.#at === this.#end) return this.#keep(chunk);
    const rest = this.#packet === undefined ? chunk : this.#fill(this.#packet, chunk);
    if (rest.length === 0) return;
    // What is long goes where it stays at once.
    if (this.#at < this.#end || rest.length <= BLOCK) return this.#append(rest);
    const cut = this.#longFrom(rest);
    if (cut > 0) this.#append(cut < rest.length ? rest.subarray(0, cut) : rest);
    if (cut === rest.length) return;
    this.#packet = new Uint8Array(lengthAt(rest, cut));
    this.#filled = 0;
    this.push(rest.subarray(cut + 4));
  }

  /** Reads on in the memory of a chunk; a `Buffer` would give parts whose `slice` is no copy. */
  #keep(chunk: Uint8Array): void {
    this.#bytes = chunk.constructor === Uint8Array
      ? chunk
      : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    this.#at = 0;
    this.#end = chunk.length;
  }

  /** Adds to a long packet, and gives back what comes behind it. */
  #fill(packet: Uint8Array, chunk: Uint8Array): Uint8Array {
    const missing = packet.length - this.#filled;
    const [piece, rest] = chunk.length > missing
      ? [chunk.subarray(0, missing), chunk.subarray(missing)]
      : [chunk, NONE];
    packet.set(piece, this.#filled);
    this.#filled += piece.length;
    if (this.#filled === packet.length) this.#close(packet);
    return rest;
  }

  /** A long packet is whole. */
  #close(packet: Uint8Array): void {
    this.#packet = undefined;
    if (this.#whole === undefined && this.#at === this.#end) this.#whole = packet;
    else this.#append(concat([headOf(packet), packet]));
  }

  /**
   * Where a long packet begins that gets memory of its own: the first, or behind others one that is not whole. The length
   * of the bytes if there is none, as far as can be told.
   */
  #longFrom(bytes: Uint8Array): number {
    let at = 0;
    while (bytes.length - at >= 4) {
      const length = lengthAt(bytes, at);
      if (length === 0 || length > this.#limit) break; // Told when it is its turn.
      const whole = bytes.length - at - 4 >= length;
      if (length > BLOCK && (at === 0 || !whole)) return at;
      if (!whole) break;
      at += 4 + length;
    }
    return bytes.length;
  }

  /** Begins a long packet with what is there of it. */
  #begin(bytes: Uint8Array, at: number, end: number): void {
    this.#packet = new Uint8Array(lengthAt(bytes, at));
    this.#packet.set(bytes.subarray(at + 4, end));
    this.#filled = end - at - 4;
  }

  #append(chunk: Uint8Array): void {
    if (chunk.length > this.#bytes.length - this.#end) this.#move(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Moves what waits to memory where so much fits behind it. */
  #move(size: number): void {
    const waiting = this.#end - this.#at;
    const bytes = new Uint8Array(Math.max(BLOCK, waiting === 0 ? size : 2 * (waiting + size)));
    if (waiting > 0) bytes.set(this.#bytes.subarray(this.#at, this.#end));
    this.#bytes = bytes;
    this.#at = 0;
    this.#end = waiting;
  }

  /** Counts packets that have left. */
  #count(length: number): void {
    if (length <= BLOCK) this.#inARow = 0;
    else remind(this.#inARow += length);
  }

  /** Lets go of memory that was taken for much. */
  #rest(): void {
    if (this.#at < this.#end || this.#bytes.length === BLOCK) return;
    this.#bytes = NONE;
    this.#at = this.#end = 0;
  }

  /** The next whole packet without its length, or `undefined` when more bytes are needed. */
  next(): Uint8Array | undefined {
    return this.read()?.rest().bytes;
  }

  /**
   * As {@linkcode Framer.next}, for who reads the packet at once, and has no need of a view of it: views are dear. The
   * reader is the same each time.
   */
  read(): Reader | undefined {
    const whole = this.#whole;
    if (whole !== undefined) {
      this.#whole = undefined;
      this.#count(whole.length);
      return this.#reader.open(whole);
    }
    const bytes = this.#bytes;
    const at = this.#at;
    const waiting = this.#end - at;
    if (waiting < 4) return undefined;
    const length = lengthAt(bytes, at);
    this.#check(length);
    const start = at + 4;
    if (waiting >= 4 + length) {
      this.#count(length);
      this.#at = start + length;
      this.#rest();
      return this.#reader.open(bytes, start, start + length);
    }
    if (length > BLOCK) {
      this.#begin(bytes, at, this.#end);
      this.#at = this.#end;
      this.#rest();
    }
    return undefined;
  }

  /** The first bytes of the packets that wait, as far as these are whole or have begun among others. */
  codes(): number[] {
    const codes = this.#whole === undefined ? [] : [this.#whole[0]!];
    for (let at = this.#at; at + 4 < this.#end; at += 4 + lengthAt(this.#bytes, at)) {
      codes.push(this.#bytes[at + 4]!);
    }
    return codes;
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

/** A packet's length, where it stands. */
function lengthAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
}

/** The length of a packet, as it came. */
function headOf({ length }: Uint8Array): Uint8Array {
  return Uint8Array.of(length >>> 24, length >>> 16 & 0xff, length >>> 8 & 0xff, length & 0xff);
}
