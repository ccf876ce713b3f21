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

/** Bytes that are wrong here and there: changed, left out, put in, said twice. */
export function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  let mutated = bytes;
  for (let count = random.between(1, 4); count > 0; count--) {
    const at = random.below(mutated.length + 1);
    const [before, after] = [mutated.subarray(0, at), mutated.subarray(at)];
    mutated = concat(
      random.pick([
        () => [before, Uint8Array.of(random.pick([0, 1, 0xff, random.below(256)])), after.subarray(1)],
        () => [before, after.subarray(random.between(1, 20))],
        () => [before, random.bytes(random.between(1, 20)), after],
        () => [before, anyPacket(random), after],
        () => [before, after.subarray(0, 60), after],
      ])(),
    );
  }
  return mutated;
}
