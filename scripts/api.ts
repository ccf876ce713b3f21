/** Writes the documentation of the API as pages for a browser, into `api/`: `deno task api`. */

import manifest from "../deno.json" with { type: "json" };
import { run } from "./npm.ts";

const ROOT: string = new URL("..", import.meta.url).pathname;

if (import.meta.main) {
  const { name, exports } = manifest;
  await run(
    Deno.execPath(),
    ["doc", "--html", `--name=${name}`, "--output=api", ...Object.values(exports)],
    ROOT,
  );
  console.log(`${ROOT}api/index.html`);
}
