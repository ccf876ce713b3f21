import { mkdir, writeFile } from "node:fs/promises";
import { localFiles } from "../../../src/cli/serve/local_imports.ts";
import { assertEquals, tempDir, test } from "../../harness.ts";

/** Files, and what each names. */
const FILES: Readonly<Record<string, string>> = {
  "filter.ts": `
    import { a } from "./a.ts";
    import type { T } from './types.ts';
    export * from "./again.js";
    import "./effect.mjs";
    import {
      several,
      lines,
    } from "./deep/several.ts";
    const late = await import("./late.ts?with=query");
    const list = await readFile(new URL("./list.txt", import.meta.url), "utf8");
    import { noEnding } from "./no_ending";
    import { folder } from "./folder";
    import missing from "./missing.json" with { type: "json" };
    import { accept } from "@kilter/milter";
    import { join } from "node:path";
    import data from "https://example.com/from/"; // "./nothing"
    const text = "../text.ts";
  `,
  "a.ts": `import "./filter.ts"; import "../outside.ts";`,
  "types.ts": "",
  "again.js": "",
  "effect.mjs": "",
  "deep/several.ts": `import "./deeper.ts"; import "../a.ts";`,
  "deep/deeper.ts": "",
  "late.ts": "",
  "list.txt": `import "./not_code.ts"`,
  "no_ending.ts": "",
  "folder/index.js": "",
};

/** What belongs to them and is not there. */
const MISSING: readonly string[] = ["missing.json", "../outside.ts"];

test("localFiles finds what modules name by relative paths, whether it is there or not, and nothing else", async () => {
  await using directory = await tempDir();
  for (const [name, text] of Object.entries(FILES)) {
    await mkdir(directory.file(name.replace(/[^/]*$/, "")), { recursive: true });
    await writeFile(directory.file(name), text);
  }
  const found = await localFiles([directory.file("filter.ts")]);
  assertEquals(
    found.toSorted(),
    [...Object.keys(FILES), ...MISSING].map((name) => directory.file(name)).toSorted(),
  );
  assertEquals(await localFiles([directory.file("none.ts")]), [directory.file("none.ts")]);
});
