/** Two copies of the library in one process: one serves, and a filter imports the other. */

import { cp } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import type * as library from "../../mod.ts";
import { compose, MilterError } from "../../mod.ts";
import { assert, assertEquals, tempDir, test } from "../harness.ts";
import { mail } from "../mta_commands.ts";
import { play } from "../mta_player.ts";

test("a filter that another copy of the library has defined is served with what it declares", async () => {
  await using directory = await tempDir();
  const root = new URL("../../", import.meta.url);
  await cp(new URL("src", root), directory.file("src"), { recursive: true });
  await cp(new URL("mod.ts", root), directory.file("mod.ts"));
  const copy: typeof library = await import(pathToFileURL(directory.file("mod.ts")).href);
  assert(copy.MilterError !== MilterError, "it is the same copy");

  const filter = copy.defineFilter({ name: "other", sees: ["mail"], edits: [] }, async (session) => {
    return (await session.envelopeFrom()).address === "no@example.com" ? copy.reject() : copy.accept();
  });
  for (const served of [filter, compose(filter), copy.compose(filter)]) {
    await using mta = await play(served);
    assertEquals(mta.agreement.actions, 0);
    assertEquals(await mta.say("connect"), []);
    assertEquals(await mta.say(mail("<no@example.com>")), ["reject"]);
  }
});
