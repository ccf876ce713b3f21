/** `kilter serve` that takes new code while it serves. */

import { rename, rm, writeFile } from "node:fs/promises";
import { assertEquals, assertMatch, test } from "../../harness.ts";
import { GREETING, mail } from "../../mta_commands.ts";
import type { MtaPlayer } from "../../mta_player.ts";
import { LIBRARY, type Served, serveFiles } from "./served.ts";

/** A filter that refuses with a word that it imports. */
const FILTER = `
import { defineFilter, reject } from ${LIBRARY};
import { word } from "./word.ts";
export default defineFilter({ name: "teller", sees: ["mail"] }, async (session) => {
  await session.envelopeFrom();
  return reject("550 5.7.1 " + word);
});
`;

/** What the filter imports, with an import of its own. */
const WORDS: Readonly<Record<string, string>> = {
  "word.ts": `import { deep } from "./deep.ts";\nexport const word = "first " + deep;`,
  "deep.ts": `export const deep = "one";`,
};

const WATCHING = { args: ["-l", "inet:0@127.0.0.1", "--watch"] } as const;

/** What the filter says to a message now. */
async function ask(mta: MtaPlayer): Promise<string | undefined> {
  return (await mta.play([mail("<a@example.com>")])).at(-1)?.replace(/.*5\.7\.1 (.*)"/, "$1");
}

/** The same, on a connection of its own. */
async function askAnew(served: Served): Promise<string | undefined> {
  const mta = await served.connect();
  await mta.play(GREETING);
  return await ask(mta);
}

/** Waits until it has said so many things of this kind. */
async function saysTimes(served: Served, what: string, times: number): Promise<void> {
  await served.child.says(new RegExp(`(${what}[^]*){${times}}`));
}

test("kilter serve takes new code at SIGHUP, and connections that are open keep what they began with", async () => {
  await using served = await serveFiles({ "filter.ts": FILTER, ...WORDS });
  const old = await served.connect();
  await old.play(GREETING);
  assertEquals(await ask(old), "first one");
  for (const [times, deep] of ["two", "three"].entries()) {
    await served.write("deep.ts", `export const deep = "${deep}";`);
    assertEquals(await askAnew(served), times === 0 ? "first one" : "first two");
    served.child.signal("SIGHUP");
    await saysTimes(served, "reloaded", times + 1);
    assertEquals(await askAnew(served), `first ${deep}`);
    assertEquals(await ask(old), "first one");
  }
  assertMatch(served.child.err, /^kilter: reloaded; \d connections? on the code that was there before$/m);
});

test("kilter serve --watch takes new code when the module changes, or what it imports, however deep", async () => {
  await using served = await serveFiles({ "filter.ts": FILTER, ...WORDS }, WATCHING);
  await served.write("deep.ts", `export const deep = "two";`);
  await saysTimes(served, "reloaded", 1);
  assertEquals(await askAnew(served), "first two");

  // As many an editor writes: another file takes the place of the old one.
  await writeFile(served.directory.file("new"), `export const word = "second";`);
  await rename(served.directory.file("new"), served.directory.file("word.ts"));
  await saysTimes(served, "reloaded", 2);
  assertEquals(await askAnew(served), "second");

  await served.write("filter.ts", FILTER.replace("word.ts", "other.ts"));
  await saysTimes(served, "error: Cannot load", 1);
  await served.write("other.ts", `export const word = "third";`);
  await saysTimes(served, "reloaded", 3);
  assertEquals(await askAnew(served), "third");

  // No longer imported: nothing comes of it.
  await served.write("deep.ts", "nonsense (");
  await served.write("other.ts", `export const word = "fourth";`);
  await saysTimes(served, "reloaded", 4);
  assertEquals(await askAnew(served), "fourth");
  assertEquals(served.child.err.match(/Cannot load/g)?.length, 1);
});

test("kilter serve tells of a version that is broken, goes on with the old one, and takes one that is mended", async () => {
  await using served = await serveFiles({ "filter.ts": FILTER, ...WORDS }, WATCHING);
  const broken = [
    ["word.ts", "export const word = (;"],
    ["word.ts", `throw new Error("not today");\nexport const word = 1;`],
    ["word.ts", "export const other = 1;"],
  ] as const;
  for (const [times, [name, text]] of broken.entries()) {
    await served.write(name, text);
    await saysTimes(served, "goes on\n", times + 1);
    assertEquals(await askAnew(served), "first one");
  }
  await rm(served.directory.file("word.ts"));
  await saysTimes(served, "goes on\n", broken.length + 1);
  assertEquals(await askAnew(served), "first one");
  await served.write("word.ts", `export const word = "mended";`);
  await saysTimes(served, "reloaded", 1);
  assertEquals(await askAnew(served), "mended");
  assertMatch(
    served.child.err,
    /^kilter: error: Cannot load .*: not today \(.*word\.ts:1:\d+\); what was loaded before goes on$/m,
  );
});

test("kilter serve keeps a package's own state when it takes new code", async () => {
  // `MilterError` of the library is the same to old code and new.
  const filter = `
import { MilterError, reject } from ${LIBRARY};
globalThis.seen ??= [];
globalThis.seen.push(MilterError);
export default () => reject("550 5.7.1 " + (new Set(globalThis.seen).size) + " of " + globalThis.seen.length);
`;
  await using served = await serveFiles({ "filter.ts": filter });
  served.child.signal("SIGHUP");
  await saysTimes(served, "reloaded", 1);
  const mta = await served.connect();
  assertEquals(await mta.say("connect"), ['replyCode "550 5.7.1 1 of 2"']);
});
