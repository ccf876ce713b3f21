/**
 * Memory for what was read. Who reads lends its bytes for a moment, and may keep one buffer for all that comes; what
 * is kept of them lies here, and is never written again: filters may hold on to it.
 */

/** How much memory small pieces share, and how long one may be to go there, in bytes. */
const SHARED = { size: 32 * 1024, largest: 8 * 1024 } as const;

/**
 * V8 forgets to collect the memory of large pieces: it does so when the young objects of its heap fill their space, or when
 * 32 MB have gathered, and a long body makes next to no other objects. So once so many bytes of it have come, in a row,
 * a little garbage beside each piece brings the collection forward. A short body would only be slowed by it.
 */
const LONG = 2 * 1024 * 1024;
const LITTER = { arrays: 24, length: 512 } as const;

let shared = new Uint8Array(SHARED.size);
let taken = 0;

/** The last litter, so small that it may live on: while somebody could look at it, it is not optimized away. */
export let litter: unknown;

/** Leaves litter, if so many bytes have come in large pieces and nothing else. */
export function remind(inARow: number): void {
  if (inARow < LONG) return;
  for (let count = 0; count < LITTER.arrays; count++) litter = new Array(LITTER.length);
}

/** Bytes that are kept: of `bytes`, those from `start` on. */
export interface Kept {
  readonly bytes: Uint8Array;
  readonly start: number;
}

/** Keeps a copy of bytes, a small one beside others. */
export function keep(chunk: Uint8Array): Kept {
  const size = chunk.length;
  if (size > SHARED.largest) {
    const bytes = reserve(size);
    bytes.set(chunk);
    return { bytes, start: 0 };
  }
  if (taken + size > SHARED.size) {
    shared = new Uint8Array(SHARED.size);
    taken = 0;
  }
  const start = taken;
  taken += size;
  shared.set(chunk, start);
  return { bytes: shared, start };
}

/** Node has memory that is not cleared first; its name is not in a browser's library. */
const { Buffer } = globalThis as {
  Buffer?: { allocUnsafeSlow(size: number): { readonly buffer: ArrayBuffer } };
};

/** Memory of its own, of which all must be written before anybody sees it. */
export function reserve(size: number): Uint8Array {
  return Buffer === undefined ? new Uint8Array(size) : new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
}
