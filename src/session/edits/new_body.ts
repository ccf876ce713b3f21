import { concat } from "../../wire/concat.ts";

/**
 * Reads all of a body that a filter hands in as a stream, before the first edit goes out: one that fails half-way
 * must not leave half a body behind. `keep` is told of each piece, and how much there is by then.
 *
 * @throws {TypeError} if it gives anything but bytes; the signal's reason once that aborts.
 */
export async function readBody(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  keep: (bytes: number, size: number) => void,
): Promise<Uint8Array> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  aborted.catch(() => {
    // Told by the race, if there still is one.
  });
  const iterator = source[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    signal.throwIfAborted();
    while (true) {
      const { done, value } = await Promise.race([iterator.next(), aborted]);
      if (done) return concat(chunks);
      if (!(value instanceof Uint8Array)) {
        throw new TypeError(`Cannot replace the body: its stream gave ${typeof value}, not bytes`);
      }
      size += value.length;
      keep(value.length, size);
      chunks.push(value);
    }
  } catch (error) {
    // Whatever it holds is let go; nobody waits for that.
    iterator.return?.()?.then(undefined, () => {});
    throw error;
  }
}
