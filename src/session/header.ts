import type { Slice } from "../wire/slice.ts";
import { encodeText } from "../wire/text.ts";

/** One header of the message: as received, or as added by a filter. Edits name it by its identity. */
export interface Header {
  /** The name as it was written; compare it without regard to case. */
  readonly name: string;
  /** The value as text, on one line: folds and the space after the colon are taken off, nothing is decoded. */
  readonly value: string;
  /** The name's bytes. */
  readonly rawName: Uint8Array;
  /** The value's bytes as the MTA sent them: folds are `\n`, the space after the colon is there if it was agreed. */
  readonly rawValue: Uint8Array;
}

/** A header as the MTA sent it; its text is decoded when it is looked at. */
export class ReceivedHeader implements Header {
  readonly #rawName: Slice;
  readonly #rawValue: Slice;
  #name: string | undefined;
  #value: string | undefined;

  constructor(name: Slice, value: Slice) {
    this.#rawName = name;
    this.#rawValue = value;
  }

  get rawName(): Uint8Array {
    return this.#rawName.bytes;
  }

  get rawValue(): Uint8Array {
    return this.#rawValue.bytes;
  }

  get name(): string {
    return this.#name ??= this.#rawName.text;
  }

  get value(): string {
    return this.#value ??= unfold(this.#rawValue.text);
  }
}

/** A header that a filter adds. */
export class NewHeader implements Header {
  readonly name: string;
  #text: string;
  #wire: string;

  /** `wire` is the value as it goes out: encoded, and folded by `\n`. */
  constructor(name: string, text: string, wire: string) {
    this.name = name;
    this.#text = text;
    this.#wire = wire;
  }

  get value(): string {
    return unfold(this.#text);
  }

  get wire(): string {
    return this.#wire;
  }

  get rawName(): Uint8Array {
    return encodeText(this.name);
  }

  get rawValue(): Uint8Array {
    return encodeText(this.#wire);
  }

  /** Gives it another value. */
  set(text: string, wire: string): void {
    this.#text = text;
    this.#wire = wire;
  }
}

/** RFC 5322, section 2.2.3: only the line break of a fold goes, the white space after it stays. */
function unfold(value: string): string {
  const line = value.includes("\n") ? value.replace(/\r?\n(?=[ \t])/g, "") : value;
  return /^[ \t]/.test(line) ? line.replace(/^[ \t]+/, "") : line;
}

/**
 * Checks the name of a header that a filter adds.
 *
 * @throws {TypeError} if it is empty, or holds anything but printable ASCII without the colon (RFC 5322, 3.6.8).
 */
export function checkHeaderName(name: string): string {
  if (typeof name !== "string" || !/^[!-9;-~]+$/.test(name)) {
    throw new TypeError(`Cannot edit headers: ${JSON.stringify(name)} is no header name`);
  }
  return name;
}
