/** Bars: the contenders below each other, one or several figures of each side by side. */

import type { Spread } from "../statistics.ts";
import { type Colour, element, line, page, type Svg, text } from "./svg.ts";

/** A contender. */
export interface Row {
  readonly title: string;
  readonly colour: Colour;
  /** Stands where its bars would be. */
  readonly instead?: string;
  /** One for each panel; a figure that is not there leaves its place empty. */
  readonly figures: readonly (Spread | undefined)[];
}

/** A figure: its bars have a scale of their own. */
export interface Panel {
  readonly title: string;
  readonly write: (figure: number) => string;
}

/** A chart of bars. */
export interface Bars {
  readonly title: string;
  readonly about: string;
  readonly panels: readonly Panel[];
  readonly rows: readonly Row[];
  /** What the colours say. */
  readonly legend: readonly (readonly [Colour, string])[];
}

const WIDTH = 960;
const NAMES = 200;
const TOP = 118;
const PITCH = 25;
const THICK = 15;
/** What the longest bar leaves of its panel, for its number. */
const NUMBER = 62;

/** Draws it. A thin line across a bar's end goes from the lowest round to the highest. */
export function drawBars({ title, about, panels, rows, legend }: Bars): string {
  const wide = (WIDTH - NAMES - 24) / panels.length;
  const height = TOP + rows.length * PITCH + 20;
  const scales = panels.map((_, at) => {
    const most = Math.max(...rows.map(({ figures }) => figures[at]?.highest ?? 0), Number.MIN_VALUE);
    return (figure: number) => Math.max(0, figure) / most * (wide - NUMBER);
  });
  return page({ title, about, width: WIDTH, height }, [
    ...drawLegend(legend),
    ...panels.map((panel, at) => text(NAMES + at * wide, TOP - 14, panel.title, { bold: true })),
    ...panels.map((_, at) =>
      line([NAMES + at * wide, TOP - 4], [NAMES + at * wide, TOP + rows.length * PITCH], "grid")
    ),
    ...rows.flatMap((row, index) => {
      const y = TOP + index * PITCH;
      return [
        text(NAMES - 10, y + THICK - 2, row.title, { anchor: "end", bold: row.colour === "ours" }),
        ...row.instead !== undefined
          ? [text(NAMES + 6, y + THICK - 2, row.instead, { colour: "pale" })]
          : panels.flatMap((panel, at) => drawBar(row, at, panel, [NAMES + at * wide, y], scales[at]!)),
      ];
    }),
  ]);
}

function drawBar(
  { colour, figures }: Row,
  at: number,
  { write }: Panel,
  [x, y]: readonly [number, number],
  scale: (figure: number) => number,
): Svg[] {
  const figure = figures[at];
  if (figure === undefined) return [];
  const { median, lowest, highest } = figure;
  const middle = y + THICK / 2;
  return [
    element("rect", { x, y, width: Math.max(1, scale(median)), height: THICK, rx: 2, class: `f-${colour}` }),
    ...highest > lowest ? [line([x + scale(lowest), middle], [x + scale(highest), middle], "ink", 1.2)] : [],
    text(x + Math.max(scale(median), scale(highest)) + 6, y + THICK - 3, write(median)),
  ];
}

function drawLegend(legend: Bars["legend"]): Svg[] {
  let x = 24;
  return legend.flatMap(([colour, words]) => {
    const key = element("rect", { x, y: 69, width: 11, height: 11, rx: 2, class: `f-${colour}` });
    const label = text(x + 17, 79, words, { colour: "pale" });
    x += 40 + words.length * 6.4;
    return [key, label];
  });
}
