/**
 * npm's package by Deno's own `deno pack`, for machines that JSR does not answer.
 *
 * It tells what belongs into the package, and gives types to the modules that the public types reach: others need
 * none. Its scripts keep the newest syntax, which Node 20 and 22 cannot read (`await using`), and its source maps the
 * paths of this machine: both are made anew from the sources, by TypeScript. Its package.json knows neither peers nor
 * a description: build_npm.ts writes another.
 */

import ts from "typescript";
import { run } from "../npm.ts";
import { filesBelow } from "./files.ts";

/** Where the modules lie in the package. */
export const PACK_FOLDER = "./";

/** Builds the modules of the project at `root` into a directory. */
export async function buildByPack(root: string, directory: string): Promise<void> {
  const tarball = `${directory}/.packed.tgz`;
  const options = ["--quiet", "--allow-dirty", "--no-source-maps"];
  await run(Deno.execPath(), ["pack", ...options, "--output", tarball], root);
  await run("tar", ["-xzf", tarball, "--strip-components=1"], directory);
  await Deno.remove(tarball);
  for (const path of await filesBelow(directory)) {
    if (!path.endsWith(".js")) continue;
    const source = path.replace(/\.js$/, ".ts");
    const { script, map } = lower(await Deno.readTextFile(`${root}/${source}`), source);
    await Deno.writeTextFile(`${directory}/${path}`, script);
    await Deno.writeTextFile(`${directory}/${path}.map`, map);
  }
}

/** A module as Node 20 can read it, and its map, which holds the source. */
function lower(text: string, fileName: string): { readonly script: string; readonly map: string } {
  const { outputText: script, sourceMapText: map = "" } = ts.transpileModule(text, {
    fileName,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
      sourceMap: true,
      inlineSources: true,
    },
  });
  return { script, map };
}
