const HEAD = 4;
const EMPTY = new Uint8Array(0);

/**
 * Collects packets, one after the other, to leave in one write.
 *
 * A packet is opened with its code, gets its fields, and is closed, which puts its length in front.
 * One that fails half-way is taken back, so that nothing broken ever goes out.
 */
export class Writer {
  /** The packet that is being written, for error messages. */
  packet = "";
  /** The field that is being written, for error messages. */
  field = "";
  #bytes: Uint8Array = EMPTY;
  #at = 0;
  #start = 0;

  /** How many bytes wait to be taken. */
  get size(): number {
    return this.#at;
  }

  /** Starts a packet: its name for errors, and its code. */
  open(packet: string, code: number): void {
    this.packet = packet;
    this.#start = this.#at;
    this.#room(HEAD + 1);
    this.#at += HEAD;
    this.#bytes[this.#at++] = code;
  }

  /** Ends the packet: its length is known now. */
  close(): void {
    const at = this.#at;
    this.#at = this.#start;
    this.u32(at - this.#start - HEAD);
    this.#at = at;
  }

  /** Takes back the packet that is open. */
  undo(): void {
    this.#at = this.#start;
  }

  /** One byte. */
  u8(value: number): void {
    this.#room(1);
    this.#bytes[this.#at++] = value;
  }

  /** Two bytes, the larger first. */
  u16(value: number): void {
    this.#room(2);
    this.#bytes[this.#at++] = value >>> 8;
    this.#bytes[this.#at++] = value;
  }

  /** Four bytes, the larger first. */
  u32(value: number): void {
    this.#room(4);
    this.#bytes[this.#at++] = value >>> 24;
    this.#bytes[this.#at++] = value >>> 16;
    this.#bytes[this.#at++] = value >>> 8;
    this.#bytes[this.#at++] = value;
  }

  /** These bytes as they are. */
  bytes(value: Uint8Array): void {
    this.#room(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /**
   * A whole packet that is always the same. Where it goes out alone, which is the usual case of an answer, these
   * very bytes go out: no memory is taken for them.
   */
  constant(packet: Uint8Array): void {
    if (this.#at > 0) return this.bytes(packet);
    this.#bytes = packet;
    this.#at = packet.length;
  }

  /** What was collected, not to be changed; the writer starts anew and never touches these bytes again. */
  take(): Uint8Array {
    const taken = this.#at === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, this.#at);
    this.#bytes = EMPTY;
    this.#at = 0;
    return taken;
  }

  /** A value that cannot go out in the field that is being written. */
  refuse(why: string): never {
    throw new TypeError(`Cannot encode ${this.packet}: its ${this.field} ${why}`);
  }

  #room(size: number): void {
    const need = this.#at + size;
    if (need <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(need, this.#bytes.length * 2, 64));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }
}
