/**
 * Builds npm's package from the sources: `deno run -A scripts/build_npm.ts [directory]`, by default `npm/`.
 *
 * dnt builds it. On a machine that JSR does not answer dnt cannot be loaded, and `deno pack` takes its place. Both
 * give ES modules with declarations and source maps, under the entry points that deno.json has; scripts/check_npm.ts
 * judges what either gives.
 */

import { binOf, binScript } from "./package/bin.ts";
import { buildByDnt, DNT_FOLDER, loadDnt } from "./package/by_dnt.ts";
import { buildByPack, PACK_FOLDER } from "./package/by_pack.ts";
import { readManifest } from "./package/manifest.ts";
import { packageJson } from "./package/package_json.ts";
import { findRepository } from "./package/repository.ts";
import { PEERS, specifierOf } from "./peers.ts";

const ROOT: string = new URL("..", import.meta.url).pathname.replace(/\/$/, "");

/** Copied as they are. */
const PAPERS: readonly string[] = ["README.md", "LICENSE", "CHANGELOG.md"];

/** Builds the package of a project into a directory, emptied before, and returns the name of the builder. */
export async function buildNpm(directory: string, root: string = ROOT): Promise<"dnt" | "deno pack"> {
  await Deno.remove(directory, { recursive: true }).catch(() => {}); // There was none.
  await Deno.mkdir(directory, { recursive: true });
  const manifest = await readManifest(root);
  const dnt = await loadDnt();
  const folder = dnt === undefined ? PACK_FOLDER : DNT_FOLDER;
  const about = packageJson(manifest, { folder, peers: PEERS, repository: await findRepository(root) });
  if (dnt === undefined) await buildByPack(root, directory);
  else {
    const packages = Object.fromEntries(
      Object.entries(PEERS).map(([name, version]) => [specifierOf(name), { name, version }]),
    );
    await buildByDnt(dnt, { root, manifest, about, packages }, directory);
  }
  await Deno.writeTextFile(`${directory}/package.json`, `${JSON.stringify(about, null, 2)}\n`);
  const bin = binOf(manifest);
  if (bin !== undefined) {
    await Deno.mkdir(`${directory}/bin`);
    await Deno.writeTextFile(`${directory}/${bin.path}`, binScript(manifest, folder));
    await Deno.chmod(`${directory}/${bin.path}`, 0o755);
  }
  for (const paper of PAPERS) await Deno.copyFile(`${root}/${paper}`, `${directory}/${paper}`);
  return dnt === undefined ? "deno pack" : "dnt";
}

if (import.meta.main) {
  const directory = Deno.args[0] ?? `${ROOT}/npm`;
  const builder = await buildNpm(directory);
  if (builder !== "dnt") console.warn("@deno/dnt does not load: JSR does not answer.");
  const { name, version } = await readManifest(ROOT);
  console.log(`Built ${name} ${version} in ${directory} by ${builder}`);
}
