/** The command as a program, for tests. It ends with the test that started it, whatever becomes of that. */

import process from "node:process";
import { endProcess } from "../../src/cli/ending.ts";
import { main } from "../../src/cli/mod.ts";

// The end of a terminal is for the command to see.
if (!process.stdin.isTTY) process.stdin.once("end", () => process.exit(99)).resume();
endProcess(await main(process.argv.slice(2)));
