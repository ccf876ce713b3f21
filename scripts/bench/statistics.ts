/** What several rounds of a measurement come to. */

/** The figure of each round, and what they come to. */
export interface Spread {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  readonly rounds: readonly number[];
}

/** The middle one of some figures. */
export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Sums rounds up; `undefined` if there were none. */
export function spreadOf(rounds: readonly number[]): Spread | undefined {
  if (rounds.length === 0) return undefined;
  return { median: median(rounds), lowest: Math.min(...rounds), highest: Math.max(...rounds), rounds };
}

/**
 * What one figure is to another. Of rounds that were taken side by side it is the median of their ratios: what else
 * the machine did fell on both of a round, or spoilt that round alone.
 */
export function ratio(figure: Spread, to: Spread, sideBySide: boolean): number {
  if (!sideBySide) return figure.median / to.median;
  const common = Math.min(figure.rounds.length, to.rounds.length);
  return median(figure.rounds.slice(0, common).map((value, round) => value / to.rounds[round]!));
}

/** A point of a measurement: how much was asked for, and what it cost. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The straight line that fits some points best, and how well: an `r2` of 1 says that all are on it. */
export interface Line {
  readonly slope: number;
  readonly intercept: number;
  readonly r2: number;
}

/** Fits a line by least squares; `undefined` for fewer than two places on the x axis. */
export function fitLine(points: readonly Point[]): Line | undefined {
  const mean = (of: (point: Point) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [middleX, middleY] = [mean(({ x }) => x), mean(({ y }) => y)];
  const spreadX = mean(({ x }) => (x - middleX) ** 2);
  const spreadY = mean(({ y }) => (y - middleY) ** 2);
  if (!(spreadX > 0)) return undefined;
  const slope = mean(({ x, y }) => (x - middleX) * (y - middleY)) / spreadX;
  return {
    slope,
    intercept: middleY - slope * middleX,
    r2: spreadY === 0 ? 1 : slope ** 2 * spreadX / spreadY,
  };
}
