/** Writes the documentation of the API as pages for a browser, into `api/`: `deno task api`. */

import { filesBelow } from "./package/files.ts";
import { importName, type Manifest, readManifest } from "./package/manifest.ts";
import { run } from "./npm.ts";

const ROOT: string = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
const DIRECTORY: string = `${ROOT}/api`;

async function main(): Promise<void> {
  const manifest = await readManifest(ROOT);
  await Deno.remove(DIRECTORY, { recursive: true }).catch(() => {}); // There was none.
  const options = ["--html", `--name=${manifest.name}`, `--output=${DIRECTORY}`];
  await run(Deno.execPath(), ["doc", ...options, ...Object.values(manifest.exports)], ROOT);
  for (const path of await filesBelow(DIRECTORY)) {
    if (!path.endsWith(".html")) continue;
    const text = await Deno.readTextFile(`${DIRECTORY}/${path}`);
    await Deno.writeTextFile(`${DIRECTORY}/${path}`, withImportNames(text, manifest));
  }
  console.log(`${DIRECTORY}/index.html`);
}

/** `deno doc` has examples import an entry point by the name that it has within the package. */
function withImportNames(page: string, manifest: Manifest): string {
  return Object.keys(manifest.exports).reduce((text, entryPoint) => {
    const name = entryPoint.replace("./", "");
    return text.replaceAll(
      `from &quot;${name}&quot;`,
      `from &quot;${importName(manifest, entryPoint)}&quot;`,
    );
  }, page);
}

if (import.meta.main) await main();
