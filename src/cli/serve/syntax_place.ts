import { execFile } from "node:child_process";
import process from "node:process";

/** Where something stands in a file. */
export interface Place {
  readonly file: string;
  readonly line: number;
  /** Not told by Node. */
  readonly column?: number | undefined;
}

/**
 * Where the first of these files breaks the language's grammar. Node tells that to whoever looks at its standard
 * error when it dies, and not to whoever catches the error.
 */
export async function syntaxPlace(files: readonly string[]): Promise<Place | undefined> {
  if ("Deno" in globalThis || "Bun" in globalThis) return undefined; // They tell.
  for (const file of files) {
    if (!/\.[cm]?js$/.test(file)) continue;
    const said = await check(file);
    const [, line] = /^(?:file:\/\/)?\/.*:(\d+)$/m.exec(said) ?? [];
    if (line !== undefined) return { file, line: Number(line) };
  }
  return undefined;
}

/** What Node says of a file that it is only to look at. */
function check(file: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--check", file], (_error, _out, said) => resolve(said));
  });
}
