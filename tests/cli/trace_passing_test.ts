/** `kilter trace` changes nothing of what passes, and keeps nothing of it. */

import { readFile } from "node:fs/promises";
import { connect as openSocket, createServer, type Socket } from "node:net";
import { accept } from "../../mod.ts";
import { encodeCommand, encodeReply } from "../../src/protocol/mod.ts";
import { assertBytes, concat, frame, latin1 } from "../bytes.ts";
import { deferred } from "../deferred.ts";
import {
  assertEquals,
  assertLess,
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
    await using trace = await Trace.to(echo.option, { args: ["--save", file] });
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

/** Sends pieces as fast as they are taken. */
class Sending {
  /** How many have been taken. */
  taken = 0;
  readonly done: Promise<void>;

  constructor(socket: Socket, pieces: readonly Uint8Array[]) {
    this.done = this.#send(socket, pieces);
  }

  async #send(socket: Socket, pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      if (!socket.write(piece)) await new Promise<void>((drained) => socket.once("drain", drained));
      this.taken++;
    }
  }
}

/** How many pieces were taken when no more are. */
async function standstill(sending: Sending): Promise<number> {
  for (let before = -1; sending.taken !== before; await delay(300)) before = sending.taken;
  return sending.taken;
}

test("kilter trace goes at the pace of a peer that does not read", async () => {
  await using directory = await tempDir();
  await using echo = await echoing({ path: directory.file("echo") });
  const path = directory.file("trace");
  await using trace = await Trace.to(echo.option, { args: ["--quiet"], listen: `unix:${path}` });
  const pieces = Array.from({ length: 200 }, (_, index) => frame(new Uint8Array(65_000).fill(index)));
  const socket = openSocket({ path });
  socket.pause();
  const sending = new Sending(socket, pieces);
  assertLess(await standstill(sending), 100); // They are in the buffers of the system, in both directions.
  const reading = (async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    return new Uint8Array(concat(chunks));
  })();
  await sending.done;
  socket.end();
  assertBytes(await reading, concat(pieces));
  const { err } = await trace.command.stop();
  assertStringIncludes(err, "1 connection; 200 packets from the MTA, 200 from the filter\n");
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
  await using directory = await tempDir();
  const path = directory.file("trace");
  await using trace = await Trace.to(optionOf(server), { terminal, listen: `unix:${path}` });
  const socket = openSocket({ path }).on("data", () => {});
  const chunk = body("x".repeat(65_000));
  const chunks = 200;
  const lines: Line[] = [
    ...["negotiate", ...GREETING, ...MESSAGE.slice(0, 5)] as Line[],
    ...Array.from({ length: chunks }, () => chunk),
    "endOfMessage",
  ];
  const sending = new Sending(socket, lines.map((line) => encodeCommand(commandOf(line))));
  assertLess(await standstill(sending), 100); // They are in the buffers of the system.
  terminal.catchUp();
  await terminal.until(/< accept/);
  assertEquals(trace.out.match(/> body 65000 bytes/g)?.length, chunks);
  await sending.done;
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
  const trace = await Trace.to(optionOf(server), { args: ["--save", file], terminal: new UnreadTerminal() });
  assertEquals(await trace.converse(), "endOfMessage: accept");
  assertEquals((await trace.command.stop()).code, 0);
});
