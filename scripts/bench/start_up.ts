/** How long a filter takes from its start to its first answer. */

import type { StartUp } from "./courses.ts";
import { type Entrant, reasonOf } from "./entrant.ts";
import type { Result } from "./figures.ts";
import { Running } from "./running.ts";
import { spreadOf } from "./statistics.ts";

/** Starts all contenders in turn, so many times. The first start of each, which reads its files, does not count. */
export async function measureStartUps(
  course: StartUp,
  entrants: readonly Entrant[],
  { rounds, onProgress }: { readonly rounds: number; readonly onProgress: (text: string) => void },
): Promise<Result[]> {
  const times = new Map<Entrant, number[]>(entrants.map((entrant) => [entrant, []]));
  const failures = new Map<Entrant, string>();
  for (let round = 0; round <= rounds; round++) {
    for (const entrant of entrants) {
      const { contender, installed } = entrant;
      onProgress(`${course.name}, round ${round} of ${rounds}: ${contender.title}`);
      if (failures.has(entrant)) continue;
      try {
        await using running = await Running.start({
          command: (address) => installed.command("default", address),
          ...(installed.env === undefined ? {} : { env: installed.env }),
        });
        if (round > 0) times.get(entrant)!.push(running.startUp);
      } catch (error) {
        failures.set(entrant, reasonOf(error));
      }
    }
  }
  return entrants.map((entrant) => {
    const [startUp, failed] = [spreadOf(times.get(entrant)!), failures.get(entrant)];
    return {
      course: course.name,
      contender: entrant.contender.name,
      figures: startUp === undefined ? {} : { startUp },
      ...(failed === undefined ? {} : { failed }),
    };
  });
}
