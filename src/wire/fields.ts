import type { Reader } from "./reader.ts";
import type { Slice } from "./slice.ts";
import { encodeText, type Text } from "./text.ts";
import type { Writer } from "./writer.ts";

/** How one value stands in a packet: both directions, side by side. `In` is what may be handed in for it. */
export interface Field<Out, In = Out> {
  /** Takes the value from a packet. */
  readonly decode: (reader: Reader) => Out;
  /** Puts the value into a packet, or refuses it. */
  readonly encode: (writer: Writer, value: In) => void;
}

/** Takes the value of the next field from wherever they stand one after the other: a packet. */
export type Take = <T>(field: Field<T, never>) => T;

function integer(bits: 16 | 32, name: "u16" | "u32"): Field<number> {
  const limit = 2 ** bits;
  return {
    decode: (reader) => reader[name](),
    encode: (writer, value) => {
      if (!Number.isInteger(value) || value < 0 || value >= limit) {
        writer.refuse(`must be a whole number below 2^${bits}, not ${value}`);
      }
      writer[name](value);
    },
  };
}

/** A whole number in two bytes, the larger first. */
export const u16: Field<number> = integer(16, "u16");

/** A whole number in four bytes, the larger first. */
export const u32: Field<number> = integer(32, "u32");

/** The bytes of a text, which a JavaScript caller may have handed in as anything. */
function bytesOf(writer: Writer, value: Text): Uint8Array {
  const bytes = encodeText(value);
  return bytes instanceof Uint8Array ? bytes : writer.refuse(`must be text or bytes, not ${typeof value}`);
}

/** Bytes up to a NUL. */
export const cstring: Field<Slice, Text> = {
  decode: (reader) => reader.cstring(),
  encode: (writer, value) => {
    const bytes = bytesOf(writer, value);
    if (bytes.includes(0)) writer.refuse("holds a NUL");
    writer.bytes(bytes);
    writer.u8(0);
  },
};

/** Everything that is left in the packet. */
export const rest: Field<Slice, Text> = {
  decode: (reader) => reader.rest(),
  encode: (writer, value) => writer.bytes(bytesOf(writer, value)),
};

/** One ASCII character. */
export const letter: Field<string> = {
  decode: (reader) => String.fromCharCode(reader.u8()),
  encode: (writer, value) => {
    if (typeof value !== "string" || value.length !== 1 || value > "\x7f") {
      writer.refuse(`must be one ASCII character, not "${value}"`);
    }
    writer.u8(value.charCodeAt(0));
  },
};

/** One of a closed set of words, each with its own character. */
export function oneOf<T extends string>(letters: Readonly<Record<T, string>>): Field<T> {
  const words = Object.keys(letters) as T[];
  return {
    decode: (reader) => {
      const found = letter.decode(reader);
      return words.find((word) => letters[word] === found) ??
        reader.refuse(`has the unknown value "${found}"`);
    },
    encode: (writer, value) => {
      if (!Object.hasOwn(letters, value)) writer.refuse(`must be one of ${words.join(", ")}, not "${value}"`);
      letter.encode(writer, letters[value]);
    },
  };
}

/** A field that may be missing at the end of a packet. */
export function optional<Out, In = Out>(
  field: Field<Out, In>,
): Field<Out | undefined, In | undefined> {
  return {
    decode: (reader) => reader.left > 0 ? field.decode(reader) : undefined,
    encode: (writer, value) => {
      if (value !== undefined) field.encode(writer, value);
    },
  };
}

/** The same field again and again, up to the end of the packet. */
export function repeated<Out, In = Out>(field: Field<Out, In>): Field<readonly Out[], readonly In[]> {
  return {
    decode: (reader) => {
      const values: Out[] = [];
      while (reader.left > 0) values.push(field.decode(reader));
      return values;
    },
    encode: (writer, values) => {
      if (!Array.isArray(values)) writer.refuse("must be a list");
      for (const value of values) field.encode(writer, value);
    },
  };
}

/** Words in one NUL-terminated string, a space between them. */
export const words: Field<readonly string[]> = {
  decode: (reader) => reader.cstring().text.split(" ").filter((word) => word !== ""),
  encode: (writer, values) => {
    if (!Array.isArray(values)) writer.refuse("must be a list");
    for (const word of values) {
      if (word === "" || /\s/.test(word)) writer.refuse(`holds "${word}", which is no single word`);
    }
    cstring.encode(writer, values.join(" "));
  },
};
