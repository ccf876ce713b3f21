/** Files, temporary directories and pauses for tests, on every runtime. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The bytes of a file. Name it by `new URL("./data.bin", import.meta.url)`. */
export async function readBytes(file: URL | string): Promise<Uint8Array> {
  const { buffer, byteOffset, byteLength } = await readFile(file);
  return new Uint8Array(buffer, byteOffset, byteLength); // A Buffer equals no Uint8Array.
}

/** The text of a file. Name it by `new URL("./data.txt", import.meta.url)`. */
export function readText(file: URL | string): Promise<string> {
  return readFile(file, "utf8");
}

/** A directory of a test's own, deleted with everything in it by `await using`. */
export interface TempDir extends AsyncDisposable {
  readonly path: string;
  /** The path of `name` in it. */
  file(name: string): string;
}

/** Makes a temporary directory. Its path is short enough for Unix sockets, which allow some 100 bytes. */
export async function tempDir(): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), "kilter-"));
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/** Resolves after so many milliseconds. */
export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
