/** The package as npm's registry gets it: one compressed file. */

import { npm, run } from "../npm.ts";
import { type Contents, packageProblems } from "./contents.ts";
import { filesBelow } from "./files.ts";
import type { Manifest } from "./manifest.ts";

/** A packed package. */
export interface Tarball {
  readonly path: string;
  /** Its own size, in bytes. */
  readonly size: number;
  /** How many files it holds. */
  readonly files: number;
  /** The size of what it holds, in bytes. */
  readonly unpacked: number;
  /** How much of that are source maps, in bytes. */
  readonly maps: number;
}

/**
 * Packs a built package into a directory, and looks into what came out.
 *
 * @throws {Error} that says all that is wrong with it.
 */
export async function packNpm(built: string, directory: string, manifest: Manifest): Promise<Tarball> {
  await npm(["pack", "--silent", "--ignore-scripts", "--pack-destination", directory], built);
  const path = `${directory}/${manifest.name.replace("@", "").replace("/", "-")}-${manifest.version}.tgz`;
  const contents = await unpack(path);
  const problems = packageProblems(contents, manifest);
  if (problems.length > 0) throw new Error(`Cannot use package:\n${problems.join("\n")}`);
  return {
    path,
    size: (await Deno.stat(path)).size,
    files: contents.size,
    unpacked: sizeOf([...contents.values()]),
    maps: sizeOf([...contents].filter(([path]) => path.endsWith(".map")).map(([, text]) => text)),
  };
}

function sizeOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + new TextEncoder().encode(text).length, 0);
}

async function unpack(tarball: string): Promise<Contents> {
  const directory = await Deno.makeTempDir({ prefix: "kilter-tarball-" });
  try {
    await run("tar", ["-xzf", tarball, "--strip-components=1"], directory);
    const paths = await filesBelow(directory);
    return new Map(
      await Promise.all(
        paths.map(async (path) => [path, await Deno.readTextFile(`${directory}/${path}`)] as const),
      ),
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
