import { MilterError } from "../../src/errors.ts";
import {
  cstring,
  type Field,
  letter,
  oneOf,
  optional,
  repeated,
  rest,
  u16,
  u32,
  words,
} from "../../src/wire/fields.ts";
import { Reader } from "../../src/wire/reader.ts";
import { viewOf } from "../../src/wire/slice.ts";
import { Writer } from "../../src/wire/writer.ts";
import { latin1 } from "../bytes.ts";
import { assertEquals, assertThrows, test } from "../harness.ts";

const colour: Field<"red" | "green"> = oneOf({ red: "r", green: "g" });

function encode<In>(field: Pick<Field<unknown, In>, "encode">, value: In): Uint8Array {
  const writer = new Writer();
  writer.open("packet", 0x50);
  writer.field = "field";
  field.encode(writer, value);
  writer.close();
  return writer.take().subarray(5);
}

function decode<Out>(field: Pick<Field<Out, never>, "decode">, bytes: Uint8Array): Out {
  const reader = new Reader().open(bytes);
  reader.contents = { type: "packet", names: ["field"] };
  const value = reader.take(field as Field<Out, never>);
  reader.finish();
  return value;
}

/** A value and its bytes, under a field. */
interface Case<T> {
  readonly name: string;
  readonly field: Field<T>;
  readonly value: T;
  readonly bytes: string;
}

const row = <In>(name: string, field: Field<unknown, In>, value: In, bytes: string): Case<unknown> =>
  ({ name, field, value, bytes }) as Case<unknown>;

const CASES: readonly Case<unknown>[] = [
  row("u16", u16, 0, "\0\0"),
  row("u16", u16, 0xfffe, "\xff\xfe"),
  row("u32", u32, 0, "\0\0\0\0"),
  row("u32", u32, 0x01020304, "\x01\x02\x03\x04"),
  row("u32", u32, 0xffffffff, "\xff\xff\xff\xff"),
  row("cstring", cstring, latin1(""), "\0"),
  row("cstring", cstring, latin1("a\xffb"), "a\xffb\0"),
  row("rest", rest, latin1(""), ""),
  row("rest", rest, latin1("a\0b"), "a\0b"),
  row("letter", letter, "M", "M"),
  row("oneOf", colour, "green", "g"),
  row("optional", optional(u16), undefined, ""),
  row("optional", optional(u16), 258, "\x01\x02"),
  row("repeated", repeated(cstring), [], ""),
  row("repeated", repeated(cstring), [latin1("a"), latin1(""), latin1("b")], "a\0\0b\0"),
  row("words", words, [], "\0"),
  row("words", words, ["i", "{mail_addr}"], "i {mail_addr}\0"),
];

for (const { name, field, value, bytes } of CASES) {
  test(`${name} writes and reads ${JSON.stringify(bytes)}`, () => {
    assertEquals(encode(field, value), latin1(bytes));
    assertEquals(viewOf(decode(field, latin1(bytes))), value);
  });
}

test("words reads any number of spaces between names", () => {
  assertEquals(decode(words, latin1("  i   j \0")), ["i", "j"]);
});

test("cstring and rest write a string as UTF-8", () => {
  assertEquals(encode(cstring, "ü"), latin1("\xc3\xbc\0"));
  assertEquals(encode(rest, "ü"), latin1("\xc3\xbc"));
});

/** Values that cannot go out, some of which only JavaScript can hand in. */
const UNSENDABLE:
  readonly (readonly [name: string, field: Pick<Field<unknown, never>, "encode">, value: unknown])[] = [
    ...[-1, 0x10000, 1.5, NaN, Infinity, "1", undefined].map((value) => ["u16", u16, value] as const),
    ...[-1, 2 ** 32, 0.5, NaN, null].map((value) => ["u32", u32, value] as const),
    ...["a\0b", "\0", latin1("a\0"), undefined, null, 5, ["a"]].map((value) =>
      ["cstring", cstring, value] as const
    ),
    ...[undefined, null, 5, [1, 2], {}].map((value) => ["rest", rest, value] as const),
    ...["", "ab", "ü", 7].map((value) => ["letter", letter, value] as const),
    ...["blue", "", "toString", undefined].map((value) => ["oneOf", colour, value] as const),
    ["optional", optional(cstring), "a\0b"],
    ["repeated", repeated(cstring), ["a", "b\0"]],
    ["repeated", repeated(cstring), undefined],
    ["words", words, undefined],
    ...[["a b"], [""], ["a\n"], ["a\0"]].map((value) => ["words", words, value] as const),
  ];

for (const [name, field, value] of UNSENDABLE) {
  test(`${name} refuses to write ${value instanceof Uint8Array ? "bytes with a NUL" : JSON.stringify(value)}`, () => {
    assertThrows(() => encode(field, value as never), TypeError, "Cannot encode packet: its field");
  });
}

const UNREADABLE: readonly (readonly [
  name: string,
  field: Pick<Field<unknown, never>, "decode">,
  bytes: string,
  why: string,
])[] = [
  ["u16", u16, "", "is cut short"],
  ["u16", u16, "\x01", "is cut short"],
  ["u32", u32, "\x01\x02\x03", "is cut short"],
  ["cstring", cstring, "", "has no NUL at its end"],
  ["cstring", cstring, "abc", "has no NUL at its end"],
  ["letter", letter, "", "is cut short"],
  ["oneOf", colour, "b", 'has the unknown value "b"'],
  ["optional", optional(u16), "\x01", "is cut short"],
  ["repeated", repeated(cstring), "a\0b", "has no NUL at its end"],
  ["words", words, "i j", "has no NUL at its end"],
];

for (const [name, field, bytes, why] of UNREADABLE) {
  test(`${name} refuses to read ${JSON.stringify(bytes)} and names the packet and the field`, () => {
    const { code, side } = assertThrows(() => decode(field, latin1(bytes)), MilterError);
    assertEquals({ code, side }, { code: "MESSAGE", side: "peer" });
    assertThrows(() => decode(field, latin1(bytes)), MilterError, `Cannot decode packet: its field ${why}`);
  });
}
