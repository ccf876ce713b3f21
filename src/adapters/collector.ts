/**
 * Reminds V8 of memory that it forgets to collect.
 *
 * Each chunk that is read is memory of its own, because whoever gets it may keep it. V8 collects such memory with
 * the young objects of its heap, and does so when these fill their space, or when 32 MB of buffers have gathered:
 * a body of 100 MB, which makes next to no other objects, added 37 to 52 MB to the process. A little garbage
 * beside the chunks brings the collection forward: 5 to 11 MB.
 */

/** What is read for smaller chunks than this makes garbage enough by itself: only bodies come in larger ones. */
const LARGE = 16 * 1024;

/** How many bytes are read between two reminders. */
const EVERY = 64 * 1024;

/** How many arrays a reminder leaves behind, and how long they are: the last one lives on, so it is small. */
const LITTER = { arrays: 24, length: 512 } as const;

let unreminded = 0;

/** What the last reminder left behind: while somebody could look at it, it is not optimized away. */
export let litter: unknown;

/** Notes that a chunk of so many bytes was read. */
export function noteRead(size: number): void {
  if (size < LARGE) return;
  unreminded += size;
  if (unreminded < EVERY) return;
  unreminded = 0;
  for (let count = 0; count < LITTER.arrays; count++) litter = new Array(LITTER.length);
}
