/** Measures contenders on courses of every kind. */

import { type Course, roundsOf } from "./courses.ts";
import type { Entrant } from "./entrant.ts";
import type { Result } from "./figures.ts";
import { measureMemory } from "./memory.ts";
import { measureMicro } from "./micro.ts";
import type { Pin } from "./processors.ts";
import { heatsOf, runHeat } from "./race.ts";
import { measureStartUps } from "./start_up.ts";

export interface MeasureOptions {
  readonly loadgen: string;
  readonly pin: Pin | undefined;
  readonly quick: boolean;
  /** A part of the seconds that races take. */
  readonly pace: number;
  /** `kilter serve`, with one worker and with two; none if it knows no workers. */
  readonly workers: readonly Entrant[];
  readonly onProgress: (text: string) => void;
}

/** Measures all, and gives the results in the order of the courses. */
export async function measure(
  courses: readonly Course[],
  entrants: readonly Entrant[],
  options: MeasureOptions,
): Promise<Result[]> {
  const { loadgen, quick, onProgress } = options;
  const results: Result[] = [];
  const inOrder = sideBySide(entrants);
  const fieldOf = ({ only }: Course) =>
    inOrder.filter(({ contender }) => only?.includes(contender.name) ?? true);
  for (const heat of heatsOf(courses.filter((course) => course.kind === "race"))) {
    await runHeat(heat, heat[0]!.field === "workers" ? options.workers : fieldOf(heat[0]!), {
      ...options,
      rounds: (race) => roundsOf(race, quick),
      onResult: (result) => results.push(result),
    });
  }
  for (const course of courses) {
    const [field, rounds] = [fieldOf(course), roundsOf(course, quick)];
    if (course.kind === "memory") {
      for (const entrant of field) {
        onProgress(`${course.title}: ${entrant.contender.title}`);
        results.push(await measureMemory(entrant, course, { loadgen, rounds }));
      }
    } else if (course.kind === "startUp") {
      results.push(...await measureStartUps(course, field, { rounds, onProgress }));
    } else if (course.kind === "micro") {
      onProgress(course.title);
      results.push(...await measureMicro(course));
    }
  }
  return results;
}

/** Puts the bare responder of a runtime beside ours, so that both meet the same state of the machine. */
function sideBySide(entrants: readonly Entrant[]): Entrant[] {
  const runtimeOf = ({ contender: { name } }: Entrant) => name.replace(/^(kilter|bare)-/, "");
  return [...Map.groupBy(entrants, runtimeOf).values()].flat();
}
