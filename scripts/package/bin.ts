/** The command that npm's package brings, where deno.json has the entry point `./cli`. */

import type { Manifest } from "./manifest.ts";

/**
 * The entry point that the command runs: it exports `main(args): Promise<ExitCode>`; beside it, `ending.ts` exports
 * `endProcess(code)`.
 */
const CLI = "./cli";

/** A command of the package. */
export interface Bin {
  /** What it is called by. */
  readonly name: string;
  /** Its script, from the package's folder. */
  readonly path: string;
}

/** The command of a manifest, if it has one. */
export function binOf({ exports }: Manifest): Bin | undefined {
  return exports[CLI] === undefined ? undefined : { name: "kilter", path: "./bin/kilter.js" };
}

/** The text of the command's script, which lies in a folder of its own beside that of the modules. */
export function binScript({ exports }: Manifest, folder: string): string {
  const module = exports[CLI]!.replace("./", folder.replace("./", "../")).replace(/\.ts$/, ".js");
  const ending = module.replace(/[^/]+$/, "ending.js");
  return `#!/usr/bin/env node
import process from "node:process";
import { endProcess } from "${ending}";
import { main } from "${module}";

endProcess(await main(process.argv.slice(2)));
`;
}
