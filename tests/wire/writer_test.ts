import { Writer } from "../../src/wire/writer.ts";
import { concat, frame, latin1 } from "../bytes.ts";
import { assertEquals, assertThrows, property, test } from "../harness.ts";

function write(writer: Writer, packet: string, data: Uint8Array): void {
  writer.open("packet", packet.charCodeAt(0));
  writer.bytes(data);
  writer.close();
}

test("Writer puts the larger byte first", () => {
  const writer = new Writer();
  writer.open("packet", 0x50);
  writer.u8(0xff);
  writer.u16(0x0102);
  writer.u32(0xfffefdfc);
  writer.close();
  assertEquals(writer.take(), latin1("\0\0\0\x08P\xff\x01\x02\xff\xfe\xfd\xfc"));
});

property("Writer collects packets of any size for one write", (random) => {
  const data = random.list(random.between(1, 6), () => random.bytes(random.pick([0, 1, 59, 60, 61, 5000])));
  const writer = new Writer();
  for (const bytes of data) write(writer, "B", bytes);
  assertEquals(writer.size, data.reduce((sum, bytes) => sum + 5 + bytes.length, 0));
  assertEquals(writer.take(), concat(data.map((bytes) => frame(concat([latin1("B"), bytes])))));
  assertEquals(writer.size, 0);
});

test("Writer takes back an open packet and keeps those before it", () => {
  const writer = new Writer();
  write(writer, "c", latin1(""));
  writer.open("packet", 0x42);
  writer.bytes(new Uint8Array(500));
  writer.undo();
  write(writer, "a", latin1(""));
  assertEquals(writer.take(), latin1("\0\0\0\x01c\0\0\0\x01a"));
});

test("Writer never touches again what was taken", () => {
  const writer = new Writer();
  write(writer, "B", latin1("one"));
  const taken = writer.take();
  write(writer, "B", latin1("two"));
  assertEquals(taken, latin1("\0\0\0\x04Bone"));
});

test("Writer names the packet and the field that it refuses", () => {
  const writer = new Writer();
  writer.open("addHeader", 0x68);
  writer.field = "value";
  assertThrows(
    () => writer.refuse("holds a NUL"),
    TypeError,
    "Cannot encode addHeader: its value holds a NUL",
  );
});
