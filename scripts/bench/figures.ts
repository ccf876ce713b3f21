/** The figures that are measured, and the results that hold them. */

import type { Spread } from "./statistics.ts";

/** How a figure is written, and what it is. */
interface FigureRow {
  readonly title: string;
  /** In which unit it is shown, and how much of the unit in which it is kept that is. */
  readonly unit: string;
  readonly per?: number;
  /** At most so many digits after the point. */
  readonly digits: number;
}

/** The name of a figure. */
export type FigureName =
  | ("perSecond" | "megabytes" | "p50" | "p99" | "processor" | "answers" | "busy")
  | ("rest" | "idle" | "growth" | "startUp" | "iteration");

/** All figures. Times are kept in milliseconds, memory in bytes, processor time in microseconds. */
export const FIGURES: Readonly<Record<FigureName, FigureRow>> = {
  perSecond: { title: "messages a second", unit: "/s", digits: 0 },
  megabytes: { title: "megabytes of body a second", unit: "MB/s", digits: 0 },
  p50: { title: "half of the messages take at most", unit: "ms", digits: 2 },
  p99: { title: "99 of 100 messages take at most", unit: "ms", digits: 2 },
  processor: { title: "processor time a message", unit: "µs", digits: 0 },
  answers: { title: "answers a message", unit: "", digits: 1 },
  busy: { title: "how busy the load generator was", unit: "%", per: 0.01, digits: 0 },
  rest: { title: "memory at rest", unit: "MB", per: 1e6, digits: 1 },
  idle: { title: "memory of an idle connection", unit: "KB", per: 1e3, digits: 1 },
  growth: { title: "what a body of 100 MB adds to the memory", unit: "MB", per: 1e6, digits: 1 },
  startUp: { title: "from the start to the first answer", unit: "ms", digits: 0 },
  iteration: { title: "three of four calls take at most", unit: "µs", digits: 2 },
};

/** What one contender did on one course. */
export interface Result {
  readonly course: string;
  readonly contender: string;
  readonly figures: Readonly<Partial<Record<FigureName, Spread>>>;
  /** What a reader has to know of it: it answered less than it was asked, say. */
  readonly remark?: string;
  /** Why there are no figures, or no good ones. */
  readonly failed?: string;
}

/** A figure in the unit in which it is shown, without the unit. */
export function shown(name: FigureName, value: number): string {
  const { per = 1, digits } = FIGURES[name];
  const scaled = value / per;
  // Three digits that count are enough, but whole numbers stay whole.
  const before = Math.floor(Math.log10(Math.abs(scaled) || 1)) + 1;
  return grouped(scaled, Math.min(digits, Math.max(0, 3 - Math.max(1, before))));
}

/** A number with commas between the thousands: `12,345`. */
export function grouped(value: number, digits: number): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Finds what a contender did on a course. */
export function figureOf(
  results: readonly Result[],
  { course, contender, figure }: {
    readonly course: string;
    readonly contender: string;
    readonly figure: FigureName;
  },
): Spread | undefined {
  return results.find((result) => result.course === course && result.contender === contender)
    ?.figures[figure];
}
