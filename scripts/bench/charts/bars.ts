/** Bars: the contenders below each other, one or several figures of each side by side. */

import { median, type Spread } from "../statistics.ts";
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
  /**
   * How many times as long as the middle one of a panel its longest bar may be: longer ones are cut, and show it.
   * No limit by default.
   */
  readonly atMost?: number;
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
export function drawBars({ title, about, panels, rows, atMost = Infinity, legend }: Bars): string {
  const wide = (WIDTH - NAMES - 24) / panels.length;
  const height = TOP + rows.length * PITCH + 20;
  const scales = panels.map((_, at): Scale => {
    const figures = rows.map((row) => row.figures[at]).filter((figure) => figure !== undefined);
    if (figures.length === 0) return { top: 1, length: () => 0 };
    const middle = median(figures.map((figure) => figure.median));
    const top = Math.min(Math.max(...figures.map(({ highest }) => highest)), atMost * middle) || 1;
    return { top, length: (figure) => Math.min(Math.max(0, figure) / top, 1) * (wide - NUMBER) };
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

/** How long bars are in a panel, and the figure of the longest. */
interface Scale {
  readonly top: number;
  readonly length: (figure: number) => number;
}

function drawBar(
  { colour, figures }: Row,
  at: number,
  { write }: Panel,
  [x, y]: readonly [number, number],
  { top, length }: Scale,
): Svg[] {
  const figure = figures[at];
  if (figure === undefined) return [];
  const { median, lowest, highest } = figure;
  const [middle, end] = [y + THICK / 2, x + length(Math.max(median, highest))];
  const bar = element("rect", {
    ...{ x, y, width: Math.max(1, length(median)), height: THICK, rx: 2, class: `f-${colour}` },
  });
  const number = text(end + 6, y + THICK - 3, write(median));
  if (median > top) {
    const cut = (to: number) => line([end - to - 4, y + THICK + 1], [end - to, y - 1], "paper", 2);
    return [bar, cut(14), cut(8), number];
  }
  const whisker = line([x + length(lowest), middle], [end, middle], "ink", 1.2);
  return [bar, ...highest > lowest ? [whisker] : [], number];
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
