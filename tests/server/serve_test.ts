/** The server: where it listens, and how it ends. */

import { chmod, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import process from "node:process";
import {
  accept,
  type Address,
  defineFilter,
  type Filter,
  MilterError,
  reject,
  serve,
  type ServeOptions,
  type Server,
} from "../../mod.ts";
import { deferred } from "../deferred.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertRejects,
  assertStrictEquals,
  assertThrows,
  delay,
  runtime,
  tempDir,
  test,
} from "../harness.ts";
import { CONVERSATION, GREETING, mail, MESSAGE } from "../mta_commands.ts";
import { MtaPlayer, settle } from "../mta_player.ts";
import { socketWire } from "../wires.ts";

/** Less than the time that a shutdown gives to what is in progress. */
const PROMPT = { timeout: 5000 } as const;

const LOOPBACK = { listen: "inet:0@127.0.0.1" } as const;

/** An MTA that is connected to a server. */
async function connectTo({ address }: Server): Promise<MtaPlayer> {
  const mta = new MtaPlayer(await socketWire(address));
  await mta.negotiate();
  return mta;
}

/** A filter that holds each message at its end until it is let go. */
function holding(): { readonly filter: Filter; readonly go: () => void; readonly held: Promise<void> } {
  const [gate, reached] = [deferred(), deferred()];
  const filter: Filter = async (session) => {
    await session.endOfMessage();
    reached.resolve();
    await gate.promise;
    return accept();
  };
  return { filter, go: gate.resolve, held: reached.promise };
}

test("serve resolves when it listens, with the port that the system chose", async () => {
  const told: Address[] = [];
  await using server = await serve(() => reject(), {
    ...LOOPBACK,
    onListen: (address) => told.push(address),
  });
  assert("port" in server.address);
  assertGreater(server.address.port, 0);
  assertEquals([server.address.host, told], ["127.0.0.1", [server.address]]);
  await using mta = await connectTo(server);
  assertEquals(await mta.say("connect"), ["reject"]);
  assertEquals(server.connections, 1);
});

test("serve takes host names, objects and IPv6", async () => {
  for (const listen of ["inet:0@localhost", "localhost:0", { host: "127.0.0.1", port: 0 }] as const) {
    await using server = await serve(accept, { listen });
    await using mta = await connectTo(server);
    assertEquals(await mta.say("connect"), ["continue"]);
  }
});

test("serve refuses what it cannot use before it listens", async () => {
  const wrong: readonly (readonly [filter: unknown, options: unknown])[] = [
    [undefined, LOOPBACK],
    [{}, LOOPBACK],
    [accept, { listen: "inet:nowhere" }],
    [accept, { listen: undefined }],
    [accept, {}],
    [accept, { ...LOOPBACK, onError: "maybe" }],
  ];
  for (const [filter, options] of wrong) {
    await assertRejects(() => serve(filter as Filter, options as ServeOptions), TypeError);
  }
});

test("serve on an address in use fails with LISTEN, and says so", async () => {
  await using directory = await tempDir();
  for (const listen of ["inet:0@127.0.0.1", `unix:${directory.file("s")}`]) {
    await using server = await serve(accept, { listen });
    const error = await assertRejects(
      () => serve(accept, { listen: server.address }),
      MilterError,
      "the address is in use",
    );
    assertEquals(error.code, "LISTEN");
    // The one that was there is not disturbed.
    await using mta = await connectTo(server);
    assertEquals(await mta.say("connect"), ["continue"]);
  }
});

test("serve fails with LISTEN where it may not or cannot listen, and says why", async () => {
  await using directory = await tempDir();
  await writeFile(directory.file("file"), "precious");
  const closed = directory.file("closed");
  await writeFile(closed, "");
  const bad: readonly (readonly [listen: string, why: RegExp])[] = [
    [`unix:${directory.file("none")}/s`, /the path does not exist/],
    [`unix:${directory.file("file")}/s`, /the directory is none/],
    [`unix:${directory.file("file")}`, /there is a file that is no socket/],
    [`unix:${directory.path}`, /there is a file that is no socket/],
    ["inet:0@192.0.2.1", /this machine does not have the address/],
    ["inet:0@does-not-exist.invalid", /the host name is not known|lookup|Failed to listen/],
    [`unix:${directory.file("x".repeat(200))}`, /the path of \d+ bytes is over the limit of 10\d/],
  ];
  for (const [listen, why] of bad) {
    const error = await assertRejects(() => serve(accept, { listen }), MilterError, "Cannot listen on");
    assert(why.test(error.message), `${listen}: ${error.message}`);
    assertEquals(error.code, "LISTEN");
  }
  assertEquals(await readFile(directory.file("file"), "utf8"), "precious");
});

test("serve fails with LISTEN where permission is denied", {
  ignore: process.getuid?.() === 0 && "root is permitted everything",
}, async () => {
  await using directory = await tempDir();
  await chmod(directory.path, 0o500);
  try {
    const listen = `unix:${directory.file("s")}`;
    await assertRejects(() => serve(accept, { listen }), MilterError, "permission is denied");
  } finally {
    await chmod(directory.path, 0o700);
  }
});

test("serve makes a Unix socket with the mode that was asked for, and removes it at the end", async () => {
  await using directory = await tempDir();
  for (const mode of [0o600, 0o660, 0o666]) {
    const path = directory.file("s");
    const server = await serve(() => reject(), { listen: { path, mode } });
    assertEquals((await stat(path)).mode & 0o777, mode);
    assertEquals(server.address, { path, mode });
    {
      await using mta = await connectTo(server);
      assertEquals(await mta.say("connect"), ["reject"]);
    }
    await server.shutdown();
    await assertRejects(() => stat(path));
  }
});

test("serve takes the place of a socket file that nobody answers", async () => {
  await using directory = await tempDir();
  const path = directory.file("s");
  await leaveSocket(path);
  assert((await stat(path)).isSocket());
  await using server = await serve(accept, { listen: { path } });
  await using mta = await connectTo(server);
  assertEquals(await mta.say("connect"), ["continue"]);
});

test("serve leaves a link to a file alone", async () => {
  await using directory = await tempDir();
  await writeFile(directory.file("file"), "precious");
  await symlink(directory.file("file"), directory.file("link"));
  await assertRejects(() => serve(accept, { listen: { path: directory.file("link") } }), MilterError);
  assertEquals(await readFile(directory.file("link"), "utf8"), "precious");
});

/** Leaves a socket file behind, as a process that was killed does. */
async function leaveSocket(path: string): Promise<void> {
  const { spawn } = await import("node:child_process");
  const script = `require("node:net").createServer().listen(${
    JSON.stringify(path)
  }, () => console.log("up"))`;
  const args = runtime === "deno" ? ["eval", "--ext=cjs", script] : ["-e", script];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  child.kill("SIGKILL");
  await exited;
}

test("Server that shuts down lets messages in progress finish, and closes the rest", PROMPT, async () => {
  const { filter, go, held } = holding();
  const server = await serve(filter, LOOPBACK);
  const [busy, greeted, idle] = [await connectTo(server), await connectTo(server), await connectTo(server)];
  await busy.play(CONVERSATION.slice(0, -1));
  await greeted.play(GREETING);
  const verdict = busy.say("endOfMessage");
  await held;
  const done = server.shutdown();
  let finished = false;
  server.finished.then(() => finished = true);
  await Promise.all([greeted.readEnd(), idle.readEnd()]);
  await assertRejects(() => connectTo(server));
  assertEquals([server.connections, finished], [1, false]);
  go();
  assertEquals(await verdict, ["accept"]);
  await busy.readEnd();
  await Promise.all([done, server.finished]);
  assertEquals(server.connections, 0);
  for (const mta of [busy, greeted, idle]) await mta[Symbol.asyncDispose]();
});

test(
  "Server that shuts down lets a verdict that waits for the end of its message be said",
  PROMPT,
  async () => {
    const server = await serve((session) => {
      session.headers.append("X-New", "v");
      return accept();
    }, LOOPBACK);
    await using mta = await connectTo(server);
    await mta.play(CONVERSATION.slice(0, 4));
    const done = server.shutdown();
    await settle();
    assertEquals((await mta.play(CONVERSATION.slice(4))).slice(-2), [
      'endOfMessage: insertHeader 2147483647 "X-New" " v"',
      "endOfMessage: accept",
    ]);
    await mta.readEnd();
    await done;
  },
);

test("Server that shuts down does not wait for what the verdict has ended", PROMPT, async () => {
  const server = await serve(() => reject(), LOOPBACK);
  await using mta = await connectTo(server);
  assertEquals(await mta.say("connect"), ["reject"]);
  await server.shutdown();
  await mta.readEnd();
});

test(
  "Server that shuts down has what is not done in time answered by the policy, and nothing twice",
  PROMPT,
  async () => {
    let reason: unknown;
    const { filter, held, go } = holding();
    const server = await serve((session) => {
      session.signal.addEventListener("abort", () => reason = session.signal.reason);
      return filter(session);
    }, { ...LOOPBACK, onError: (error) => reject(`554 ${(error as MilterError).code}`) });
    await using mta = await connectTo(server);
    await mta.play(CONVERSATION.slice(0, -1));
    const verdict = mta.say("endOfMessage");
    await held;
    const done = server.shutdown({ timeout: 20 });
    assertEquals(await verdict, ['replyCode "554 CLOSING"']);
    assert(reason instanceof MilterError && reason.code === "CLOSING");
    go();
    await mta.readEnd();
    await done;
  },
);

test(
  "Server that shuts down has a message answered by the policy that begins meanwhile",
  PROMPT,
  async () => {
    const { filter, held, go } = holding();
    const server = await serve(filter, LOOPBACK);
    const [busy, between, fresh] = [
      await connectTo(server),
      await connectTo(server),
      await connectTo(server),
    ];
    await busy.play(CONVERSATION.slice(0, -1));
    const verdict = busy.say("endOfMessage");
    await held;
    await between.play(GREETING);
    const done = server.shutdown({ idle: 300 });
    // Whose filter has been waiting since CONNECT, who has not begun yet, and who goes on after a verdict.
    assertEquals(await between.play(MESSAGE), ["mail: tempfail"]);
    assertEquals(await fresh.play(CONVERSATION), ["connect: tempfail"]);
    go();
    assertEquals(await verdict, ["accept"]);
    assertEquals(await busy.play(MESSAGE), ["mail: tempfail"]);
    await between.say("abort");
    assertEquals(await between.play(MESSAGE), ["mail: tempfail"]);
    for (const mta of [busy, between, fresh]) await mta.readEnd();
    await done;
    for (const mta of [busy, between, fresh]) await mta[Symbol.asyncDispose]();
  },
);

test("Server.shutdown that is called again can shorten the time, and not lengthen it", PROMPT, async () => {
  const { filter, held } = holding();
  const server = await serve(filter, LOOPBACK);
  await using mta = await connectTo(server);
  await mta.play(CONVERSATION.slice(0, -1));
  const verdict = mta.say("endOfMessage");
  await held;
  const done = server.shutdown();
  server.shutdown({ timeout: 0 });
  server.shutdown({ timeout: 60_000 });
  assertEquals(await verdict, ["tempfail"]);
  await mta.readEnd();
  await done;
});

test("Server that shuts down does not wait for a peer that never reads its last answer", PROMPT, async () => {
  const { filter, held } = holding();
  const server = await serve(filter, LOOPBACK);
  await using mta = await connectTo(server);
  await mta.play(CONVERSATION.slice(0, -1));
  const verdict = mta.say("endOfMessage");
  await held;
  await server.shutdown({ timeout: 0 });
  assertEquals(await verdict, ["tempfail"]);
});

test("Server.shutdown may be called again, and is over once", async () => {
  const server = await serve(accept, LOOPBACK);
  const [one, other] = [server.shutdown(), server.shutdown({ timeout: 1 })];
  assertStrictEquals(one, other);
  await one;
  await server.shutdown();
  await server[Symbol.asyncDispose]();
  await server.finished;
});

test("Server shuts down when its signal aborts, and never starts if it has aborted", async () => {
  const controller = new AbortController();
  const server = await serve(accept, { ...LOOPBACK, signal: controller.signal });
  await using mta = await connectTo(server);
  controller.abort(new Error("enough"));
  await server.finished;
  await mta.readEnd();
  await assertRejects(() => serve(accept, { ...LOOPBACK, signal: controller.signal }), Error, "enough");
});

test("Server ends with the block that it is used in", async () => {
  let kept: Server;
  {
    await using server = await serve(accept, LOOPBACK);
    kept = server;
  }
  await kept.finished;
  await assertRejects(() => connectTo(kept));
});

test("Server serves 100 connections side by side, each at its own pace", { timeout: 20_000 }, async () => {
  const filter: Filter = async (session) => {
    const sender = (await session.envelopeFrom()).address;
    const [nth] = sender.split("@");
    if (Number(nth) % 3 === 0) await delay(Number(nth) % 7);
    if (Number(nth) % 5 === 0) return reject(`Not from ${sender}`);
    for await (const header of session.headers) if (header.name === "Subject") session.headers.delete(header);
    session.headers.append("X-Sender", sender);
    await session.body.collect();
    return accept();
  };
  await using server = await serve(filter, LOOPBACK);
  await Promise.all(Array.from({ length: 100 }, async (_, client) => {
    await using mta = await connectTo(server);
    await mta.play(GREETING);
    for (let message = 0; message < 3; message++) {
      const sender = `${client * 3 + message}@example.com`;
      const answers = await mta.play([mail(`<${sender}>`), ...MESSAGE.slice(1)]);
      if ((client * 3 + message) % 5 === 0) {
        assertEquals(answers, [`mail: replyCode "550 5.7.1 Not from ${sender}"`]);
      } else {
        assertEquals(answers.slice(-3), [
          'endOfMessage: changeHeader 1 "Subject" ""',
          `endOfMessage: insertHeader 2147483647 "X-Sender" " ${sender}"`,
          "endOfMessage: accept",
        ]);
      }
    }
  }));
});

test("Server frees its port and its process for a peer that never reads", async () => {
  await using server = await serve(accept, LOOPBACK);
  const silent = await socketWire(server.address);
  const plain = createServer();
  await server.shutdown();
  await new Promise<void>((resolve) => plain.listen({ ...server.address }, resolve));
  await new Promise((resolve) => plain.close(resolve));
  await silent.close();
});

test("Server.replace serves another filter to who connects from then on, and refuses what is none", async () => {
  const first = defineFilter({ name: "first", sees: ["mail"] }, () => reject("first"));
  await using server = await serve(first, LOOPBACK);
  await using old = await connectTo(server);
  server.replace(() => reject("second"));
  await using anew = await connectTo(server);
  // The first sees no client, the second does.
  assertEquals(await old.play(GREETING), []);
  assertEquals(await anew.say("connect"), ['replyCode "550 5.7.1 second"']);
  for (let message = 0; message < 2; message++) {
    assertEquals(await old.say("mail"), ['replyCode "550 5.7.1 first"']);
    assertEquals(await old.say("abort"), []);
  }
  assertThrows(() => server.replace(undefined as unknown as Filter), TypeError, "the filter is no function");
  await using last = await connectTo(server);
  assertEquals(await last.say("connect"), ['replyCode "550 5.7.1 second"']);
});
