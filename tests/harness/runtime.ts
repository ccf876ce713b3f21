/** Where the tests run. */

import process from "node:process";

/** The runtime that this test runs on. */
export const runtime: "deno" | "bun" | "node" = "Deno" in globalThis
  ? "deno"
  : "Bun" in globalThis
  ? "bun"
  : "node";

/** Prints a line that stands once in the output of a run, however many test files have reason to say it. */
export function tellOnce(line: string): void {
  const told = process.env["KILTER_TOLD"] ?? "";
  if (told.includes(line)) return;
  process.env["KILTER_TOLD"] = told + line + "\n";
  console.warn(line);
}
