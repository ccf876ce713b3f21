/** `kilter serve` with several workers. */

import { serveCommand } from "../../src/cli/serve.ts";
import { locate, RUNTIMES } from "../runtimes.ts";
import type { Contender } from "./contenders.ts";
import { commandFor, freshPlace, type Place } from "../places.ts";
import type { Entrant } from "./entrant.ts";

/** The command, and a module whose default is the filter that answers everything: paths from the project's root. */
const KILTER = "scripts/bench/kilter.ts";
const FILTER = "scripts/bench/filters.ts";

/** How many workers are compared. */
const COUNTS: readonly number[] = [1, 2];

/** Ours of these entrants, served with one worker and with two; `undefined` if `kilter serve` knows no workers. */
export async function workerEntrants(
  entrants: readonly Entrant[],
  cache: string,
): Promise<Entrant[] | undefined> {
  if (!("workers" in serveCommand.options)) return undefined;
  const served: Entrant[] = [];
  for (const { contender, installed: { version } } of entrants) {
    const runtime = RUNTIMES.find(({ name }) => contender.name === `kilter-${name}`);
    const program = runtime && await locate(runtime);
    if (runtime === undefined || program === undefined) continue;
    const place = await freshPlace(runtime, program, cache);
    for (const count of COUNTS) served.push(withWorkers(contender, count, version, place));
  }
  return served;
}

function withWorkers(contender: Contender, count: number, version: string, place: Place): Entrant {
  const { directory } = place;
  return {
    contender: {
      ...contender,
      name: `${contender.name}-${count}`,
      title: `${contender.title}, ${count === 1 ? "1 worker" : `${count} workers`}`,
    },
    installed: {
      version,
      command: (_filter, address) => {
        const where = address.startsWith("/") ? `unix:${address}` : address;
        const args = [`${directory}/${FILTER}`, "--quiet", "--listen", where, "--workers", `${count}`];
        return commandFor(place, [KILTER, "serve", ...args]);
      },
    },
  };
}
