/** How processor time grows with the size of a message. */

import { BODY_SIZES, COURSES, HEADER_COUNTS } from "./courses.ts";
import { figureOf, type Result } from "./figures.ts";
import { fitLine, type Line, type Point } from "./statistics.ts";

/** What a message has ever more of. */
export interface Growth {
  readonly title: string;
  /** What there is more of, and how much of it the slope is told for. */
  readonly of: string;
  readonly unit: number;
  /** The courses, each with how much of it its messages have. */
  readonly courses: readonly { readonly course: string; readonly x: number }[];
}

/** Both. */
export const GROWTHS: { readonly headers: Growth; readonly bodies: Growth } = {
  headers: {
    ...{ title: "Processor time against the number of headers", of: "headers", unit: 1 },
    courses: coursesOf("headers", HEADER_COUNTS),
  },
  bodies: {
    ...{ title: "Processor time against the size of the body", of: "KB of body", unit: 1_000 },
    courses: coursesOf("sizes", BODY_SIZES),
  },
};

function coursesOf(group: string, sizes: readonly number[]): Growth["courses"] {
  return COURSES.filter((course) => course.group === group).map(({ name }, at) => ({
    course: name,
    x: sizes[at]!,
  }));
}

/** What was measured of a contender: its points in microseconds of processor time, and the line that fits them. */
export function growthOf(
  results: readonly Result[],
  contender: string,
  { courses, unit }: Growth,
): { readonly points: readonly Point[]; readonly line: Line } | undefined {
  const points = courses.flatMap(({ course, x }) => {
    const y = figureOf(results, { course, contender, figure: "processor" })?.median;
    return y === undefined ? [] : [{ x: x / unit, y }];
  });
  const line = points.length < 3 ? undefined : fitLine(points);
  return line && { points, line };
}
