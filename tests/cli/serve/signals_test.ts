/** `kilter serve` that is told to end. */

import { stat, writeFile } from "node:fs/promises";
import { assertEquals, assertMatch, assertRejects, tempDir, test } from "../../harness.ts";
import { CONVERSATION, GREETING } from "../../mta_commands.ts";
import { RunningCommand } from "../running.ts";
import { LIBRARY, type Served, serveFiles } from "./served.ts";

/** Holds each message at its end until there is a file, and tells that it does. */
const holding = (gate: string) => `
import { existsSync } from "node:fs";
import { accept } from ${LIBRARY};
export default async (session) => {
  await session.endOfMessage();
  console.error("holding");
  while (!existsSync(${JSON.stringify(gate)})) await new Promise((resolve) => setTimeout(resolve, 20));
  return accept();
};
`;

/** A message that the filter holds. */
async function holdOne(served: Served): Promise<{ readonly answer: Promise<string[]> }> {
  const mta = await served.connect();
  await mta.play(CONVERSATION.slice(0, -1));
  const answer = mta.say("endOfMessage");
  answer.catch(() => {}); // Told to whoever awaits it.
  await served.child.says(/holding\n/);
  return { answer };
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`kilter serve lets messages in progress reach their verdict at ${signal}, and ends with 0`, async () => {
    await using directory = await tempDir();
    const [gate, path] = [directory.file("gate"), directory.file("s")];
    await using served = await serveFiles({ "filter.ts": holding(gate) }, { args: ["-l", `unix:${path}`] });
    const { answer } = await holdOne(served);
    const idle = await served.connect();
    await idle.play(GREETING);
    served.child.signal(signal);
    await served.child.says(/^kilter: stopping: 2 connections, 10 s to finish a message$/m);
    await idle.readEnd();
    await assertRejects(() => served.connect());
    await writeFile(gate, "");
    assertEquals(await answer, ["accept"]);
    assertEquals(await served.child.ended, 0);
    assertMatch(served.child.err, /kilter: stopped\n$/);
    assertMatch(served.child.out, /^\S+ accept .*\n$/);
    await assertRejects(() => stat(path));
  });
}

test("kilter serve lets --on-error answer what is not done within --drain-timeout, says so, and ends with 3", async () => {
  await using directory = await tempDir();
  await using served = await serveFiles({ "filter.ts": holding(directory.file("gate")) }, {
    args: ["-l", "inet:0@127.0.0.1", "--drain-timeout", "0"],
  });
  const { answer } = await holdOne(served);
  served.child.signal("SIGTERM");
  assertEquals(await answer, ["tempfail"]);
  assertEquals(await served.child.ended, 3);
  assertMatch(served.child.err, /^kilter: error: stopped: the time was up for 1 connection$/m);
});

test("kilter serve waits no longer at a second signal, and ends with 3", async () => {
  await using directory = await tempDir();
  await using served = await serveFiles({ "filter.ts": holding(directory.file("gate")) });
  const { answer } = await holdOne(served);
  served.child.signal("SIGTERM");
  await served.child.says(/kilter: stopping/);
  served.child.signal("SIGINT");
  assertEquals(await answer, ["tempfail"]);
  assertEquals(await served.child.ended, 3);
  assertMatch(served.child.err, /^kilter: stopping at once: 1 connection$/m);
  assertMatch(served.child.err, /kilter: error: stopped: the time was up for 1 connection\n$/);
});

test("kilter serve ends though the filter has left a timer", async () => {
  await using served = await serveFiles({
    "filter.ts": "setInterval(() => {}, 1000);\nexport default () => {};",
  });
  served.child.signal("SIGTERM");
  assertEquals(await served.child.ended, 0);
});

test("kilter serve that is told to reload while it stops still stops", async () => {
  await using directory = await tempDir();
  const gate = directory.file("gate");
  await using served = await serveFiles({ "filter.ts": holding(gate) });
  const { answer } = await holdOne(served);
  served.child.signal("SIGTERM");
  await served.child.says(/kilter: stopping/);
  served.child.signal("SIGHUP");
  await served.child.says(/kilter: reloaded/);
  await writeFile(gate, "");
  assertEquals(await answer, ["accept"]);
  assertEquals(await served.child.ended, 0);
});

test("kilter serve goes on when nobody reads what it prints", async () => {
  await using served = await serveFiles({ "filter.ts": "export default () => { throw new Error('no'); };" });
  served.child.stopReading();
  for (let client = 0; client < 3; client++) {
    const mta = await served.connect();
    assertEquals(await mta.say("connect"), ["tempfail"]);
  }
  served.child.signal("SIGTERM");
  assertEquals(await served.child.ended, 0);
});

test("main with kilter serve ends when its caller says so, and leaves nothing behind", async () => {
  await using directory = await tempDir();
  await writeFile(directory.file("filter.mjs"), "export default () => {};");
  for (const more of [[], ["--watch"]]) {
    await using command = new RunningCommand([
      "serve",
      directory.file("filter.mjs"),
      "-l",
      "inet:0@127.0.0.1",
      ...more,
    ]);
    await command.terminal.until(/serving/);
    const { code, err } = await command.stop();
    assertEquals(code, 0);
    assertMatch(err, /^kilter: serving .* on inet:\d+@127\.0\.0\.1\nkilter: stopping\nkilter: stopped\n$/);
  }
});
