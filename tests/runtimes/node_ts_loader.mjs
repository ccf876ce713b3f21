/** The loader that node_ts.mjs registers. Node runs it in a thread of its own, hence a file of its own. */

import { readFile } from "node:fs/promises";

export async function load(url, context, next) {
  if (!/^file:.*\.ts(\?|$)/.test(url)) return next(url, context);
  return { format: "module", source: await readFile(new URL(url)), shortCircuit: true };
}
