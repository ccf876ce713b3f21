/** A report as Markdown that reads well as text, too. */

import { FIGURES, type Result, shown } from "./figures.ts";
import { type Growth, growthOf, GROWTHS } from "./growth.ts";
import { described } from "./machine.ts";
import type { Listed, Report } from "./report.ts";
import { type Judged, written } from "./targets.ts";
import { type Column, type Table, TABLES } from "./tables.ts";

/** A chart that goes with the tables: the file's name, and what it shows. */
export interface Illustration {
  readonly file: string;
  readonly title: string;
}

/** The whole report. */
export function markdown(report: Report, illustrations: readonly Illustration[]): string {
  return [
    "# Benchmark",
    conditions(report),
    ...targetSection(report),
    ...illustrations.map(({ file, title }) => `![${title}](${file})`),
    ...TABLES.flatMap((table) => section(table, report)),
    ...Object.values(GROWTHS).flatMap((growth) => growthSection(growth, report)),
    ...microSection(report),
    ...contenderSection(report),
  ].join("\n\n") + "\n";
}

/** A table of Markdown, its columns as wide as what is in them: the first on the left, the others on the right. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, at) => Math.max(3, head.length, ...rows.map((row) => row[at]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${
      cells.map((cell, at) => at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)).join(" | ")
    } |`;
  const rule = widths.map((width, at) => at === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`);
  return [line(heads), line(rule), ...rows.map(line)].join("\n");
}

function conditions({ began, seconds, mode, awake, pinned, commit, machine }: Report): string {
  return [
    `${began.slice(0, 16).replace("T", " ")} UTC, ${mode} measurement of ${
      Math.round(seconds / 60)
    } minutes,` +
    ` Kilter at ${commit}.`,
    `${described(machine)}.`,
    pinned
      ? "Where it is not said otherwise, the filter has one processor and the load generator another."
      : "Filter and load generator share the processors: there is no `taskset`, or only one processor.",
    awake ? "Both are kept awake." : "",
    "All contenders ran in turn in one session, each in a process of its own; figures are medians of the rounds.",
  ].filter((sentence) => sentence !== "").join("\n");
}

function targetSection({ targets }: Report): string[] {
  if (targets.every(({ measured }) => measured === undefined)) return [];
  const columns = [...new Set(targets.map(({ on }) => on))];
  const titles = [...new Set(targets.map(({ title }) => title))];
  const rows = titles.map((title) => {
    const ofTitle = targets.filter((target) => target.title === title);
    const cells = columns.map((column) => {
      const judged = ofTitle.find(({ on }) => on === column);
      if (judged === undefined) return "";
      const { measured } = judged;
      if (measured === undefined) return "not measured";
      return `${written(judged, measured.figure)} ${measured.met ? "✓" : "✗"}`;
    });
    return [title, boundsOf(ofTitle), ...cells];
  });
  return [
    "## Targets",
    "Of Kilter, on each runtime and on the best of them. Ratios of one course are medians of the rounds' ratios.",
    table(["", "target", ...columns], rows),
  ];
}

/** The bounds of a target: `at least 0.85`, or each with its runtime where they differ. */
function boundsOf(targets: readonly Judged[]): string {
  const [{ is, unit }] = targets as [Judged];
  const bounds = [...new Set(targets.map(({ bound }) => bound))].map((bound) => {
    const on = targets.filter((target) => target.bound === bound).map((target) => target.on);
    const value = `${bound} ${unit}`.trim();
    return on.length > 2 ? value : `${value} on ${on.join(" and ")}`;
  });
  return `${is} ${bounds.join(", ")}`;
}

function section({ title, about, columns }: Table, report: Report): string[] {
  const measured = columns.filter(({ course }) => report.results.some((result) => result.course === course));
  if (measured.length === 0) return [];
  const notes: string[] = [];
  const rows = report.contenders.flatMap((contender) => {
    const cells = measured.map((column) => cell(column, contender, report.results, notes));
    return cells.every((text) => text === "") ? [] : [[contender.title, ...cells]];
  });
  if (rows.length === 0) return [];
  return [
    `## ${title}`,
    about,
    table(["", ...measured.map((column) => column.title)], rows),
    ...notes.length === 0 ? [] : [notes.map((note, at) => `${at + 1}. ${note}`).join("\n")],
  ];
}

/** What stands in a table for a contender; what is to be said of it goes to the notes. */
function cell(
  { course, figure, spread = false }: Column,
  { name, title, missing }: Listed,
  results: readonly Result[],
  notes: string[],
): string {
  if (missing !== undefined) return "missing";
  const result = results.find((one) => one.course === course && one.contender === name);
  if (result === undefined) return "";
  const { remark, failed } = result;
  const note = failed ?? remark;
  let number = "";
  if (note !== undefined) {
    const text = `${title}: ${note}`;
    if (!notes.includes(text)) notes.push(text);
    number = ` (${notes.indexOf(text) + 1})`;
  }
  const value = result.figures[figure];
  if (value === undefined) return failed === undefined ? "" : `failed${number}`;
  const [middle, lowest, highest] = [value.median, value.lowest, value.highest].map((one) =>
    shown(figure, one)
  );
  return `${middle}${spread ? ` (${lowest}–${highest})` : ""}${number}`;
}

function growthSection(growth: Growth, { contenders, results }: Report): string[] {
  const rows = contenders.flatMap(({ name, title }) => {
    const { points, line } = growthOf(results, name, growth) ?? {};
    if (points === undefined || line === undefined) return [];
    return [[
      title,
      ...points.map(({ y }) => shown("processor", y)),
      line.intercept.toFixed(0),
      line.slope.toFixed(2),
      line.r2.toFixed(4),
    ]];
  });
  if (rows.length === 0) return [];
  const heads = growth.courses.map(({ x }) => `${x / growth.unit}`);
  return [
    `## ${growth.title}`,
    `Microseconds a message, for so many ${growth.of}; and the straight line that fits them best.`,
    table(["", ...heads, "at 0", "for each", "R²"], rows),
  ];
}

function microSection({ results }: Report): string[] {
  const rows = results.filter(({ course }) => course === "micro").map(({ contender, figures, failed }) => [
    contender,
    figures.iteration === undefined ? failed ?? "" : shown("iteration", figures.iteration.median),
  ]);
  if (rows.length === 0) return [];
  return [
    "## Parts of Kilter",
    `By \`deno bench\`, without a socket: ${FIGURES.iteration.unit} that three of four calls take at most.`,
    table(["", FIGURES.iteration.unit], rows),
  ];
}

function contenderSection({ contenders, leftOut }: Report): string[] {
  const rows = contenders.map(({ title, version, missing }) => [
    title,
    missing === undefined ? version ?? "" : `missing: ${missing}`,
  ]);
  const remarks = [
    ...contenders.flatMap(({ title, notes }) => notes.map((note) => `${title} ${note}.`)),
    ...leftOut,
  ];
  return [
    "## Contenders",
    table(["", "version"], rows),
    ...remarks.length === 0 ? [] : [remarks.map((line) => `- ${line}`).join("\n")],
  ];
}
