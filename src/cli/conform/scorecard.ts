import { type Address, formatAddress } from "../../adapters/address.ts";
import { cut, visible, wrap } from "../layout.ts";
import type { Style, Terminal } from "../terminal.ts";
import type { Outcome } from "./battery.ts";
import type { CaseGroup } from "./case.ts";
import type { Result } from "./examine.ts";

/** How an outcome is shown. */
const MARKS: Readonly<Record<Result["outcome"], readonly [mark: string, style: Style]>> = {
  passed: ["ok", "green"],
  fault: ["FAULT", "red"],
  "not applicable": ["n/a", "dim"],
};

/** Columns before the name of a case, and before what is told of it. */
const INDENT = { name: 9, about: 33 } as const;

/** All cases, with what they play. */
export function listing(groups: readonly CaseGroup[], { paint, columns }: Terminal): string {
  const width = INDENT.about - INDENT.name;
  const lines = groups.flatMap(({ title, cases }) => [
    paint("bold", title),
    ...cases.flatMap(({ name, about }) => {
      const [first = "", ...more] = wrap(about, columns - width - 2);
      return [
        `  ${paint("cyan", name.padEnd(width))}${first}`,
        ...more.map((line) => " ".repeat(width + 2) + line),
      ];
    }),
  ]);
  return `${lines.join("\n")}\n`;
}

/** The line of a case, and below it what went wrong. */
export function lineOf(result: Result, { paint, columns }: Terminal): string {
  const { name, about, outcome, why = "", rule } = result;
  const [mark, style] = MARKS[outcome];
  const told = outcome === "not applicable"
    ? paint("dim", `(${fit(why, columns - 2)})`)
    : fit(about, columns);
  const first = `  ${paint(style, mark.padEnd(INDENT.name - 2))}${
    name.padEnd(INDENT.about - INDENT.name)
  }${told}\n`;
  if (outcome !== "fault") return first;
  const lines = (text: string) => wrap(visible(text), columns - INDENT.name);
  return first + [
    ...lines(why).map((line) => paint("red", line)),
    ...lines(`Rule: ${rule}`).map((line) => paint("dim", line)),
  ].map((line) => `${" ".repeat(INDENT.name)}${line}\n`).join("");
}

function fit(text: string, columns: number): string {
  return cut(visible(text), columns - INDENT.about);
}

/** How many cases had which outcome. */
export function score(results: readonly Result[]): Readonly<Record<Result["outcome"], number>> {
  const count = (outcome: Result["outcome"]) => results.filter((result) => result.outcome === outcome).length;
  return { passed: count("passed"), fault: count("fault"), "not applicable": count("not applicable") };
}

/** The end of it: `57 of 60 passed, 3 faults, 20 not applicable, 4.2 s`. */
export function summary({ results, stopped, left }: Outcome, { paint }: Terminal): string {
  const { passed, fault, "not applicable": notApplicable } = score(results);
  const seconds = results.reduce((all, { milliseconds }) => all + milliseconds, 0) / 1000;
  const parts = [
    `${passed} of ${passed + fault} passed`,
    ...fault === 0 ? [] : [`${fault} ${fault === 1 ? "fault" : "faults"}`],
    ...notApplicable === 0 ? [] : [`${notApplicable} not applicable`],
    `${seconds.toFixed(1)} s`,
  ];
  const end = stopped === undefined
    ? ""
    : `It listens no more after ${stopped}: ${left} of the cases ${
      left === 1 ? "was" : "were"
    } not played.\n`;
  return `\n${paint(fault === 0 ? ["bold", "green"] : ["bold", "red"], parts.join(", "))}\n${end}`;
}

/** All of it for machines. */
export function json(address: Address, { results, stopped }: Outcome): string {
  const { passed, fault: faults, "not applicable": notApplicable } = score(results);
  const report = { address: formatAddress(address), passed, faults, notApplicable, stopped, cases: results };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}
