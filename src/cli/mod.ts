/**
 * The command `kilter`: serves filters, and plays the MTA to filters of any make.
 *
 * ```sh
 * kilter serve filter.ts --listen inet:8891@127.0.0.1
 * ```
 *
 * In the npm package it is a program; with Deno it is `deno run -A jsr:@kilter/milter/cli`.
 *
 * @module
 */

import process from "node:process";
import { parse, UsageError } from "./arguments.ts";
import { benchCommand } from "./bench.ts";
import { conformCommand } from "./conform.ts";
import { endProcess } from "./ending.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { helpOf, overview } from "./help.ts";
import { replayCommand } from "./replay.ts";
import { sendCommand } from "./send.ts";
import { serveCommand } from "./serve.ts";
import type { Subcommand } from "./subcommand.ts";
import { processTerminal, type Terminal } from "./terminal.ts";
import { traceCommand } from "./trace.ts";
import { VERSION } from "./version.ts";

export { EXIT, type ExitCode } from "./exit_codes.ts";
export type { Style, StyleName, Terminal } from "./terminal.ts";

/** All subcommands, in the order in which the help names them. */
const COMMANDS: readonly Subcommand[] = [
  serveCommand,
  sendCommand,
  traceCommand,
  replayCommand,
  conformCommand,
  benchCommand,
];

/** What a caller of {@linkcode main} may say. */
export interface MainOptions {
  /** Ends a command that runs until it is told to stop, as SIGTERM does. */
  readonly signal?: AbortSignal;
}

/**
 * Runs the command `kilter`, and resolves with its exit code: 0 accepted or done, 1 refused or different, 2 not
 * understood, 3 trouble. It prints, and never throws for what a user may get wrong.
 *
 * @param args The arguments, without the names of runtime and program.
 * @param terminal Where it prints; the terminal of this process by default.
 * @param options What else a caller may say.
 *
 * @example
 * ```ts
 * import { main } from "@kilter/milter/cli";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await main(["--version"]), 0);
 * ```
 */
export async function main(
  args: readonly string[],
  terminal: Terminal = processTerminal(),
  options: MainOptions = {},
): Promise<ExitCode> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    terminal.tell(overview(COMMANDS, terminal));
    return name === undefined ? EXIT.usage : EXIT.accepted;
  }
  if (name === "--version" || name === "-V") {
    terminal.tell(`kilter ${VERSION}\n`);
    return EXIT.accepted;
  }
  const command = COMMANDS.find((row) => row.name === name);
  if (command === undefined) {
    terminal.note(`kilter: there is no command "${name}"; see kilter --help\n`);
    return EXIT.usage;
  }
  return await run(command, rest, terminal, options);
}

async function run(
  command: Subcommand,
  args: readonly string[],
  terminal: Terminal,
  { signal }: MainOptions,
): Promise<ExitCode> {
  try {
    const given = parse(command, args);
    if (given !== undefined) return await command.run({ ...given, terminal, signal });
    terminal.tell(helpOf(command, terminal));
    return EXIT.accepted;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof UsageError) {
      terminal.note(`kilter ${command.name}: ${message}; see kilter ${command.name} --help\n`);
      return EXIT.usage;
    }
    terminal.note(`kilter ${command.name}: ${message}\n`);
    return EXIT.trouble;
  }
}

// No top-level await: `require()` takes no module that has one.
if (import.meta.main) main(process.argv.slice(2)).then(endProcess);
