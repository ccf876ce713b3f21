/** How something grows. */

import { median } from "../bench/statistics.ts";

/** A figure at some time. */
export interface Sample {
  /** How many messages there had been. */
  readonly messages: number;
  readonly bytes: number;
}

export interface Trend {
  /** Bytes a message, by least squares. */
  readonly slope: number;
  /** How far off the slope may be, in 19 of 20 cases. */
  readonly error: number;
  /** The medians of the first and of the second half. */
  readonly halves: readonly [number, number];
}

/** The trend of samples, in the order of time. */
export function trendOf(samples: readonly Sample[]): Trend {
  const count = samples.length;
  const mean = (of: (sample: Sample) => number) =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / count;
  const [x, y] = [mean(({ messages }) => messages), mean(({ bytes }) => bytes)];
  const spread = mean(({ messages }) => (messages - x) ** 2);
  const slope = mean(({ messages, bytes }) => (messages - x) * (bytes - y)) / spread;
  const residue = mean(({ messages, bytes }) => (bytes - y - slope * (messages - x)) ** 2);
  const half = (part: readonly Sample[]) => median(part.map(({ bytes }) => bytes));
  return {
    slope,
    error: 1.96 * Math.sqrt(residue / spread / (count - 2)),
    halves: [half(samples.slice(0, count >> 1)), half(samples.slice(count >> 1))],
  };
}

/** Whether what grows may, for all that is known, grow by no more than this. */
export function isFlat({ slope, error }: Trend, most: number): boolean {
  return slope - error < most;
}
