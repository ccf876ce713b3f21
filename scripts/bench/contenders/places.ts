/** Where our own contenders run: the project as it is now. */

import type { Program, Runtime } from "../../runtimes.ts";
import { type Place, prepare } from "../process.ts";

/** The copies that this process has made, by directory. Several runtimes share one. */
const made = new Map<string, Promise<unknown>>();

/** The runtime's copy of the project in `cache`: a new one, if an earlier process has left one there. */
export async function freshPlace(runtime: Runtime, program: Program, cache: string): Promise<Place> {
  const copy = `${cache}/${runtime.reads}`;
  const make = async () => {
    await Deno.remove(copy, { recursive: true }).catch(() => {
      // There is none.
    });
    await prepare(runtime, program, cache);
  };
  if (runtime.kind !== "deno" && !made.has(copy)) made.set(copy, make());
  await made.get(copy);
  return await prepare(runtime, program, cache);
}
