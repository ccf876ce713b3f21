import process from "node:process";
import { setTimeout } from "node:timers";
import type { ExitCode } from "./exit_codes.ts";

/** How long what is still printed may take, in milliseconds. */
const GRACE = 500;

/**
 * Ends the process with this code when nothing is left to do; soon, whatever a filter has left open: a timer, a
 * connection to a database.
 */
export function endProcess(code: ExitCode): void {
  process.exitCode = code;
  // Bun ends without what it has not printed yet, unless somebody waits for it.
  for (const stream of [process.stdout, process.stderr]) stream.write("", () => {});
  setTimeout(() => process.exit(code), GRACE).unref();
}
