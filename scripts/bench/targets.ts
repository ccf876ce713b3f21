/** The targets: what the figures are to come to. */

import { type FigureName, figureOf, type Result } from "./figures.ts";
import { type Growth, growthOf, GROWTHS } from "./growth.ts";
import { ratio } from "./statistics.ts";

/** Ours, each with the bare responder of its runtime. */
const OURS = {
  Bun: { ours: "kilter-bun", bare: "bare-bun" },
  Deno: { ours: "kilter-deno", bare: "bare-deno" },
  "Node 24": { ours: "kilter-node24", bare: "bare-node24" },
} as const;

type Ours = keyof typeof OURS;

const RUNTIMES: readonly Ours[] = ["Bun", "Deno", "Node 24"];

/** The figure of one runtime; `undefined` if it was not measured. */
type FigureOf = (results: readonly Result[], runtime: Ours) => number | undefined;

/** One target: a bound for some of the runtimes, and perhaps another for the best of them. */
interface Target {
  readonly title: string;
  readonly unit?: string;
  readonly digits?: number;
  /** The figure is to be at least the bound, or below it. */
  readonly is: "at least" | "below";
  readonly bounds: Readonly<Partial<Record<Ours | "the best", number>>>;
  readonly figure: FigureOf;
}

/** The same bound for each runtime. */
const on = (bound: number): Target["bounds"] => ({ Bun: bound, Deno: bound, "Node 24": bound });

/** The peers in Go and Rust. */
const GO_AND_RUST: readonly string[] = ["d--j/go-milter", "emersion/go-milter", "indymilter"];

/** The other part of planning's growth: 16,000 headers instead of 1,000, by n log n. */
const LINEARITHMIC = 16 * Math.log(16_000) / Math.log(1_000);

/** All targets. */
export const TARGETS: readonly Target[] = [
  {
    title: "every event answered, to the bare responder of the same runtime",
    ...{ is: "at least", bounds: on(0.85), figure: toBare("answered") },
  },
  {
    title: "every event answered, to libmilter",
    ...{ is: "at least", bounds: { Bun: 1.85, Deno: 1.5, "Node 24": 1.2 }, figure: to(["libmilter"]) },
  },
  {
    title: "every event answered, to kilter.service",
    ...{ is: "at least", bounds: on(10), digits: 1, figure: to(["kilter.service"]) },
  },
  {
    title: "every event answered, to the fastest of the peers in Go and Rust",
    ...{ is: "at least", bounds: { "the best": 1 }, figure: to(GO_AND_RUST) },
  },
  {
    title: "default negotiation, to libmilter with every event answered",
    ...{ is: "at least", bounds: { ...on(2), "the best": 3.5 }, figure: to(["libmilter"], "default") },
  },
  {
    title: "one answer at the end, to the bare responder that does the same",
    ...{ is: "at least", bounds: on(0.85), figure: toBare("end") },
  },
  {
    title: "1,000 connections, to 16",
    ...{ is: "at least", bounds: on(0.9) },
    figure: (results, runtime) => {
      const { ours: contender } = OURS[runtime];
      return ratioOf(results, { course: "1000x1", contender }, { course: "answered", contender });
    },
  },
  {
    title: "two workers, to one",
    ...{ is: "at least", bounds: on(1.5) },
    figure: (results, runtime) => {
      const { ours: contender } = OURS[runtime];
      const [one, two] = [1, 2].map((count) => ({ course: "workers", contender: `${contender}-${count}` }));
      return ratioOf(results, two!, one!);
    },
  },
  {
    title: "bodies of 1 MB, to the bare responder that only counts bytes",
    ...{ is: "at least", bounds: on(0.9), figure: toBare("body-1m") },
  },
  {
    title: "what a body of 100 MB adds to the memory, each chunk answered",
    ...{ is: "below", unit: "MB", digits: 1, bounds: on(16), figure: own("memory", "growth", 1e6) },
  },
  {
    title: "what a body of 100 MB adds to the memory, one answer at the end",
    ...{ is: "below", unit: "MB", digits: 1, bounds: on(16), figure: own("memory-end", "growth", 1e6) },
  },
  {
    title: "the same, to a filter that is slow",
    ...{ is: "below", unit: "MB", digits: 1, bounds: on(16), figure: own("memory-slow", "growth", 1e6) },
  },
  {
    title: "memory of an idle connection",
    ...{ is: "below", unit: "KB", digits: 1, bounds: { Bun: 10, Deno: 20, "Node 24": 20 } },
    figure: own("memory", "idle", 1e3),
  },
  {
    title: "processor time grows with the number of headers by a straight line: R²",
    ...{ is: "at least", digits: 3, bounds: on(0.98), figure: straightness(GROWTHS.headers) },
  },
  {
    title: "processor time grows with the size of the body by a straight line: R²",
    ...{ is: "at least", digits: 3, bounds: on(0.98), figure: straightness(GROWTHS.bodies) },
  },
  {
    title: "planning the edits of 1,000 headers",
    ...{
      is: "below",
      unit: "ms",
      digits: 1,
      bounds: { Deno: 10 },
      figure: (results) => planned(results, 1_000),
    },
  },
  {
    title: "planning those of 16,000 headers instead, to a growth by n log n",
    ...{ is: "below", bounds: { Deno: 1.5 } },
    figure: (results) => {
      const [small, large] = [planned(results, 1_000), planned(results, 16_000)];
      return small && large && large / small / LINEARITHMIC;
    },
  },
];

/** A target for one runtime, and what was measured. */
export interface Judged extends Pick<Target, "title" | "is"> {
  /** The runtime, or `the best`. */
  readonly on: string;
  readonly bound: number;
  readonly unit: string;
  readonly digits: number;
  /** What was measured, if it was, and whether the target is met. */
  readonly measured?: { readonly figure: number; readonly met: boolean };
}

/** Judges results by targets. */
export function judge(results: readonly Result[], targets: readonly Target[] = TARGETS): Judged[] {
  return targets.flatMap(({ title, unit = "", digits = 2, is, bounds, figure }) =>
    Object.entries(bounds).map(([on, bound]): Judged => {
      const runtimes = on === "the best" ? RUNTIMES : RUNTIMES.filter((runtime) => runtime === on);
      const figures = runtimes.map((runtime) => figure(results, runtime)).filter((value) =>
        value !== undefined
      );
      const asked = { title, is, on, bound, unit, digits };
      if (figures.length === 0) return asked;
      const best = is === "below" ? Math.min(...figures) : Math.max(...figures);
      return { ...asked, measured: { figure: best, met: is === "below" ? best < bound : best >= bound } };
    })
  );
}

/** A figure of a target as it is written: `12.3 MB`. */
export function written({ unit, digits }: Judged, figure: number): string {
  return `${figure.toFixed(digits)} ${unit}`.trim();
}

/** What is not met, in a sentence. */
export function missed(judged: Judged): string | undefined {
  const { title, is, on, bound, unit, measured } = judged;
  if (measured === undefined || measured.met) return undefined;
  return `${title}: ${written(judged, measured.figure)} on ${on}, not ${is} ${bound} ${unit}`.trim();
}

/** Where a figure is found: messages a second, unless it says otherwise. */
interface Place {
  readonly course: string;
  readonly contender: string;
  readonly figure?: FigureName;
}

/** What one figure is to another; rounds of one course were taken side by side. */
function ratioOf(results: readonly Result[], one: Place, other: Place): number | undefined {
  const [mine, theirs] = [one, other].map((place) => figureOf(results, { figure: "perSecond", ...place }));
  return mine && theirs && ratio(mine, theirs, one.course === other.course);
}

/** A ratio to the bare responder of the same runtime on the same course. */
function toBare(course: string): FigureOf {
  return (results, runtime) => {
    const { ours, bare } = OURS[runtime];
    return ratioOf(results, { course, contender: ours }, { course, contender: bare });
  };
}

/** A ratio to the fastest of others, which had every event answered. */
function to(others: readonly string[], course = "answered"): FigureOf {
  return (results, runtime) => {
    const mine = { course, contender: OURS[runtime].ours };
    const ratios = others.map((contender) => ratioOf(results, mine, { course: "answered", contender }))
      .filter((value) => value !== undefined);
    return ratios.length === 0 ? undefined : Math.min(...ratios);
  };
}

/** A figure as it is, in a unit. */
function own(course: string, figure: FigureName, unit: number): FigureOf {
  return (results, runtime) => {
    const spread = figureOf(results, { course, contender: OURS[runtime].ours, figure });
    return spread && spread.median / unit;
  };
}

/** How well a straight line fits. */
function straightness(growth: Growth): FigureOf {
  return (results, runtime) => growthOf(results, OURS[runtime].ours, growth)?.line.r2;
}

/** Milliseconds to plan the edits of half of so many headers. */
function planned(results: readonly Result[], headers: number): number | undefined {
  const contender = `plan: edits of ${headers / 2} of ${headers} headers`;
  const spread = figureOf(results, { course: "micro", contender, figure: "iteration" });
  return spread && spread.median / 1_000;
}
