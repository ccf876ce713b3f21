/**
 * npm's package by Deno's own `deno pack`, for machines that JSR does not answer.
 *
 * It gives a script for each module, and types for those that the public types reach: others need none. What it
 * leaves to be done is package.json, which knows neither peers nor description, and the source maps, which hold
 * the paths of this machine.
 */

import { run } from "../npm.ts";
import { filesBelow } from "./files.ts";
import { extractMap } from "./source_maps.ts";

/** Where the modules lie in the package. */
export const PACK_FOLDER = "./";

/** Builds the modules of the project at `root` into a directory. */
export async function buildByPack(root: string, directory: string): Promise<void> {
  const tarball = `${directory}/.packed.tgz`;
  await run(Deno.execPath(), ["pack", "--quiet", "--allow-dirty", "--output", tarball], root);
  await run("tar", ["-xzf", tarball, "--strip-components=1"], directory);
  await Deno.remove(tarball);
  for (const path of await filesBelow(directory)) {
    if (!path.endsWith(".js")) continue;
    const file = `${directory}/${path}`;
    const { script, map } = extractMap(await Deno.readTextFile(file), path);
    if (map === undefined) throw new Error(`Cannot build package: ${path} has no source map`);
    await Deno.writeTextFile(file, script);
    await Deno.writeTextFile(`${file}.map`, map);
  }
}
