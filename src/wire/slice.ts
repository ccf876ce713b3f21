import { decodeText } from "./text.ts";

/**
 * Bytes within a packet. A view of them is made when somebody looks: views are dear, and at most of what an MTA tells
 * nobody looks.
 *
 * @example
 * ```ts
 * import { Slice } from "@kilter/milter/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const slice = new Slice(new TextEncoder().encode("Subject: hello"), 9);
 * assertEquals([slice.length, slice.text], [5, "hello"]);
 * ```
 */
export class Slice {
  readonly #memory: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  #bytes: Uint8Array | undefined;

  /** What lies in `memory` from `start` up to `end`. */
  constructor(memory: Uint8Array, start = 0, end: number = memory.length) {
    this.#memory = memory;
    this.#start = start;
    this.#end = end;
  }

  /** How many bytes it is. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** The bytes: the same view each time. None once their memory was given away (`transfer`), as a view has none then. */
  get bytes(): Uint8Array {
    return this.#bytes ??= this.#memory.length === 0
      ? new Uint8Array()
      : this.#memory.subarray(this.#start, this.#end);
  }

  /**
   * The bytes as a string, as {@linkcode decodeText} has them.
   *
   * @throws {TypeError} if their memory was given away: nothing may be taken for an empty text that is none.
   */
  get text(): string {
    if (this.bytes.length < this.length) {
      throw new TypeError("Cannot decode text: the memory that it lies in was given away; give away copies");
    }
    return decodeText(this.bytes);
  }
}

/** The view of a slice, or of each in a list; any other value as it is. */
export function viewOf(value: unknown): unknown {
  if (value instanceof Slice) return value.bytes;
  return Array.isArray(value) ? value.map(viewOf) : value;
}
