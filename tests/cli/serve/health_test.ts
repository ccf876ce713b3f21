/** `kilter serve --health`: what probes are told from its beginning to its end. */

import { writeFile } from "node:fs/promises";
import { assertEquals, assertMatch, assertRejects, tempDir, test } from "../../harness.ts";
import { request } from "../../http.ts";
import { CONVERSATION } from "../../mta_commands.ts";
import { kilter } from "../captured.ts";
import { RunningCommand, type WatchedTerminal } from "../running.ts";
import { LIBRARY, type Served, serveFiles, startServing } from "./served.ts";

const WAIT = `
import { existsSync } from "node:fs";
import { accept } from ${LIBRARY};
const until = async (file) => {
  console.error("waiting");
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20));
};
`;

/** Where the health check of a server is. */
async function healthOf(served: Served): Promise<string> {
  const [, address = ""] = await served.child.says(/^kilter: health check on (?:http:\/\/)?(\S+): /m);
  return address;
}

/** What `/readyz` tells, after its code. */
async function readiness(address: string): Promise<[number, Readonly<Record<string, unknown>>]> {
  const { status, body } = await request(address, "/readyz");
  return [status, JSON.parse(body)];
}

/** How many of a kind `/metrics` counts. */
async function counted(address: string, name: string): Promise<number> {
  const { body } = await request(address, "/metrics");
  const line = body.split("\n").find((line) => line.startsWith(`${name} `));
  return Number(line?.slice(name.length));
}

test("kilter serve --health is not ready while a module loads, is when it serves, and not while it drains", async () => {
  await using directory = await tempDir();
  const [load, gate] = [directory.file("load"), directory.file("gate")];
  const filter = `${WAIT}
    await until(${JSON.stringify(load)});
    export default async (session) => {
      await session.endOfMessage();
      await until(${JSON.stringify(gate)});
      return accept();
    };`;
  await using served = await startServing({ "filter.ts": filter }, {
    args: ["-l", `unix:${directory.file("s")}`, "--health", "127.0.0.1:0"],
  });
  const modules = [served.directory.file("filter.ts")];
  const address = await healthOf(served);
  await served.child.says(/waiting\n/);
  assertEquals(await readiness(address), [503, { status: "starting", modules }]);

  await writeFile(load, "");
  const [, where = ""] = await served.child.says(/serving .+ on (.*)\n/);
  const facts = { modules, addresses: [where] };
  assertEquals(await readiness(address), [200, { status: "ready", ...facts, connections: 0 }]);
  const mta = await served.connect(where);
  await mta.play(CONVERSATION.slice(0, -1));
  const answer = mta.say("endOfMessage");
  await served.child.says(/waiting\n[^]*waiting\n/);
  assertEquals(await readiness(address), [200, { status: "ready", ...facts, connections: 1 }]);
  assertEquals(await counted(address, "kilter_messages"), 1);

  served.child.signal("SIGTERM");
  await served.child.says(/kilter: stopping/);
  assertEquals(await readiness(address), [503, { status: "stopping", ...facts, connections: 1 }]);
  assertEquals((await request(address, "/healthz")).status, 200);
  await writeFile(gate, "");
  assertEquals(await answer, ["accept"]);
  assertEquals(await served.child.ended, 0);
  await assertRejects(() => request(address, "/healthz"));
});

test("kilter serve --health counts messages, and connections as they come and go", async () => {
  await using served = await serveFiles({
    "filter.ts": `import { reject } from ${LIBRARY};\nexport default () => reject();`,
  }, { args: ["-l", "inet:0@127.0.0.1", "--health", "127.0.0.1:0"] });
  const address = await healthOf(served);
  assertEquals(await counted(address, "kilter_connections_total"), 0);
  for (let client = 1; client <= 3; client++) {
    const mta = await served.connect();
    assertEquals(await mta.say("connect"), ["reject"]);
    assertEquals(await counted(address, "kilter_connections"), client);
    assertEquals(await counted(address, 'kilter_messages_total{verdict="reject",filter="filter"}'), client);
  }
});

test("kilter serve --health stays ready on the code that it has when a reload fails, and tells of it until one succeeds", async () => {
  const good = "export default () => {};";
  await using served = await serveFiles({ "filter.ts": good }, {
    args: ["-l", "inet:0@127.0.0.1", "--health", "127.0.0.1:0"],
  });
  const address = await healthOf(served);
  await served.write("filter.ts", "throw new Error('no database');");
  served.child.signal("SIGHUP");
  await served.child.says(/what was loaded before goes on\n/);
  const [code, { status, reloadFailed }] = await readiness(address);
  assertEquals([code, status], [200, "ready"]);
  assertMatch(String(reloadFailed), /^Cannot load \S+filter\.ts: .*no database/);
  await served.write("filter.ts", good);
  served.child.signal("SIGHUP");
  await served.child.says(/kilter: reloaded\n/);
  assertEquals("reloadFailed" in (await readiness(address))[1], false);
});

/** The command in this process, with a filter that does nothing, when it serves. */
async function serveHere(
  ...args: string[]
): Promise<AsyncDisposable & { readonly terminal: WatchedTerminal }> {
  const directory = await tempDir();
  const file = directory.file("filter.mjs");
  await writeFile(file, "export default () => {};");
  const command = new RunningCommand(["serve", file, "-l", `unix:${directory.file("s")}`, ...args]);
  await command.terminal.until(/serving |"listening"/);
  return {
    terminal: command.terminal,
    async [Symbol.asyncDispose]() {
      await command.stop();
      await directory[Symbol.asyncDispose]();
    },
  };
}

test("kilter serve --health answers on a Unix socket", async () => {
  await using directory = await tempDir();
  const where = `unix:${directory.file("health")}`;
  await using served = await serveHere("--health", where);
  await served.terminal.until(new RegExp(`^kilter: health check on ${where}: `, "m"));
  assertEquals((await readiness(where))[0], 200);
});

test("kilter serve --health ends with 3 and answers nobody when a module cannot be loaded", async () => {
  await using directory = await tempDir();
  const file = directory.file("filter.mjs");
  await writeFile(file, "throw new Error('no database');");
  const where = `unix:${directory.file("health")}`;
  const { code, err } = await kilter("serve", file, "-l", "inet:0@127.0.0.1", "--health", where);
  assertEquals(code, 3);
  assertMatch(err, /no database/);
  await assertRejects(() => request(where, "/healthz"));
});

test("kilter serve warns of a health check for others than this machine", async () => {
  for (const [host, warned] of [["0.0.0.0", true], ["127.0.0.1", false]] as const) {
    await using served = await serveHere("--health", `${host}:0`);
    const warning = /^kilter: warning: The health check on http:\/\/\S+ answers everybody who gets there/m;
    assertEquals(warning.test(served.terminal.err), warned);
  }
});

test("kilter serve --json tells where its health check is", async () => {
  await using served = await serveHere("--health", "127.0.0.1:0", "--json");
  const [line] = served.terminal.out.split("\n");
  const { event, address } = JSON.parse(line!);
  assertEquals(event, "health");
  assertEquals((await readiness(address.replace("http://", "")))[0], 200);
});
