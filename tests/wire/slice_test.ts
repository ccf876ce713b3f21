import { Slice, viewOf } from "../../src/wire/slice.ts";
import { latin1 } from "../bytes.ts";
import { assertEquals, assertStrictEquals, assertThrows, test } from "../harness.ts";

test("Slice tells its length, and gives the same view of its memory each time", () => {
  const memory = latin1("..name\0");
  const slice = new Slice(memory, 2, 6);
  assertEquals(slice.length, 4);
  assertEquals(slice.bytes, latin1("name"));
  assertStrictEquals(slice.bytes, slice.bytes);
  assertStrictEquals(slice.bytes.buffer, memory.buffer);
});

test("Slice is all of its memory unless it is said otherwise, and may be empty", () => {
  assertEquals(new Slice(latin1("abc")).bytes, latin1("abc"));
  assertEquals(new Slice(latin1("abc"), 3).length, 0);
  assertEquals(new Slice(latin1("abc"), 3).bytes, latin1(""));
});

test("Slice whose memory was given away has no bytes, as a view of it has none, and refuses to be text", () => {
  const memory = latin1("name");
  const [seen, unseen, none] = [new Slice(memory), new Slice(memory, 1, 3), new Slice(memory, 0, 0)];
  assertEquals(seen.text, "name");
  structuredClone(memory, { transfer: [memory.buffer as ArrayBuffer] });
  for (const slice of [seen, unseen, none]) assertEquals(slice.bytes.length, 0);
  for (const slice of [seen, unseen]) assertThrows(() => slice.text, TypeError, "was given away");
  assertEquals(none.text, "");
});

test("Slice gives its text as UTF-8, and never throws at what is none", () => {
  assertEquals(new Slice(latin1("\xc3\xbc!"), 0, 2).text, "ü");
  assertEquals(new Slice(latin1("a\xff")).text, "a\ufffd");
});

test("viewOf gives views of slices, also within lists, and leaves the rest", () => {
  const [a, b] = [new Slice(latin1("a")), new Slice(latin1("b"))];
  assertEquals(viewOf(a), latin1("a"));
  assertEquals(viewOf([a, [b, 1]]), [latin1("a"), [latin1("b"), 1]]);
  const request = { stage: 0, names: ["i"] };
  assertStrictEquals(viewOf(request), request);
});
