/** Where the tests run. */

import process from "node:process";
import { fileURLToPath } from "node:url";

/** The runtime that this test runs on. */
export const runtime: "deno" | "bun" | "node" = "Deno" in globalThis
  ? "deno"
  : "Bun" in globalThis
  ? "bun"
  : "node";

/** The command that runs a program of ours in a process of its own, by the runtime that this test runs on. */
export function programCommand(program: URL): string[] {
  const args = runtime === "deno" ? ["run", "--allow-all", "--quiet"] : [];
  return [process.execPath, ...args, fileURLToPath(program)];
}

/** Prints a line that stands once in the output of a run, however many test files have reason to say it. */
export function tellOnce(line: string): void {
  const told = process.env["KILTER_TOLD"] ?? "";
  if (told.includes(line)) return;
  process.env["KILTER_TOLD"] = told + line + "\n";
  console.warn(line);
}
