/** The charts that go with a report. */

import { type Bars, drawBars, type Row } from "./charts/bars.ts";
import { drawLines, type Series } from "./charts/lines.ts";
import type { Colour } from "./charts/svg.ts";
import { type FigureName, figureOf, FIGURES, shown } from "./figures.ts";
import { type Growth, growthOf, GROWTHS } from "./growth.ts";
import type { Listed, Report } from "./report.ts";

/** A file to write. */
export interface Chart {
  readonly file: string;
  readonly title: string;
  readonly svg: string;
}

/** A chart of bars, as it is asked for: each panel is a figure of a course. */
interface BarChart extends Pick<Bars, "title" | "about"> {
  readonly file: string;
  readonly panels: readonly {
    readonly title: string;
    readonly course: string;
    readonly figure: FigureName;
  }[];
  /** Whether the longest bar is the best one, and stands first. */
  readonly more: boolean;
}

const BARS: readonly BarChart[] = [
  {
    file: "speed.svg",
    title: "Messages a second",
    about:
      "One process with a processor of its own; 16 connections, a message on each, 12 headers, 4 KB of body",
    more: true,
    panels: [
      { title: "every event answered", course: "answered", figure: "perSecond" },
      { title: "default negotiation", course: "default", figure: "perSecond" },
      { title: "one answer, at the end", course: "end", figure: "perSecond" },
    ],
  },
  {
    file: "latency.svg",
    title: "Milliseconds a message",
    about: "From MAIL to the last answer, every event answered; shorter is better",
    more: false,
    panels: [
      { title: "16 connections, half", course: "answered", figure: "p50" },
      { title: "99 of 100", course: "answered", figure: "p99" },
      { title: "1,000 connections, half", course: "1000x1", figure: "p50" },
      { title: "99 of 100", course: "1000x1", figure: "p99" },
    ],
  },
  {
    file: "bodies.svg",
    title: "Megabytes of body a second",
    about: "Every chunk of 64 KB answered, or only the end of the message",
    more: true,
    panels: [
      { title: "1 MB", course: "body-1m", figure: "megabytes" },
      { title: "1 MB, one answer", course: "end-1m", figure: "megabytes" },
      { title: "50 MB", course: "body-50m", figure: "megabytes" },
    ],
  },
  {
    file: "memory.svg",
    title: "Memory",
    about: "Of the process and its children; shorter is better",
    more: false,
    panels: [
      { title: "at rest, MB", course: "memory", figure: "rest" },
      { title: "an idle connection, KB", course: "memory", figure: "idle" },
      { title: "added by 100 MB of body, MB", course: "memory", figure: "growth" },
    ],
  },
];

const LEGEND: Bars["legend"] = [
  ["ours", "Kilter"],
  ["peer", "other libraries"],
  ["bare", "bare responders: the least that answers at all"],
];

/** The colours of lines: ours are told apart, the others are named at their ends. */
const LINE_COLOURS: Readonly<Record<string, Colour>> = {
  "kilter-bun": "bun",
  "kilter-deno": "deno",
  "kilter-node24": "node",
  "kilter-node20": "old",
};

/** Names, for a chart of lines, who is not in it because it could not be installed. */
function absence(contenders: readonly Listed[]): string {
  const missing = contenders.filter((contender) => contender.missing !== undefined).map(({ title }) => title);
  return missing.length === 0 ? "" : `; missing: ${missing.join(", ")}`;
}

/** All charts of which something was measured. */
export function charts(report: Report): Chart[] {
  return [
    ...BARS.map((chart) => barChart(chart, report)),
    connectionChart(report),
    growthChart("headers.svg", GROWTHS.headers, report),
    growthChart("sizes.svg", GROWTHS.bodies, report),
  ].filter((chart) => chart !== undefined);
}

function barChart({ file, title, about, panels, more }: BarChart, report: Report): Chart | undefined {
  const measured = panels.filter(({ course }) => report.results.some((result) => result.course === course));
  if (measured.length === 0) return undefined;
  const rows = report.contenders.flatMap((contender) => rowOf(contender, measured, report));
  const first = ({ figures: [figure] }: Row) => figure === undefined ? undefined : figure.median;
  const last = more ? -Infinity : Infinity;
  rows.sort((a, b) => ((first(a) ?? last) - (first(b) ?? last)) * (more ? -1 : 1) || 0);
  const svg = drawBars({
    ...{ title, about, rows, legend: LEGEND, atMost: more ? Infinity : 3 },
    panels: measured.map((panel) => ({ title: panel.title, write: (figure) => shown(panel.figure, figure) })),
  });
  return { file, title, svg };
}

function rowOf(
  { name, title, kind, missing }: Listed,
  panels: BarChart["panels"],
  { results }: Report,
): Row[] {
  const of = results.filter((result) =>
    result.contender === name && panels.some(({ course }) => course === result.course)
  );
  if (missing === undefined && of.length === 0) return [];
  const figures = panels.map(({ course, figure }) => figureOf(results, { course, contender: name, figure }));
  const instead = missing !== undefined
    ? "missing"
    : figures.every((one) => one === undefined)
    ? "failed"
    : undefined;
  return [{ title, colour: kind, figures, ...(instead === undefined ? {} : { instead }) }];
}

function connectionChart({ contenders, results }: Report): Chart | undefined {
  const counts: Readonly<Record<string, number>> = { "1x1": 1, answered: 16, "256x1": 256, "1000x1": 1_000 };
  const series = contenders.flatMap(({ name, title, kind }): Series[] => {
    const points = Object.entries(counts).flatMap(([course, x]) => {
      const y = figureOf(results, { course, contender: name, figure: "perSecond" })?.median;
      return y === undefined ? [] : [{ x, y }];
    });
    const colour = LINE_COLOURS[name] ?? kind;
    return kind === "bare" || points.length < Object.keys(counts).length ? [] : [{ title, colour, points }];
  });
  if (series.length === 0) return undefined;
  const title = "Messages a second by the number of connections";
  const svg = drawLines({
    about: `Every event answered, a message on each connection${absence(contenders)}`,
    ...{ title, series, evenTicks: true },
    ...{ xTitle: "connections", yTitle: "messages a second", xTicks: Object.values(counts) },
  });
  return { file: "connections.svg", title, svg };
}

function growthChart(file: string, growth: Growth, { contenders, results }: Report): Chart | undefined {
  const series = contenders.flatMap(({ name, title, kind }): Series[] => {
    const { points, line } = growthOf(results, name, growth) ?? {};
    if (points === undefined || line === undefined) return [];
    return [{
      title: `${title}, R² ${line.r2.toFixed(3)}`,
      colour: LINE_COLOURS[name] ?? kind,
      points,
      fitted: line,
    }];
  });
  if (series.length === 0) return undefined;
  const svg = drawLines({
    about: `Each point was measured; the lines are straight ones that fit them best${absence(contenders)}`,
    ...{ title: growth.title, series },
    xTitle: growth.of,
    yTitle: `${FIGURES.processor.unit} of processor time a message`,
    xTicks: growth.courses.map(({ x }) => x / growth.unit),
  });
  return { file, title: growth.title, svg };
}
