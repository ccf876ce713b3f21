/**
 * Memory for what was read. Who reads lends its bytes for a moment, and may keep one buffer for all that comes; what
 * is kept of them lies in memory that is never written again: filters may hold on to it.
 */

/**
 * V8 forgets to collect the memory of large pieces: it does so when the young objects of its heap fill their space, or when
 * 32 MB have gathered, and a long body makes next to no other objects. So once so many bytes of it have come, in a row,
 * a little garbage beside each piece brings the collection forward. A short body would only be slowed by it.
 */
const LONG = 2 * 1024 * 1024;
const LITTER = { arrays: 24, length: 512 } as const;

/** The last litter, so small that it may live on: while somebody could look at it, it is not optimized away. */
export let litter: unknown;

/** Leaves litter, if so many bytes have come in large pieces and nothing else. */
export function remind(inARow: number): void {
  if (inARow < LONG) return;
  for (let count = 0; count < LITTER.arrays; count++) litter = new Array(LITTER.length);
}

/** What a packet may have around its bytes: its length, and its code. */
const AROUND = 8;

/** These bytes in memory that nothing else lies in: who gets them may give that memory away, to a worker for instance. */
export function alone(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength > bytes.length + AROUND ? bytes.slice() : bytes;
}
