/** The project's deno.json, as far as its packages are made from it. */

import { readFile } from "node:fs/promises";

/** What deno.json says of the package. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** Entry points, each with its module: `{ "./protocol": "./src/protocol/mod.ts" }`. */
  readonly exports: Readonly<Record<string, string>>;
}

/** Reads the manifest of a project by the path of its directory. */
export async function readManifest(root: string): Promise<Manifest> {
  return JSON.parse(await readFile(`${root}/deno.json`, "utf8"));
}

/** What an entry point is imported by: `"./protocol"` is `"@kilter/milter/protocol"`. */
export function importName({ name }: Manifest, entryPoint: string): string {
  return name + entryPoint.slice(1);
}
