import { assertMatch, readText, test } from "../harness.ts";

const ROOT = new URL("../../", import.meta.url);

const { exports }: { readonly exports: Readonly<Record<string, string>> } = JSON.parse(
  await readText(new URL("deno.json", ROOT)),
);

for (const [name, path] of Object.entries(exports)) {
  test(`the entry point ${name} begins with a doc of its module`, async () => {
    assertMatch(await readText(new URL(path, ROOT)), /^\/\*\*\n( \*.*\n)+? \* @module\n \*\//);
  });
}
