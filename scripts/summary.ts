/** What a run of the tests on several runtimes comes to, in words. */

import type { TestResult } from "./junit.ts";

/** What one runtime made of the tests. */
export interface Outcome {
  /** The runtime and its version. */
  readonly title: string;
  readonly seconds: number;
  readonly results: readonly TestResult[];
}

/** How to look at the outcomes. */
export interface SummaryOptions {
  /** Tests were chosen by name. Some runners skip the others, which then is no news. Default: `false`. */
  readonly filtered?: boolean;
  /** A runtime that could not be had is a failure. Default: `false`. */
  readonly strict?: boolean;
}

const COLUMNS = ["passed", "failed", "skipped"] as const;

/**
 * Sums up: the failures, the reasons to skip, what was not tested, a table, and as the last line the sum over
 * all runtimes: `615 passed, 0 failed`, followed by `, 3 skipped` if some were.
 */
export function summarize(
  outcomes: readonly Outcome[],
  missing: readonly string[],
  { filtered = false, strict = false }: SummaryOptions = {},
): { readonly text: string; readonly passed: boolean } {
  const shown = !filtered ? outcomes : outcomes.map(({ results, ...rest }) => ({
    ...rest,
    results: results.filter(({ outcome }) => outcome !== "skipped"),
  }));
  const all = shown.flatMap(({ results }) => results);
  const [passed, failures, skipped] = count(all);
  const failed = failures + (strict ? missing.length : 0);
  const text = [
    ...failureLines(shown),
    ...skipLines(all),
    ...missing.map((name) => `NOT TESTED on ${name}: it is neither here nor to be had from npm.`),
    "",
    ...table(shown),
    "",
    `${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`,
  ].join("\n");
  return { text, passed: failed === 0 && passed > 0 };
}

function count(results: readonly TestResult[]): [passed: number, failed: number, skipped: number] {
  const of = (wanted: TestResult["outcome"]): number =>
    results.filter(({ outcome }) => outcome === wanted).length;
  return [of("passed"), of("failed"), of("skipped")];
}

function failureLines(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ title, results }) =>
    results.filter(({ outcome }) => outcome === "failed").map(({ name }) => `FAILED on ${title}: ${name}`)
  );
}

/** One line for each reason, which the harness puts into the test's name. */
function skipLines(results: readonly TestResult[]): string[] {
  const times = new Map<string, number>();
  for (const { name, outcome } of results) {
    if (outcome !== "skipped") continue;
    const reason = name.match(/\(SKIPPED: (.*)\)$/s)?.[1] ?? name;
    times.set(reason, (times.get(reason) ?? 0) + 1);
  }
  return [...times].map(([reason, number]) => `SKIPPED ${number} times: ${reason}`);
}

function table(outcomes: readonly Outcome[]): string[] {
  const line = (title: string, cells: readonly (string | number)[]): string =>
    title.padEnd(16) + cells.map((cell) => String(cell).padStart(9)).join("");
  return [
    line("", [...COLUMNS, "seconds"]),
    ...outcomes.map(({ title, results, seconds }) => line(title, [...count(results), seconds.toFixed(1)])),
  ];
}
