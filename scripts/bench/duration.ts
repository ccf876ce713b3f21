/** How long a measurement takes, told before. */

import { type Course, roundsOf } from "./courses.ts";
import type { Contender } from "./contenders.ts";
import { heatsOf, WARM_UP, warmUpOf } from "./race.ts";

/** What a round takes beside its course, in seconds: to start the load generator, and to await the last answers. */
const ROUND = 0.2;

/** What the other kinds of course take, in seconds for each contender and round. */
const OTHERS = { memory: 4, startUp: 0.4 } as const;

/** What all parts of ours take, in seconds. */
const MICRO = 25;

/** Seconds for all these courses, as far as that can be told before. */
export function durationOf(
  courses: readonly Course[],
  contenders: readonly Contender[],
  { quick, pace }: { readonly quick: boolean; readonly pace: number },
): number {
  const ours = contenders.filter(({ kind }) => kind === "ours");
  const field = (course: Course) =>
    course.kind === "race" && course.field === "workers"
      ? [...ours, ...ours]
      : contenders.filter(({ name }) => course.only?.includes(name) ?? true);
  const each = courses.map((course) => {
    const runs = field(course).length * roundsOf(course, quick);
    if (course.kind === "micro") return MICRO;
    return runs * (course.kind === "race" ? course.seconds * pace + ROUND : OTHERS[course.kind]);
  });
  const warmUps = heatsOf(courses.filter((course) => course.kind === "race")).flatMap(([race]) =>
    field(race!).map((contender) => WARM_UP[warmUpOf(contender)] + ROUND)
  );
  return [...each, ...warmUps].reduce((sum, seconds) => sum + seconds, 0);
}

/** A time for people to read: `3 minutes`. */
export function minutes(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds / 60));
  return whole === 1 ? "a minute" : `${whole} minutes`;
}
