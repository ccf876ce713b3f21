/** `kilter serve --workers`: as without them, by several processes. */

import { stat } from "node:fs/promises";
import process from "node:process";
import { activate, noPerl } from "../../activation.ts";
import { assert, assertEquals, assertMatch, assertRejects, delay, tempDir, test } from "../../harness.ts";
import { request } from "../../http.ts";
import { CONVERSATION, GREETING, mail, MESSAGE } from "../../mta_commands.ts";
import { kilter } from "../captured.ts";
import { LIBRARY, type Served, serveFiles, startServing } from "./served.ts";

/** Processes take a while to start, and a busy machine longer. */
const SLOW = { timeout: 60_000 } as const;

/** Refuses with its version and its process, and tells when it is loaded, and by which process. */
const teller = (version: string): string => `
import process from "node:process";
import { defineFilter, reject } from ${LIBRARY};
import { word } from "./word.ts";
console.error("loaded by " + process.pid);
export default defineFilter({ name: "teller", sees: ["mail"] }, async (session) => {
  await session.envelopeFrom();
  return reject("550 5.7.1 ${version} " + word + " " + process.pid);
});
`;

const FILES = { "filter.ts": teller("old"), "word.ts": `export const word = "one";` } as const;

const TWO = ["-l", "inet:0@127.0.0.1", "--workers", "2"] as const;

/** What the filter says to a message on a connection of its own, and in which process. */
async function ask(served: Served): Promise<{ readonly says: string; readonly pid: number }> {
  const mta = await served.connect();
  await mta.play(GREETING);
  const answer = (await mta.play([mail("<a@example.com>")])).at(-1) ?? "";
  await mta.wire.close();
  const [, says = "", pid = ""] = /5\.7\.1 (.*) (\d+)"$/.exec(answer) ?? [];
  return { says, pid: Number(pid) };
}

/** The processes that have loaded the filter, once they are so many. */
async function loadersOf(served: Served, count = 2): Promise<number[]> {
  await served.child.says(new RegExp(`(loaded by \\d+\n[^]*){${count}}`));
  return [...served.child.err.matchAll(/loaded by (\d+)/g)].map(([, pid]) => Number(pid));
}

test("kilter serve --workers has the same line for each message, whoever serves it", SLOW, async () => {
  await using served = await serveFiles(FILES, { args: TWO });
  await Promise.all(Array.from({ length: 20 }, async () => {
    const mta = await served.connect();
    await mta.play(GREETING);
    for (let message = 0; message < 5; message++) await mta.play([mail("<x@example.com>")]);
  }));
  served.child.signal("SIGTERM");
  assertEquals(await served.child.ended, 0);
  const lines = served.child.out.trimEnd().split("\n");
  assertEquals(lines.length, 100);
  for (const line of lines) {
    assertMatch(
      line,
      /^\S+Z reject +\d+ ms {2}NOQUEUE {2}client\.example\[192\.0\.2\.1\] {2}<x@example\.com> {2}550 5\.7\.1 old one \d+ by teller$/,
    );
  }
  assertMatch(
    served.child.err,
    /^loaded by \d+\nloaded by \d+\nkilter: serving \S+filter\.ts on inet:\d+@127\.0\.0\.1\nkilter: stopping.*\nkilter: stopped\n$/,
  );
});

test("kilter serve --workers --json tells all in lines of JSON", SLOW, async () => {
  await using served = await serveFiles(FILES, { args: [...TWO, "--json"] });
  const [pid = 0] = await loadersOf(served);
  await ask(served);
  // A worker that is killed may take with it what it has not told yet.
  await served.child.says(/"event":"message"/, "out");
  process.kill(pid, "SIGKILL");
  await served.child.says(/"workerReady"/, "out");
  served.child.signal("SIGTERM");
  assertEquals(await served.child.ended, 0);
  assertEquals(served.child.err.replaceAll(/loaded by \d+\n/g, ""), "");
  const told = served.child.out.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(
    [...new Set(told.map(({ event }) => event))],
    ["listening", "message", "workerDied", "workerReady", "stopping", "stopped"],
  );
  const { message, place, by, wait } = told.find(({ event }) => event === "workerDied");
  assertEquals([by, wait], ["SIGKILL", 250]);
  assertEquals(message, `worker ${place} (${pid}) died by SIGKILL; starting another in 0.3 s`);
});

test(
  "kilter serve --workers takes new code at SIGHUP by new processes, and tells of a broken version",
  SLOW,
  async () => {
    await using served = await serveFiles(FILES, { args: TWO });
    const before = await loadersOf(served);
    const old = await served.connect();
    await old.play(GREETING);
    await served.write("word.ts", "export const word = (;");
    served.child.signal("SIGHUP");
    await served.child.says(/^kilter: error: Cannot load .*; what was loaded before goes on$/m);
    assert(before.includes((await ask(served)).pid));
    await served.write("word.ts", `export const word = "two";`);
    served.child.signal("SIGHUP");
    await served.child.says(/^kilter: reloaded/m);
    assertEquals((await ask(served)).says, "old two");
    assertEquals(new Set(await loadersOf(served, 4)).size, 4);
    assertMatch(`${await old.play([mail("<a@example.com>")])}`, /old one/);
  },
);

test("kilter serve --workers --watch takes new code when a file changes", SLOW, async () => {
  await using served = await serveFiles(FILES, { args: [...TWO, "--watch"] });
  await served.write("word.ts", `export const word = "two";`);
  await served.child.says(/kilter: reloaded/);
  assertEquals((await ask(served)).says, "old two");
});

test(
  "kilter serve --workers lets messages in progress reach their verdict at SIGTERM, but not at a second",
  SLOW,
  async () => {
    const filter = `
export default async (session) => {
  await session.endOfMessage();
  console.error("holding");
  await new Promise(() => {});
};`;
    await using directory = await tempDir();
    const path = directory.file("s");
    await using served = await serveFiles({ "filter.ts": filter }, {
      args: ["-l", `unix:${path}`, "--mode", "600", "--workers", "2"],
    });
    assertEquals((await stat(path)).mode & 0o777, 0o600);
    const mta = await served.connect();
    await mta.play(CONVERSATION.slice(0, -1));
    const answer = mta.say("endOfMessage");
    await served.child.says(/holding\n/);
    served.child.signal("SIGTERM");
    await served.child.says(/^kilter: stopping/m);
    while (await stat(path).then(() => true, () => false)) await delay(20);
    served.child.signal("SIGTERM");
    assertEquals(await answer, ["tempfail"]);
    assertEquals(await served.child.ended, 3);
    assertMatch(served.child.err, /kilter: error: stopped: the time was up for 1 connection\n$/);
    await assertRejects(() => stat(path));
  },
);

test("workers whose supervisor is killed end, and leave the address to the next", SLOW, async () => {
  await using directory = await tempDir();
  const args = ["-l", `unix:${directory.file("s")}`, "--workers", "2"];
  await using served = await serveFiles(FILES, { args });
  const pids = await loadersOf(served);
  process.kill(served.child.pid, "SIGKILL");
  await served.child.ended;
  for (const pid of pids) {
    while (lives(pid)) await delay(20);
  }
  await using next = await serveFiles(FILES, { args });
  assertEquals((await ask(next)).says, "old one");
});

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("kilter serve --workers takes the socket that systemd has opened, whoever dies", {
  ...SLOW,
  ignore: noPerl && `tests of sockets that are passed: ${noPerl}`,
}, async () => {
  await using served = await serveFiles(FILES, { args: ["--workers", "2"], by: activate() });
  assertMatch(served.addresses.join(), /^inet:\d+@127\.0\.0\.1$/);
  const [pid = 0] = await loadersOf(served);
  process.kill(pid, "SIGKILL");
  await served.child.says(/serves\n/);
  assertEquals((await ask(served)).says, "old one");
  served.child.signal("SIGTERM");
  assertEquals(await served.child.ended, 0);
});

test(
  "kilter serve --workers --health tells of all workers as of one, and forgets none that has ended",
  SLOW,
  async () => {
    await using served = await serveFiles(FILES, { args: [...TWO, "--health", "127.0.0.1:0"] });
    const [, health = ""] = await served.child.says(/health check on http:\/\/(\S+):/);
    const connections = async (): Promise<number> => {
      const { body } = await request(health, "/metrics");
      return Number(/^kilter_connections_total (\d+)$/m.exec(body)?.[1]);
    };
    for (let one = 0; one < 6; one++) await ask(served);
    while (await connections() < 6) await delay(20); // Who is busy is counted as of the last time.
    const { status, body } = await request(health, "/readyz");
    const { workers, ...rest } = JSON.parse(body);
    assertEquals([status, rest.status, rest.addresses], [200, "ready", served.addresses]);
    assertEquals(workers.map(({ state }: { readonly state: string }) => state), ["serving", "serving"]);
    process.kill(workers[0].pid, "SIGKILL");
    await served.child.says(/serves\n/);
    assertEquals(await connections(), 6);
    await ask(served);
    served.child.signal("SIGHUP");
    await served.child.says(/reloaded/);
    while (await connections() < 7) await delay(20);
  },
);

test("kilter serve --workers listens on several addresses", SLOW, async () => {
  await using directory = await tempDir();
  const unix = `unix:${directory.file("s")}`;
  await using served = await serveFiles(FILES, { args: [...TWO, "-l", unix] });
  assertEquals(served.addresses.length, 2);
  for (const address of served.addresses) {
    const mta = await served.connect(address);
    await mta.play(GREETING);
    assertEquals((await mta.play(MESSAGE)).length, 1);
  }
});

test(
  "kilter serve --workers ends with 3 for a module that cannot be loaded, and says why once",
  SLOW,
  async () => {
    await using served = await startServing({ "filter.ts": "throw new Error('not today');" }, { args: TWO });
    assertEquals(await served.child.ended, 3);
    assertMatch(served.child.err, /^kilter serve: Cannot load \S+filter\.ts: not today \(\S+\)\n$/);
  },
);

test("kilter serve tells what is wrong with --workers and --kill-silent", async () => {
  const cases: readonly (readonly [args: readonly string[], says: string])[] = [
    [["--workers", "0"], '--workers must be a whole number from 1 to 1024, not "0"'],
    [["--workers", "many"], '--workers must be a whole number from 1 to 1024, not "many"'],
    [["--workers", "2", "--kill-silent", "0"], "--kill-silent must be a whole number from 1 to 86400"],
    [["--kill-silent", "9"], "--kill-silent is for --workers"],
  ];
  for (const [args, says] of cases) {
    const { code, err } = await kilter("serve", "filter.ts", "-l", "inet:0@127.0.0.1", ...args);
    assertEquals(code, 2);
    assert(err.includes(says), err);
  }
});

test("kilter serve --workers 2 --kill-silent ends a worker that its filter keeps busy", SLOW, async () => {
  await using served = await serveFiles({
    "filter.ts": `export default async (session) => {
      await session.envelopeFrom();
      while (true);
    };`,
  }, { args: [...TWO, "--kill-silent", "2"] });
  const mta = await served.connect();
  await mta.play(GREETING);
  await assertRejects(() => mta.play([mail("<a@example.com>")]));
  await served.child.says(
    /^kilter: warning: worker \d \(\d+\) has not answered for 2 s, and is ended for that\nkilter: error: worker \d \(\d+\) died by SIGKILL/m,
  );
});
