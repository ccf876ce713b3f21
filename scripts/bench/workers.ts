/** `kilter serve` with several workers. */
import type { Entrant } from "./entrant.ts";

export function workerEntrants(
  _entrants: readonly Entrant[],
  _cache: string,
): Promise<Entrant[] | undefined> {
  return Promise.resolve(undefined);
}
