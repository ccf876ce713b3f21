import { MilterError } from "../../src/errors.ts";
import { Framer } from "../../src/wire/framer.ts";
import { concat, frame, latin1 } from "../bytes.ts";
import {
  assert,
  assertEquals,
  assertLess,
  assertStrictEquals,
  assertThrows,
  property,
  test,
} from "../harness.ts";

const LIMIT = 64 * 1024;

/** All packets that a framer has by now. */
function drain(framer: Framer): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let packet = framer.next(); packet !== undefined; packet = framer.next()) packets.push(packet);
  return packets;
}

function framerOf(chunks: Iterable<Uint8Array>): Framer {
  const framer = new Framer(LIMIT);
  for (const chunk of chunks) framer.push(chunk);
  return framer;
}

/** A chunk as a framer takes it: lent, or given as a copy that nobody else has. */
function handed(chunk: Uint8Array, given: boolean): [chunk: Uint8Array, given: boolean] {
  return [given ? Uint8Array.from(chunk) : chunk, given];
}

const PACKETS: readonly Uint8Array[] = ["Q", "Hmx.example\0", "B", "B" + "x".repeat(300)].map(latin1);
const STREAM: Uint8Array = concat(PACKETS.map(frame));

test("Framer gives every packet of one chunk, and nothing after the last", () => {
  assertEquals(drain(framerOf([STREAM])), PACKETS);
});

test("Framer gives the same packets at every split of the stream", () => {
  for (let cut = 0; cut <= STREAM.length; cut++) {
    const framer = framerOf([STREAM.subarray(0, cut)]);
    const before = drain(framer);
    framer.push(STREAM.subarray(cut));
    assertEquals([...before, ...drain(framer)], PACKETS, `cut at ${cut}`);
  }
});

test("Framer gives the same packets byte by byte, as soon as they are whole", () => {
  const framer = new Framer(LIMIT);
  const ends = PACKETS.map((_, count) => concat(PACKETS.slice(0, count + 1).map(frame)).length);
  for (const [at, byte] of STREAM.entries()) {
    framer.push(Uint8Array.of(byte));
    const whole = ends.indexOf(at + 1);
    assertEquals(drain(framer), whole === -1 ? [] : [PACKETS[whole]], `after ${at + 1} bytes`);
  }
});

property("Framer gives back any packets at any split", (random) => {
  const packets = random.list(random.between(1, 8), () => random.bytes(random.pick([1, 2, 5, 70, 2000])));
  const framer = new Framer(2000);
  const given = random.split(concat(packets.map(frame)), random.between(1, 12)).flatMap((chunk) => {
    framer.push(...handed(chunk, random.chance()));
    return random.chance() ? drain(framer) : [];
  });
  assertEquals([...given, ...drain(framer)], packets);
  assertEquals(framer.buffered, 0);
});

test("Framer counts the bytes that have not left as packets", () => {
  const framer = new Framer(LIMIT);
  for (let size = 1; size < STREAM.length; size++) {
    framer.push(STREAM.subarray(size - 1, size));
    const given = drain(framer).reduce((sum, packet) => sum + 4 + packet.length, 0);
    if (given > 0) assertEquals(framer.buffered, 0);
    assertEquals(framer.midPacket, framer.buffered > 0);
  }
  assertEquals(framer.buffered, 4 + 301 - 1);
});

property("Framer gives back what has not left as packets, as it came", (random) => {
  const packets = random.list(random.between(1, 4), () => random.bytes(random.pick([1, 2, 5, 70])));
  const stream = concat(packets.map(frame));
  const part = stream.subarray(0, random.between(0, stream.length));
  const framer = new Framer(LIMIT);
  let given = 0;
  for (const chunk of random.split(part, random.between(1, 6))) {
    framer.push(...handed(chunk, random.chance()));
    if (random.chance()) given += drain(framer).reduce((size, packet) => size + 4 + packet.length, 0);
  }
  assertEquals(framer.rest(), part.subarray(given));
});

test("Framer gives back what it refused to cut", () => {
  for (const text of ["GET / HTTP/1.1\r\n\r\n", "\0\0\0\0O", "\xff\xff\xff\xff"]) {
    for (let cut = 0; cut <= text.length; cut++) {
      const framer = new Framer(LIMIT);
      assertThrows(() => {
        framer.push(latin1(text.slice(0, cut)));
        framer.next();
        framer.push(latin1(text.slice(cut)));
        framer.next();
      }, MilterError);
      const rest = framer.rest();
      assertEquals(rest, latin1(text).subarray(0, rest.length));
      assert(rest.length === text.length || rest.length === cut, `${rest.length} bytes`);
    }
  }
});

test("Framer leaves a packet alone once it was given", () => {
  const second = frame(latin1("Btwo"));
  for (let cut = 0; cut <= second.length; cut++) {
    const framer = framerOf([frame(latin1("Bone")), second.subarray(0, cut), second.subarray(cut)]);
    const [first, next] = drain(framer);
    assertEquals([first, next], [latin1("Bone"), latin1("Btwo")]);
  }
});

test("Framer copies nothing of a chunk that it was given while nothing waits, and never writes to it", () => {
  const chunk = concat(["Bone", "Btwo", "Bthr"].map((text) => frame(latin1(text)))).slice(0, -1);
  const before = chunk.slice();
  const framer = new Framer(LIMIT);
  framer.push(chunk, true);
  const [one, two] = drain(framer);
  assertEquals([one, two], [latin1("Bone"), latin1("Btwo")]);
  assert(one!.buffer === chunk.buffer && two!.buffer === chunk.buffer, "copied");
  // The rest of a packet, and one behind it, given too: the first waits.
  framer.push(concat([latin1("e"), frame(latin1("Bfou"))]), true);
  assertEquals(drain(framer), [latin1("Bthe"), latin1("Bfou")]);
  assertEquals(chunk, before);
});

test("Framer keeps nothing of its chunks: who reads may read into the same memory again", () => {
  const packets = [1, 70, 3_000, 5_000, 60_000, 2, 30_000].map((size, at) =>
    new Uint8Array(size).fill(65 + at)
  );
  const stream = concat(packets.map(frame));
  for (const size of [1, 7, 1_000, 4_096, 16_384, stream.length]) {
    const buffer = new Uint8Array(size);
    const framer = new Framer(LIMIT);
    const given: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size) {
      const chunk = buffer.subarray(0, Math.min(size, stream.length - at));
      chunk.set(stream.subarray(at, at + chunk.length));
      framer.push(chunk);
      chunk.fill(0);
      if (at % 2 === 0) given.push(...drain(framer));
    }
    given.push(...drain(framer));
    assertEquals(given, packets, `read by ${size} bytes`);
  }
});

test("Framer gives packets that are Uint8Arrays and nothing else, of Buffers too, whose `slice` is no copy", () => {
  const { Buffer = Uint8Array } = globalThis as { Buffer?: { from(bytes: Uint8Array): Uint8Array } };
  for (const size of [5, 3_000, 10_000]) {
    const bytes = Buffer.from(frame(new Uint8Array(size).fill(65)));
    for (const cut of [0, 3, 4, 5, bytes.length]) {
      for (const given of [false, true]) {
        const framer = new Framer(LIMIT);
        for (const chunk of [bytes.subarray(0, cut), bytes.subarray(cut)]) framer.push(chunk, given);
        assertStrictEquals(drain(framer)[0]?.constructor, Uint8Array);
      }
    }
  }
});

test("Framer keeps no memory that was taken for much, once all of it has left", () => {
  const framer = new Framer(LIMIT);
  const small = frame(latin1("Bsmall"));
  for (let waits = 0; waits < 1_000; waits++) framer.push(small);
  const packets = drain(framer);
  assertEquals(packets.length, 1_000);
  framer.push(small);
  const [next] = drain(framer);
  assertLess(next!.buffer.byteLength, packets[999]!.buffer.byteLength);
});

test("Framer goes on when the memory of a packet is given away, if nothing waits", () => {
  const framer = framerOf([frame(latin1("Bone"))]);
  structuredClone(undefined, { transfer: [framer.next()!.buffer as ArrayBuffer] });
  for (const text of ["Btwo", "B" + "x".repeat(10_000)]) {
    framer.push(frame(latin1(text)));
    assertEquals(drain(framer), [latin1(text)]);
  }
});

property("Framer gives long and short packets in their order, whatever of them waits", (random) => {
  const packets = random.list(
    random.between(2, 12),
    () => random.bytes(random.pick([1, 5, 300, 5_000, 40_000])),
  );
  const framer = new Framer(LIMIT);
  const given: Uint8Array[] = [];
  let [came, left] = [0, 0];
  for (const chunk of random.split(concat(packets.map(frame)), random.between(1, 12))) {
    framer.push(...handed(chunk, random.chance()));
    came += chunk.length;
    for (let asks = random.between(0, 3); asks > 0; asks--) {
      const packet = framer.next();
      if (packet === undefined) break;
      given.push(packet);
      left += 4 + packet.length;
    }
    assertEquals(framer.buffered, came - left);
    assertEquals(framer.rest(), concat(packets.map(frame)).subarray(left, came));
  }
  assertEquals([...given, ...drain(framer)], packets);
});

test("Framer takes a packet as long as its limit", () => {
  const packet = new Uint8Array(LIMIT).fill(0x42);
  assertEquals(drain(framerOf([frame(packet)])), [packet]);
});

for (const limit of [0, -1, 1.5, NaN, Infinity]) {
  test(`Framer refuses ${limit} as its limit`, () => {
    assertThrows(() => new Framer(limit), RangeError, "limit");
  });
}

/** What a stream may start with that no packet starts with, and why it is none. */
const STRANGE: readonly { readonly what: string; readonly bytes: string; readonly why: string }[] = [
  { what: "an empty packet", bytes: "\0\0\0\0", why: "its length is 0" },
  {
    what: "a packet one byte over its limit",
    bytes: "\0\x01\0\x01",
    why: "65537 bytes is over the limit of 65536",
  },
  { what: "a packet of 4 GB", bytes: "\xff\xff\xff\xff", why: "4294967295 bytes is over the limit" },
  { what: "an HTTP request", bytes: "GET / HTTP/1.1\r\n\r\n", why: "an HTTP client" },
  { what: "a POST", bytes: "POST / HTTP/1.1\r\n\r\n", why: "an HTTP client" },
  { what: "HTTP/2", bytes: "PRI * HTTP/2.0\r\n\r\n", why: "an HTTP client" },
  { what: "a TLS hello", bytes: "\x16\x03\x01\x02\0\x01\0\x01\xfc", why: "a TLS client" },
  { what: "a remote desktop", bytes: "\x03\0\0\x13\x0e\xe0\0\0", why: "an RDP client" },
  { what: "an SMTP client", bytes: "EHLO client.example\r\n", why: "an SMTP client" },
  { what: "an SSH client", bytes: "SSH-2.0-OpenSSH_9.2\r\n", why: "an SSH client" },
];

for (const { what, bytes, why } of STRANGE) {
  test(`Framer refuses ${what} and says what it is, at every split, again and again`, () => {
    const stream = latin1(bytes);
    for (let cut = 0; cut < 4; cut++) {
      const framer = framerOf([stream.subarray(0, cut)]);
      assertEquals(framer.next(), undefined);
      framer.push(stream.subarray(cut));
      for (let ask = 0; ask < 3; ask++) {
        const { code, side } = assertThrows(() => framer.next(), MilterError, why);
        assertEquals({ code, side }, {
          code: why.includes("over the limit") ? "LIMIT" : "FRAME",
          side: "peer",
        });
      }
    }
  });
}
