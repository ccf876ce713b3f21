/** `kilter serve` that cannot begin: what it says, and its exit code. */

import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import process from "node:process";
import { assertEquals, assertMatch, tempDir, test } from "../../harness.ts";
import { kilter } from "../captured.ts";

const LISTEN = ["--listen", "inet:0@127.0.0.1"] as const;

test("kilter serve tells what is wrong with its arguments, and ends with 2", async () => {
  const cases: readonly (readonly [args: readonly string[], says: string])[] = [
    [[...LISTEN], "filter.ts … is missing"],
    [["filter.ts"], "--listen is missing, and systemd has passed no socket"],
    [
      ["filter.ts", "--listen", "inet:nowhere"],
      'Cannot use address "inet:nowhere": it must be inet:PORT@HOST, ',
    ],
    [
      ["filter.ts", "--listen", "inet:99999@127.0.0.1"],
      "Cannot use address: 99999 is no port from 0 to 65535",
    ],
    [["filter.ts", "--listen", "fd:1"], "Cannot use address: 1 is no descriptor from 3 on"],
    [["filter.ts", ...LISTEN, "--mode", "rw-"], '--mode must be three octal digits, such as 660, not "rw-"'],
    [["filter.ts", ...LISTEN, "--health", "nowhere"], '--health: Cannot use address "nowhere": it must be '],
    [
      ["filter.ts", ...LISTEN, "--on-error", "drop"],
      '--on-error must be one of tempfail, accept, reject, not "drop"',
    ],
    [
      ["filter.ts", ...LISTEN, "--drain-timeout", "soon"],
      "--drain-timeout must be a whole number from 0 to 86400",
    ],
    [["filter.ts", ...LISTEN, "--fast"], "Unknown option '--fast'"],
  ];
  for (const [args, says] of cases) {
    const { code, out, err } = await kilter("serve", ...args);
    assertEquals([code, out, err.startsWith(`kilter serve: ${says}`) ? says : err], [2, "", says]);
  }
});

test("kilter serve tells why a module cannot be served, and ends with 3", async () => {
  await using directory = await tempDir();
  await mkdir(directory.file("folder.js"));
  const cases: readonly (readonly [name: string, text: string | undefined, says: RegExp])[] = [
    ["missing.mjs", undefined, /there is no such file$/],
    ["folder.js", undefined, /it is no file$/],
    ["named.mjs", "export const filter = () => {};", /it has no default export: export default defineFilter/],
    ["object.mjs", "export default { filter() {} };", /its default export is no filter but an object$/],
    ["nothing.mjs", "export default null;", /its default export is no filter but null$/],
    [
      "throws.mjs",
      "const a = 1;\nthrow new RangeError('out of\\nrange');",
      /out of \(.*throws\.mjs:2:\d+\)$/,
    ],
    ["text.mjs", "throw 'a fit';", /it threw a fit$/],
    ["syntax.mjs", "export default (;", /syntax\.mjs:1/],
    ["broken_import.mjs", "import './syntax.mjs';", /syntax\.mjs:1/],
    ["import.mjs", "import './gone.mjs';\nexport default () => {};", /gone\.mjs/],
    ["package.mjs", "import 'no-such-package';", /no-such-package/],
  ];
  for (const [name, text, says] of cases) {
    if (text !== undefined) await writeFile(directory.file(name), text);
    const { code, out, err } = await kilter("serve", directory.file(name), ...LISTEN);
    assertEquals([code, out], [3, ""]);
    const [first = "", ...more] = err.trimEnd().split("\n");
    assertEquals(more, []);
    assertEquals(first.startsWith(`kilter serve: Cannot load ${directory.file(name)}: `), true, first);
    assertMatch(first, says);
  }
});

test("kilter serve says what to do where the runtime does not take TypeScript", async () => {
  await using directory = await tempDir();
  // The tests' own loader for older Nodes does not know this ending.
  await writeFile(directory.file("filter.mts"), "export default 1 as number;");
  const { code, err } = await kilter("serve", directory.file("filter.mts"), ...LISTEN);
  const takes = !("node" in process.versions) || "Deno" in globalThis || "Bun" in globalThis ||
    "typescript" in process.features && process.features.typescript !== false;
  assertEquals(code, 3);
  assertMatch(
    err,
    takes
      ? /its default export is no filter but a number\n$/
      : /Node [\d.]+ does not run TypeScript: use Node 22\.18 or later, Deno or Bun, or compile it to JavaScript first\n$/,
  );
});

test("kilter serve tells that an address is in use, listens nowhere, and ends with 3", async () => {
  await using directory = await tempDir();
  await writeFile(directory.file("filter.mjs"), "export default () => {};");
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const address = other.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const free = `unix:${directory.file("s")}`;
  for (const option of ["-l", "--health"]) {
    const ended = await kilter(
      "serve",
      directory.file("filter.mjs"),
      "-l",
      free,
      option,
      `inet:${port}@127.0.0.1`,
    );
    assertEquals(ended, {
      code: 3,
      out: "",
      err: `kilter serve: Cannot listen on inet:${port}@127.0.0.1: the address is in use\n`,
    });
  }
  const second = await kilter("serve", directory.file("filter.mjs"), "-l", free, "-l", "fd:1000");
  assertEquals([second.code, second.err], [
    3,
    "kilter serve: Cannot listen on fd:1000: there is no socket that listens\n",
  ]);
  await new Promise((resolve) => other.close(resolve));
});
