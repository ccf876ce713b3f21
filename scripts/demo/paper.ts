import process from "node:process";
import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** Colours only for a person at a terminal who has not asked for none (https://no-color.org). */
const coloured = process.stdout.isTTY === true && !process.env["NO_COLOR"];

/** Text in a style, where there are styles. */
export function paint(style: Style, text: string): string {
  return coloured ? styleText(style, text, { validateStream: false }) : text;
}

/** A numbered title. */
export function title(number: number, text: string): void {
  console.log(`\n${paint("bold", `${number}. ${text}`)}\n`);
}

/** A line of the conversation: what is said, by the side that says it. */
export function said(by: "mta" | "filter", text: string): void {
  const arrow = by === "mta" ? "MTA    →" : "       ← filter";
  const [first = "", ...more] = text.replaceAll("\t", "    ").split("\n");
  const indent = " ".repeat(19);
  console.log(`   ${paint(by === "mta" ? "cyan" : "yellow", arrow.padEnd(16))}${first}`);
  for (const line of more) console.log(indent + line);
}

/** Two texts, line by line: what went, what came, what stayed. */
export function diff(before: readonly string[], after: readonly string[]): void {
  let at = 0;
  for (const line of before) {
    const found = after.indexOf(line, at);
    if (found < 0) {
      console.log(paint("red", `   - ${line}`));
      continue;
    }
    for (const added of after.slice(at, found)) console.log(paint("green", `   + ${added}`));
    console.log(`     ${line}`.trimEnd());
    at = found + 1;
  }
  for (const added of after.slice(at)) console.log(paint("green", `   + ${added}`));
}
