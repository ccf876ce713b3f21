/** Remembers what was made, as long as nothing that it was made by has changed. */

import type { Made } from "./toolchains.ts";

/** The file in a contender's directory that tells what is there. */
const FILE = "made.json";

/** What is in a directory, if it was made by these very files; otherwise it is made now. */
export async function remembered(
  directory: string,
  by: readonly string[],
  make: () => Promise<Made>,
): Promise<Made> {
  const key = await digest(by);
  try {
    const { key: before, made } = JSON.parse(await Deno.readTextFile(`${directory}/${FILE}`));
    if (before === key) return made;
  } catch {
    // It is made for the first time, or was not finished.
  }
  const made = await make();
  await Deno.writeTextFile(`${directory}/${FILE}`, JSON.stringify({ key, made }));
  return made;
}

async function digest(files: readonly string[]): Promise<string> {
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(file)));
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(texts.join("\0")));
  return new Uint8Array(bytes).toHex();
}
