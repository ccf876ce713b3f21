/** The command `kilter` as a program, on every runtime. */

import process from "node:process";
import { endProcess } from "../../src/cli/ending.ts";
import { main } from "../../src/cli/mod.ts";

endProcess(await main(process.argv.slice(2)));
