/** Lines: how a figure changes with something that there is ever more of. */

import type { Line, Point } from "../statistics.ts";
import { type Colour, element, line, page, type Svg, text } from "./svg.ts";

/** A line with its name at its end. */
export interface Series {
  readonly title: string;
  readonly colour: Colour;
  readonly points: readonly Point[];
  /** The straight line to draw through the points; by default they are joined. */
  readonly fitted?: Line;
}

/** A chart of lines. */
export interface Lines {
  readonly title: string;
  readonly about: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly series: readonly Series[];
  /** The places on the x axis that are named. */
  readonly xTicks: readonly number[];
  /** Each tick is as far from the next as from the last: for numbers that multiply. */
  readonly evenTicks?: boolean;
}

const WIDTH = 960;
const HEIGHT = 470;
const AREA = { left: 84, right: WIDTH - 250, top: 104, bottom: HEIGHT - 56 } as const;
/** How far apart the names at the lines' ends are at least. */
const NAMES_APART = 16;

/** Draws it. */
export function drawLines(
  { title, about, xTitle, yTitle, series, xTicks, evenTicks = false }: Lines,
): string {
  const most = ticksUpTo(Math.max(...series.flatMap(({ points }) => points.map(({ y }) => y))));
  const top = most.at(-1)!;
  const across = evenTicks
    ? (x: number) => xTicks.indexOf(x) / (xTicks.length - 1)
    : (x: number) => (x - xTicks[0]!) / (xTicks.at(-1)! - xTicks[0]!);
  const place = ({ x, y }: Point): [number, number] => [
    AREA.left + across(x) * (AREA.right - AREA.left),
    AREA.bottom - Math.max(0, y) / top * (AREA.bottom - AREA.top),
  ];
  const last = xTicks.at(-1)!;
  return page({ title, about, width: WIDTH, height: HEIGHT }, [
    text(24, AREA.top - 16, yTitle, { colour: "pale" }),
    ...most.flatMap((y) => {
      const [, at] = place({ x: last, y });
      return [
        line([AREA.left, at], [AREA.right, at], "grid"),
        text(AREA.left - 8, at + 4, y.toLocaleString("en-US"), { anchor: "end", colour: "pale" }),
      ];
    }),
    ...xTicks.map((x) =>
      text(place({ x, y: 0 })[0], AREA.bottom + 18, x.toLocaleString("en-US"), {
        anchor: "middle",
        colour: "pale",
      })
    ),
    text((AREA.left + AREA.right) / 2, HEIGHT - 14, xTitle, { anchor: "middle", colour: "pale" }),
    ...series.flatMap((one) => drawSeries(one, place, last)),
    ...drawNames(series, place),
  ]);
}

function drawSeries(
  { points, colour, fitted }: Series,
  place: (point: Point) => readonly [number, number],
  last: number,
): Svg[] {
  const at = points.map(place);
  const path = fitted === undefined
    ? at
    : [points[0]!.x, last].map((x) => place({ x, y: fitted.intercept + fitted.slope * x }));
  return [
    element("polyline", {
      points: path.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" "),
      ...{ fill: "none", class: `s-${colour}`, "stroke-width": 2, "stroke-linejoin": "round" },
    }),
    ...at.map(([cx, cy]) => element("circle", { cx, cy, r: 3.5, class: `f-${colour}` })),
  ];
}

/** The names, at the heights of the lines' ends, but none on another; a thin line leads from each to its own. */
function drawNames(series: readonly Series[], place: (point: Point) => readonly [number, number]): Svg[] {
  const ends = series.map((one) => ({ one, end: place(one.points.at(-1)!) }))
    .sort((a, b) => a.end[1] - b.end[1]);
  let least = -Infinity;
  const heights = ends.map(({ end }) => least = Math.max(end[1], least + NAMES_APART));
  // Those that went below the chart push the others up again.
  let most = AREA.bottom;
  for (let at = heights.length - 1; at >= 0; at--) {
    heights[at] = Math.min(heights[at]!, most);
    most = heights[at]! - NAMES_APART;
  }
  return ends.flatMap(({ one, end: [x, y] }, at) => [
    line([x + 5, y], [AREA.right + 18, heights[at]!], one.colour, 0.8),
    text(AREA.right + 22, heights[at]! + 4, one.title, { colour: one.colour }),
  ]);
}

/** Round numbers from 0 to just beyond the highest figure, four to eight of them. */
export function ticksUpTo(highest: number): number[] {
  const rough = Math.max(highest, Number.MIN_VALUE) / 5;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = magnitude * ([1, 2, 2.5, 5, 10].find((factor) => factor * magnitude >= rough) ?? 10);
  return Array.from({ length: Math.ceil(highest / step) + 1 }, (_, at) => at * step);
}
