/** Bytes as no peer should send them. */

import { concat, frame } from "../bytes.ts";
import type { Random } from "../harness.ts";

/** A packet that may be anything, its code often one that exists. */
export function anyPacket(random: Random): Uint8Array {
  const data = random.bytes(random.pick([0, 0, 1, 2, 12, 40])).map((byte) => random.chance(0.3) ? 0 : byte);
  const code = random.chance(0.1)
    ? random.below(256)
    : random.pick([..."OCHMRTLNBEUDAQKcartdyshimbe+2-qp4f"]).charCodeAt(0);
  return frame(concat([Uint8Array.of(code), data]));
}

/** Lengths that are wrong in their own ways. */
const LENGTHS = [0, 1, 2, 0xff, 0xffff, 0x10000, 0x100001, 0x7fffffff, 0x80000000, 0xffffffff] as const;

/** Something that goes wrong at a place, of which this is before and that is after; `other` was said elsewhere. */
type Mistake = (
  random: Random,
  before: Uint8Array,
  after: Uint8Array,
  other: Uint8Array,
) => readonly Uint8Array[];

const MISTAKES: readonly Mistake[] = [
  // A byte is another.
  (random, before, after) => [
    before,
    Uint8Array.of(random.pick([0, 1, 0xff, random.below(256)])),
    after.subarray(1),
  ],
  // One bit of it is.
  (random, before, after) => [
    before,
    after.subarray(0, 1).map((byte) => byte ^ (1 << random.below(8))),
    after.subarray(1),
  ],
  // Some bytes are missing, or too many, or come twice.
  (random, before, after) => [before, after.subarray(random.between(1, 20))],
  (random, before, after) => [before, random.bytes(random.between(1, 20)), after],
  (_, before, after) => [before, after.subarray(0, 60), after],
  // All that follows is missing, or what somebody else said.
  (_, before) => [before],
  (random, before, _, other) => [before, other.subarray(random.below(other.length + 1))],
];

/** The same, at the beginning of a packet. */
const PACKET_MISTAKES: readonly Mistake[] = [
  (random, before, after) => [before, anyPacket(random), after],
  (_, before, after) => [before, after.subarray(packetSize(after))],
  (random, before, after, other) => {
    const at = startOfPacket(random, other);
    return [before, other.subarray(at, at + packetSize(other.subarray(at))), after];
  },
  (_, before, after) => {
    const size = packetSize(after);
    return [before, after.subarray(0, size), after];
  },
  (_, before, after) => {
    const size = packetSize(after);
    const next = size + packetSize(after.subarray(size));
    return [before, after.subarray(size, next), after.subarray(0, size), after.subarray(next)];
  },
  // Its length is wrong, by a little or by much.
  (random, before, after) => {
    if (after.length < 4) return [before, after];
    const wrong = after.slice(0, 4);
    const view = new DataView(wrong.buffer);
    view.setUint32(0, random.chance() ? random.pick(LENGTHS) : view.getUint32(0) + random.between(-2, 2));
    return [before, wrong, after.subarray(4)];
  },
];

/** Bytes that are wrong here and there; `other` bytes may come among them. */
export function mutate(random: Random, bytes: Uint8Array, other: Uint8Array = bytes): Uint8Array {
  let mutated = bytes;
  for (let count = random.between(1, 4); count > 0; count--) {
    const whole = random.chance();
    const at = whole ? startOfPacket(random, mutated) : random.below(mutated.length + 1);
    const mistake = random.pick(whole ? PACKET_MISTAKES : MISTAKES);
    mutated = concat(mistake(random, mutated.subarray(0, at), mutated.subarray(at), other));
  }
  return mutated;
}

/** Where one of the packets begins, or the bytes end. */
function startOfPacket(random: Random, bytes: Uint8Array): number {
  let at = 0;
  for (let skip = random.below(20); skip > 0 && at < bytes.length; skip--) {
    at += packetSize(bytes.subarray(at));
  }
  return Math.min(at, bytes.length);
}

/** How long the packet at the beginning is, with its length. */
function packetSize(bytes: Uint8Array): number {
  if (bytes.length < 4) return bytes.length;
  return Math.min(bytes.length, 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0));
}
