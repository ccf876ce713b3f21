/** `kilter trace` changes nothing of what passes, and keeps nothing of it. */

import { readFile } from "node:fs/promises";
import { connect as openSocket, createServer } from "node:net";
import { accept } from "../../mod.ts";
import { encodeCommand, encodeReply } from "../../src/protocol/mod.ts";
import { assertBytes, concat, frame, latin1 } from "../bytes.ts";
import { deferred } from "../deferred.ts";
import {
  assertEquals,
  assertGreater,
  assertStringIncludes,
  delay,
  property,
  tempDir,
  test,
} from "../harness.ts";
import { body, commandOf, GREETING, type Line, MESSAGE } from "../mta_commands.ts";
import { bytesOf } from "./recordings.ts";
import { RunningCommand, WatchedTerminal } from "./running.ts";
import { ScriptedFilter } from "./scripted_filter.ts";
import { echoing, exchange, optionOf, serving, tagging, Trace } from "./tracing.ts";

property(
  "kilter trace changes no byte of whatever passes, and records all of it",
  { runs: 20 },
  async (random) => {
    await using directory = await tempDir();
    await using echo = await echoing();
    const file = directory.file("any.jsonl");
    await using trace = await Trace.to(echo.option, ["--save", file]);
    const packets = random.list(random.between(0, 6), () => {
      const content = random.bytes(random.pick([1, 2, 30, 3000]));
      if (random.chance()) content[0] = random.pick([..."OCHMRTLNBEUDAQKcarysphimbe+2-q"]).charCodeAt(0);
      return frame(content);
    });
    const nonsense = random.bytes(random.pick([0, 1, 3, 4, 5, 100, 70_000]));
    const sent = concat([...packets, nonsense]);
    assertBytes(await exchange(await trace.connect(), random.split(sent, random.between(1, 8))), sent);
    await trace.command.terminal.until(/= closed/);
    assertEquals((await trace.command.stop()).code, 0);
    const lines = await readFile(file, "utf8");
    assertBytes(bytesOf(lines, "mta"), sent);
    assertBytes(bytesOf(lines, "filter"), sent);
  },
);

test("kilter trace lets a side that has closed hear the other", async () => {
  await using filter = await ScriptedFilter.listen(() => ({
    packet: () => undefined,
    end: () => encodeReply({ type: "accept" }),
  }));
  await using trace = await Trace.to(filter.option);
  assertBytes(await exchange(await trace.connect(), [frame(latin1("Q"))]), encodeReply({ type: "accept" }));
});

test("kilter trace cuts the filter's connection when the MTA's breaks", async () => {
  const gone = deferred();
  const server = createServer((socket) =>
    void socket.on("error", () => {}).on("data", () => {}).on("close", () => gone.resolve())
  );
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as { port: number };
  {
    await using trace = await Trace.to(`inet:${port}@127.0.0.1`);
    const wire = await trace.connect();
    wire.write(frame(latin1("Q")));
    await trace.command.terminal.until(/quit/);
    wire.reset();
    await gone.promise;
    await trace.command.terminal.until(/= closed/);
  }
  await new Promise((closed) => server.close(closed));
});

test("kilter trace goes at the pace of a peer that does not read", async () => {
  await using echo = await echoing();
  await using trace = await Trace.to(echo.option, ["--quiet"]);
  const sent = concat(Array.from({ length: 600 }, (_, index) => frame(new Uint8Array(65_000).fill(index))));
  const socket = openSocket({ host: "127.0.0.1", port: trace.port });
  socket.pause();
  socket.end(sent);
  for (let before = -1; socket.writableLength !== before; await delay(200)) before = socket.writableLength;
  assertGreater(socket.writableLength, 5_000_000); // The buffers of the system hold the rest, in both directions.
  const chunks: Uint8Array[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  assertBytes(new Uint8Array(concat(chunks)), sent);
  const { err } = await trace.command.stop();
  assertStringIncludes(err, "1 connection; 600 packets from the MTA, 600 from the filter\n");
});

/** A terminal that takes nothing until it is told to. */
class SlowTerminal extends WatchedTerminal {
  #taken = deferred();
  #slow = true;

  room(): Promise<void> | undefined {
    return this.#slow && this.out.length > 1000 ? this.#taken.promise : undefined;
  }

  catchUp(): void {
    this.#slow = false;
    this.#taken.resolve();
  }
}

test("kilter trace waits for a slow terminal, keeps no mail in memory meanwhile, and loses no line", async () => {
  await using server = await serving(async (session) => {
    await session.body.collect({ limit: 100_000_000 });
    return accept();
  });
  const terminal = new SlowTerminal();
  await using trace = await Trace.to(optionOf(server), [], terminal);
  const socket = openSocket({ host: "127.0.0.1", port: trace.port });
  let answered = 0;
  socket.on("data", (chunk) => answered += chunk.length);
  const say = (line: Line) => socket.write(encodeCommand(commandOf(line)));
  for (const line of ["negotiate", ...GREETING, ...MESSAGE.slice(0, 5)] as Line[]) say(line);
  const chunk = body("x".repeat(65_000));
  const chunks = 600;
  for (let count = 0; count < chunks; count++) say(chunk);
  say("endOfMessage");
  // Until nothing moves any more: the rest of 39 MB is in the buffers of the system.
  for (let before = -1; socket.writableLength !== before; await delay(200)) before = socket.writableLength;
  assertGreater(socket.writableLength, 20_000_000);
  terminal.catchUp();
  await terminal.until(/< accept/);
  assertEquals(trace.out.match(/> body 65000 bytes/g)?.length, chunks);
  assertGreater(answered, 0);
  socket.destroy();
});

/** A terminal that nobody reads. */
class UnreadTerminal extends WatchedTerminal {
  readonly gone: Promise<Error> = Promise.resolve(new Error("EPIPE"));
}

test("kilter trace ends when nobody can read what it prints, unless it records", async () => {
  const unread = new RunningCommand(
    ["trace", "-l", "inet:0@127.0.0.1", "-f", "inet:1@127.0.0.1"],
    new UnreadTerminal(),
  );
  assertEquals((await unread.ended()).code, 0);
  await using directory = await tempDir();
  await using server = await serving(tagging);
  const file = directory.file("unread.jsonl");
  const trace = await Trace.to(optionOf(server), ["--save", file], new UnreadTerminal());
  assertEquals(await trace.converse(), "endOfMessage: accept");
  assertEquals((await trace.command.stop()).code, 0);
});
