import { Slice } from "../wire/slice.ts";
import { decodeText } from "../wire/text.ts";
import { bareMacro } from "./macro_defaults.ts";

/**
 * The commands that macros are for, in the order of their lifetimes: macros of one are gone when an
 * earlier one gets its own. Those of an unknown command, which may come anywhere, live for it alone.
 */
const STAGES = "CHMRTLNBEU";

const RANKS: ReadonlyMap<string, number> = new Map([...STAGES].map((stage, rank) => [stage, rank]));

const OPEN = 0x7b;
const CLOSE = 0x7d;

/**
 * The name of a macro: those that Postfix and Sendmail are known to tell are offered by editors, any other is taken.
 * `i` and `{i}` are the same, and so are `tls_version` and `{tls_version}`.
 */
export type MacroName =
  // The queue id; the MTA's host name; its version; the client as HELO and the network have it.
  | ("i" | "j" | "v" | "_")
  | ("{daemon_name}" | "{daemon_addr}" | "{daemon_port}" | "{if_name}" | "{if_addr}")
  | ("{client_addr}" | "{client_name}" | "{client_port}" | "{client_ptr}" | "{client_resolve}")
  | ("{client_connections}" | "{client_rate}")
  | ("{tls_version}" | "{cipher}" | "{cipher_bits}" | "{cert_subject}" | "{cert_issuer}" | "{verify}")
  | ("{auth_type}" | "{auth_authen}" | "{auth_author}" | "{auth_ssf}")
  | ("{mail_mailer}" | "{mail_host}" | "{mail_addr}")
  | ("{rcpt_mailer}" | "{rcpt_host}" | "{rcpt_addr}")
  | ("{msg_id}" | "{nrcpts}")
  // Any other, without the loss of what is offered for those above.
  | (string & Record<never, never>);

/**
 * What the MTA tells beside its commands: queue id, authenticated user, TLS version, names.
 *
 * A value that never changes: a later definition gives a new one, so that a recipient or an error keeps
 * the macros of its moment. Names are as in Sendmail's configuration; `i` and `{i}` are the same.
 * Definitions are read when they are asked for, and broken ones never fail: an odd last value is empty.
 *
 * @example
 * ```ts
 * import { Macros } from "@kilter/milter/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const macros = Macros.none.define("M", new TextEncoder().encode("i\0" + "4bXyZ12345\0"));
 * assertEquals(macros.get("i"), "4bXyZ12345");
 * assertEquals(macros.get("{i}"), "4bXyZ12345");
 * ```
 */
export class Macros {
  /** No macros at all. */
  static readonly none: Macros = new Macros(-1, new Slice(new Uint8Array()), undefined);

  /** The place of this stage among the lifetimes. */
  readonly #rank: number;
  readonly #definitions: Slice;
  /** Those of the stages before. */
  readonly #earlier: Macros | undefined;

  private constructor(rank: number, definitions: Slice, earlier: Macros | undefined) {
    this.#rank = rank;
    this.#definitions = definitions;
    this.#earlier = earlier;
  }

  /** The value of a macro, of the latest stage that has it. */
  get(name: MacroName): string | undefined {
    const bytes = this.getBytes(name);
    return bytes && decodeText(bytes);
  }

  /** The value of a macro as the MTA sent it. */
  getBytes(name: MacroName): Uint8Array | undefined {
    return this.#find(bareMacro(name));
  }

  #find(bare: string): Uint8Array | undefined {
    const value = valueOf(bare, this.#definitions.bytes);
    return value !== undefined || this.#earlier === undefined ? value : this.#earlier.#find(bare);
  }

  /** Whether a macro is defined, were it empty. */
  has(name: MacroName): boolean {
    return this.getBytes(name) !== undefined;
  }

  /** All macros by name, those of several letters in braces. */
  toObject(): Record<string, string> {
    const all = this.#earlier?.toObject() ?? {};
    const { bytes } = this.#definitions;
    eachDefinition(bytes, (start, nameEnd, valueEnd) => {
      const name = bareMacro(decodeText(bytes.subarray(start, nameEnd)));
      all[name.length > 1 ? `{${name}}` : name] = decodeText(bytes.subarray(nameEnd + 1, valueEnd));
    });
    return all;
  }

  /**
   * These macros with new definitions for the command of code `stage`, and without those of later stages.
   *
   * A `stage` that is no command has no effect.
   */
  define(stage: string, definitions: Uint8Array | Slice): Macros {
    const rank = rankOf(stage);
    if (rank < 0) return this;
    const slice = definitions instanceof Slice ? definitions : new Slice(definitions);
    return new Macros(rank, slice, this.#before(rank));
  }

  /** These macros without those of the command of code `stage` and of later ones. */
  clear(stage: string): Macros {
    const rank = rankOf(stage);
    return rank < 0 ? this : this.#before(rank);
  }

  /** Those of the stages before this place; {@linkcode Macros.none} is before all. */
  #before(rank: number): Macros {
    return this.#rank < rank ? this : this.#earlier!.#before(rank);
  }
}

/** The place of a stage among the lifetimes; -1 if it is no stage. */
function rankOf(stage: string): number {
  return RANKS.get(stage) ?? -1;
}

function valueOf(wanted: string, definitions: Uint8Array): Uint8Array | undefined {
  let found: Uint8Array | undefined;
  eachDefinition(definitions, (start, nameEnd, valueEnd) => {
    if (isCalled(wanted, definitions, start, nameEnd)) found = definitions.subarray(nameEnd + 1, valueEnd);
  });
  return found;
}

/** Tells where each name starts and ends, and where its value does; of a name that comes twice the last holds. */
function eachDefinition(
  bytes: Uint8Array,
  found: (start: number, nameEnd: number, valueEnd: number) => void,
): void {
  for (let at = 0; at < bytes.length;) {
    const nameEnd = endOfString(bytes, at);
    const valueEnd = endOfString(bytes, nameEnd + 1);
    found(at, nameEnd, valueEnd);
    at = valueEnd + 1;
  }
}

/** Whether a name in these bytes, with braces or without, is the one that is wanted: told without decoding it. */
function isCalled(wanted: string, bytes: Uint8Array, start: number, end: number): boolean {
  const braces = end - start > 1 && bytes[start] === OPEN && bytes[end - 1] === CLOSE ? 1 : 0;
  const first = start + braces;
  const length = end - braces - first;
  for (let at = 0; at < length; at++) {
    const byte = bytes[first + at]!;
    if (byte > 0x7f) return decodeText(bytes.subarray(first, first + length)) === wanted;
    if (byte !== wanted.charCodeAt(at)) return false;
  }
  return length === wanted.length;
}

function endOfString(bytes: Uint8Array, start: number): number {
  const end = start < bytes.length ? bytes.indexOf(0, start) : -1;
  return end === -1 ? bytes.length : end;
}

/**
 * Macro definitions as a `macros` command carries them.
 *
 * @throws {TypeError} if a name or a value holds a NUL.
 */
export function encodeMacros(values: Readonly<Record<string, string>>): Uint8Array {
  let text = "";
  for (const [name, value] of Object.entries(values)) {
    if (name.includes("\0") || value.includes("\0")) {
      throw new TypeError(`Cannot encode macro ${name}: it holds a NUL`);
    }
    text += `${name}\0${value}\0`;
  }
  return new TextEncoder().encode(text);
}
