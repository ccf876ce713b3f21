import { MilterError } from "../../src/errors.ts";
import { Reader } from "../../src/wire/reader.ts";
import { latin1 } from "../bytes.ts";
import { assertEquals, assertThrows, test } from "../harness.ts";

test("Reader takes its values one after the other", () => {
  const reader = new Reader().open(latin1("XA\x01\x02\x80\0\0\x01name\0left"), 1);
  assertEquals(reader.u8(), 0x41);
  assertEquals(reader.u16(), 0x0102);
  assertEquals(reader.u32(), 0x80000001);
  assertEquals(reader.cstring().bytes, latin1("name"));
  assertEquals(reader.left, 4);
  assertEquals(reader.rest().bytes, latin1("left"));
  assertEquals(reader.left, 0);
  reader.finish();
});

test("Reader gives parts of the packet, not copies", () => {
  const bytes = latin1("name\0left");
  const reader = new Reader().open(bytes);
  assertEquals([reader.cstring().bytes.buffer, reader.rest().bytes.buffer], [bytes.buffer, bytes.buffer]);
});

test("Reader reads only its own part of a larger buffer", () => {
  const larger = latin1("....ab\0..\0");
  const readers = [new Reader().open(larger.subarray(4, 6)), new Reader().open(larger, 4, 6)];
  for (const reader of readers) {
    assertEquals(reader.left, 2);
    assertThrows(() => reader.cstring(), MilterError, "has no NUL at its end");
    assertThrows(() => reader.u32(), MilterError, "is cut short");
    assertEquals(reader.rest().bytes, latin1("ab"));
    assertThrows(() => reader.u8(), MilterError, "is cut short");
    reader.finish();
  }
});

test("Reader refuses what is left over, and names the packet", () => {
  const reader = new Reader().open(latin1("abc"));
  const { code, side } = assertThrows(
    () => reader.finish(),
    MilterError,
    "Cannot decode packet: 3 bytes left over at its end",
  );
  assertEquals({ code, side }, { code: "MESSAGE", side: "peer" });
});
