import { MilterError } from "../errors.ts";
import type { Take } from "./fields.ts";
import { Slice } from "./slice.ts";

const NONE = new Uint8Array();

/**
 * Takes the fields of one packet, front to back, and never reads past its end.
 *
 * What it returns are parts of the packet's bytes, not copies. Every failure is a `MESSAGE` error of
 * the peer that names the packet and the field.
 */
export class Reader {
  /** What the packet is, as soon as its code was read, and the names of its fields: for error messages. */
  contents: { readonly type: string; readonly names: readonly string[] } = { type: "packet", names: [] };
  #bytes: Uint8Array = NONE;
  #at = 0;
  #end = 0;
  /** How many fields have been begun. */
  #fields = 0;

  /** The value of the next field. */
  readonly take: Take = (field) => {
    this.#fields++;
    return field.decode(this);
  };

  /** Reads what `bytes` hold from `at` up to `end`; what was read before is done with. */
  open(bytes: Uint8Array, at = 0, end: number = bytes.length): this {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
    this.#fields = 0;
    return this;
  }

  /** How many bytes have not been read yet. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** One byte. */
  u8(): number {
    return this.#bytes[this.#advance(1)]!;
  }

  /** Two bytes, the larger first. */
  u16(): number {
    const at = this.#advance(2);
    return this.#bytes[at]! << 8 | this.#bytes[at + 1]!;
  }

  /** Four bytes, the larger first. */
  u32(): number {
    const at = this.#advance(4);
    const b = this.#bytes;
    return (b[at]! << 24 | b[at + 1]! << 16 | b[at + 2]! << 8 | b[at + 3]!) >>> 0;
  }

  /** The bytes up to the next NUL, which is taken too. Most are short: a loop is faster than a call of `indexOf`. */
  cstring(): Slice {
    const start = this.#at;
    const bytes = this.#bytes;
    const limit = this.#end;
    let end = start;
    while (end < limit && bytes[end] !== 0) end++;
    if (end === limit) throw this.#broken("has no NUL at its end");
    this.#at = end + 1;
    return new Slice(bytes, start, end);
  }

  /** All the bytes that are left. */
  rest(): Slice {
    const start = this.#at;
    this.#at = this.#end;
    return new Slice(this.#bytes, start, this.#end);
  }

  /** Lets go of the packet, and refuses bytes after its last field. */
  finish(): void {
    this.#bytes = NONE;
    if (this.left === 0) return;
    throw new MilterError(
      "MESSAGE",
      `Cannot decode ${this.contents.type}: ${this.left} bytes left over at its end`,
      {
        side: "peer",
      },
    );
  }

  /** A field whose bytes are there but make no sense. */
  refuse(why: string): never {
    throw this.#broken(why);
  }

  #advance(size: number): number {
    const at = this.#at;
    if (at + size > this.#end) throw this.#broken("is cut short");
    this.#at = at + size;
    return at;
  }

  #broken(why: string): MilterError {
    const { type, names } = this.contents;
    const name = names[this.#fields - 1];
    return new MilterError("MESSAGE", `Cannot decode ${type}: its ${name} ${why}`, { side: "peer" });
  }
}
