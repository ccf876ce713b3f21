import { delay } from "./harness.ts";

/** Waits until something is so; fails if it does not come to be. */
export async function until(so: () => boolean, what: string, timeout = 15_000): Promise<void> {
  for (const deadline = Date.now() + timeout; !so(); await delay(5)) {
    if (Date.now() > deadline) throw new Error(`${what}: not so after ${timeout} ms`);
  }
}
