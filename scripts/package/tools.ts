/** The tools of others that judge the package, each run by Node from a directory of their own. */

import { run } from "../npm.ts";
import { install, makeProject } from "./project.ts";

/** A version of TypeScript, and what it is installed as. */
export interface Compiler {
  readonly name: string;
  readonly range: string;
}

/** The oldest TypeScript whose library has `AsyncDisposable`, the last one written in itself, and the newest. */
export const COMPILERS: Readonly<Record<"oldest" | "last5" | "newest", Compiler>> = {
  oldest: { name: "typescript-5.2", range: "~5.2" },
  last5: { name: "typescript-5", range: "^5.9" },
  newest: { name: "typescript-newest", range: "latest" },
};

/** Tools, each with its script. */
const SCRIPTS: Readonly<Record<string, string>> = {
  publint: "publint/src/cli.js",
  attw: "@arethetypeswrong/cli/dist/index.js",
  esbuild: "esbuild/bin/esbuild",
  ...Object.fromEntries(Object.values(COMPILERS).map(({ name }) => [name, `${name}/bin/tsc`])),
};

/** Runs a tool in a directory and returns what it prints. */
export type Tools = (tool: string, args: readonly string[], cwd: string) => Promise<string>;

/** Installs the tools. */
export async function installTools(path: string, node: string): Promise<Tools> {
  await makeProject(path);
  await install(path, [
    "publint@^0.3",
    "@arethetypeswrong/cli@^0.18",
    "esbuild@^0.28",
    ...Object.values(COMPILERS).map(({ name, range }) => `${name}@npm:typescript@${range}`),
  ]);
  return (tool, args, cwd) => run(node, [`${path}/node_modules/${SCRIPTS[tool]}`, ...args], cwd);
}
