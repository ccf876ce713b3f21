import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** A relative path where code names a module, or a file beside it: a comment that looks the same does no harm. */
const NAMED = /\b(?:from|import|import\s*\(|require\s*\(|new\s+URL\s*\()\s*(["'])(\.{1,2}\/[^"'\n]+)\1/g;

/** Files that name others. */
const SOURCE = /\.[cm]?[jt]sx?$/;

/** What Bun lets code leave out. */
const LEFT_OUT: readonly string[] = ["", ".ts", ".js", ".tsx", ".jsx", "/index.ts", "/index.js"];

/**
 * The files of some modules: they themselves, and all that they name by relative paths, and so on. They need not be
 * there: a file that is missing may come.
 */
export async function localFiles(modules: readonly string[]): Promise<string[]> {
  const files = new Set(modules);
  // A set gives in turn what is added while it is walked through.
  for (const file of files) {
    if (!SOURCE.test(file)) continue;
    for (const path of await pathsIn(file)) {
      const named = resolve(dirname(file), path);
      files.add(completed(named, isFile) ?? named);
    }
  }
  return [...files];
}

/** The first file that a path without its ending may stand for. */
export function completed(path: string, isThere: (file: string) => boolean): string | undefined {
  return LEFT_OUT.map((ending) => path + ending).find(isThere);
}

async function pathsIn(file: string): Promise<string[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return [...text.matchAll(NAMED)].map(([, , path = ""]) => path.replace(/[?#].*$/, ""));
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
