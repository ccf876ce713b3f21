/** `kilter trace`: what passes between MTAs and filters is shown, recorded, and not changed. */

import { connect as openSocket, createServer } from "node:net";
import { readFile, stat, writeFile } from "node:fs/promises";
import process from "node:process";
import { accept, type Filter, reject, serve, type Server } from "../../mod.ts";
import { encodeCommand, encodeReply } from "../../src/protocol/mod.ts";
import { bytesOf } from "./recordings.ts";
import { assertBytes, concat, frame, latin1 } from "../bytes.ts";
import { deferred } from "../deferred.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertMatch,
  assertStringIncludes,
  delay,
  property,
  type TempDir,
  tempDir,
  test,
} from "../harness.ts";
import {
  body,
  commandOf,
  CONVERSATION,
  endOfMessage,
  GREETING,
  type Line,
  mail,
  MESSAGE,
} from "../mta_commands.ts";
import { MtaPlayer } from "../mta_player.ts";
import { socketWire, type Wire } from "../wires.ts";
import { kilter } from "./captured.ts";
import { RunningCommand, WatchedTerminal } from "./running.ts";
import { ScriptedFilter } from "./scripted_filter.ts";

/** Appends a header, and accepts. */
const tagging: Filter = async (session) => {
  session.headers.append("X-Seen", "by Kilter");
  await session.endOfMessage();
  return accept();
};

/** A trace between an MTA and a filter. */
class Trace implements AsyncDisposable {
  readonly command: RunningCommand;
  readonly port: number;

  private constructor(command: RunningCommand, port: number) {
    this.command = command;
    this.port = port;
  }

  static async to(forward: string, args: readonly string[] = [], terminal?: WatchedTerminal): Promise<Trace> {
    const command = new RunningCommand(
      ["trace", "--listen", "inet:0@127.0.0.1", "--forward", forward, ...args],
      terminal,
    );
    const [, port] = await command.terminal.until(/listening on inet:(\d+)@/);
    return new Trace(command, Number(port));
  }

  get out(): string {
    return this.command.terminal.out;
  }

  connect(): Promise<Wire> {
    return socketWire({ host: "127.0.0.1", port: this.port });
  }

  /** Sends so many mails over one connection, and closes it; tells the last answer. */
  async converse(mails = 1): Promise<string | undefined> {
    await using mta = new MtaPlayer(await this.connect());
    await mta.negotiate();
    const answers = await mta.play(GREETING);
    if (!answers.at(-1)?.endsWith("continue")) return answers.at(-1);
    for (let count = 0; count < mails; count++) answers.push(...await mta.play(MESSAGE));
    return answers.at(-1);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.command[Symbol.asyncDispose]();
  }
}

function optionOf({ address }: Server): string {
  return "port" in address ? `inet:${address.port}@127.0.0.1` : "";
}

function serving(filter: Filter): Promise<Server> {
  return serve(filter, { listen: "inet:0@127.0.0.1", log: () => {} });
}

/** What is printed, with the same time and port everywhere. */
function steady(text: string): string {
  return text.replaceAll(/\d\d:\d\d:\d\d\.\d{3}/g, "01:02:03.456").replaceAll(
    /127\.0\.0\.1:\d+/g,
    "127.0.0.1:4321",
  )
    .replaceAll(/inet:\d+@/g, "inet:8891@");
}

test("kilter trace shows each packet as a line, no wider than the terminal", async () => {
  await using server = await serving(tagging);
  await using trace = await Trace.to(optionOf(server));
  const mta = new MtaPlayer(await trace.connect());
  await mta.negotiate();
  await mta.macros("C", {
    j: "mx.example",
    "{daemon_name}": "mx.example",
    v: "Postfix 3.7.11",
    _: "client.example",
  });
  await mta.play([...GREETING, ...MESSAGE.slice(0, -1), endOfMessage()]);
  await mta[Symbol.asyncDispose]();
  await trace.command.terminal.until(/= closed/);
  const { code, out, err } = await trace.command.stop();
  assertEquals(code, 0);
  assertEquals(out.split("\n").filter((line) => line.length > 80), []);
  assertEquals(
    steady(out),
    `#1 01:02:03.456 = opened by 127.0.0.1:4321
#1 01:02:03.456 > negotiate 6 actions 0x1ff protocol 0x1fffff ""
#1 01:02:03.456 < negotiate 6 actions 0xff protocol 0x100480 []; ADD_HEADERS,
                  CHANGE_BODY, ADD_RECIPIENT, REMOVE_RECIPIENT, CHANGE_HEADERS,
                  QUARANTINE, CHANGE_SENDER, ADD_RECIPIENT_ARGUMENTS; NR_HEADER,
                  SKIP, LEADING_SPACE
#1 01:02:03.456 > macros for connect j="mx.example" {daemon_name}="mx.example"
                  v="Postfix 3.7.11" _="client.example"
#1 01:02:03.456 > connect "client.example" "inet" 4321 "192.0.2.1"
#1 01:02:03.456 < continue
#1 01:02:03.456 > helo "client.example"
#1 01:02:03.456 < continue
#1 01:02:03.456 > mail "<sender@example.com>" []
#1 01:02:03.456 < continue
#1 01:02:03.456 > rcpt "<user@example.com>" []
#1 01:02:03.456 < continue
#1 01:02:03.456 > data
#1 01:02:03.456 < continue
#1 01:02:03.456 > header "Subject" " A test"
#1 01:02:03.456 > endOfHeaders
#1 01:02:03.456 < continue
#1 01:02:03.456 > body 7 bytes "Hello\\r\\n"
#1 01:02:03.456 < skip
#1 01:02:03.456 > endOfMessage
#1 01:02:03.456 < addHeader "X-Seen" " by Kilter"
#1 01:02:03.456 < accept
#1 01:02:03.456 > closes its side
#1 01:02:03.456 < closes its side
#1 01:02:03.456 = closed
`,
  );
  assertEquals(
    steady(err),
    `kilter trace: listening on inet:8891@127.0.0.1, forwarding to inet:8891@127.0.0.1
kilter trace: 1 connection; 11 packets from the MTA, 10 from the filter
`,
  );
});

test("kilter trace tells machines the same in lines of JSON", async () => {
  await using server = await serving(() => reject("550 5.7.1 No"));
  await using trace = await Trace.to(optionOf(server), ["--json"]);
  await trace.converse();
  await trace.command.terminal.until(/"closed"/);
  const { out } = await trace.command.stop();
  const lines = out.trimEnd().split("\n").map((line) => ({ ...JSON.parse(line), t: 0, peer: "" }));
  const rest = { t: 0, peer: "" };
  assertEquals(lines, [
    { event: "opened", conn: 1, ...rest },
    {
      event: "packet",
      conn: 1,
      dir: "mta",
      message: { type: "negotiate", version: 6, actions: 0x1ff, protocol: 0x1fffff, extra: "" },
      ...rest,
    },
    {
      event: "packet",
      conn: 1,
      dir: "filter",
      message: { type: "negotiate", version: 6, actions: 0xff, protocol: 0x100480, macros: [] },
      ...rest,
    },
    {
      event: "packet",
      conn: 1,
      dir: "mta",
      message: {
        type: "connect",
        hostname: "client.example",
        family: "inet",
        port: 4321,
        address: "192.0.2.1",
      },
      ...rest,
    },
    {
      event: "packet",
      conn: 1,
      dir: "filter",
      message: { type: "replyCode", text: "550 5.7.1 No" },
      ...rest,
    },
    { event: "end", conn: 1, dir: "mta", ...rest },
    { event: "end", conn: 1, dir: "filter", ...rest },
    { event: "closed", conn: 1, ...rest },
    { event: "summary", connections: 1, failed: 0, mta: 2, filter: 2, raw: 0, ...rest },
  ]);
});

test("kilter trace passes on several connections at once, each under its number", async () => {
  await using server = await serving(tagging);
  await using trace = await Trace.to(optionOf(server));
  const players = await Promise.all([1, 2, 3].map(async () => new MtaPlayer(await trace.connect())));
  for (const player of players) await player.negotiate();
  for (const line of CONVERSATION) {
    for (const [index, player] of players.entries()) {
      await player.say(line === "mail" ? mail(`<sender${index}@example.com>`) : line);
    }
  }
  for (const player of players) await player[Symbol.asyncDispose]();
  await trace.command.terminal.until(/(= closed[^]*){3}/);
  for (const [index] of players.entries()) {
    const own = trace.out.split("\n").filter((line) => line.startsWith(`#${index + 1} `));
    assertEquals(own.filter((line) => line.includes("mail")).length, 1);
    assertEquals(own.filter((line) => line.endsWith("< accept")).length, 1);
  }
});

/** A peer that sends back all it gets, and ends when its peer does. */
async function echoing(): Promise<{ readonly option: string } & AsyncDisposable> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {}).pipe(socket);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const bound = server.address();
  return {
    option: typeof bound === "object" && bound !== null ? `inet:${bound.port}@127.0.0.1` : "",
    [Symbol.asyncDispose]: () => new Promise((closed) => void server.close(() => closed())),
  };
}

/** Sends all, ends its side, and reads until the other side ends. */
async function exchange(wire: Wire, pieces: readonly Uint8Array[]): Promise<Uint8Array> {
  for (const piece of pieces) {
    wire.write(piece);
    await delay(0);
  }
  wire.end();
  const chunks: Uint8Array[] = [];
  for (let chunk = await wire.read(); chunk !== undefined; chunk = await wire.read()) chunks.push(chunk);
  await wire.close();
  return concat(chunks);
}

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

test("kilter trace says what is no milter protocol, and passes it on", async () => {
  const cases: readonly (readonly [bytes: Uint8Array, told: string])[] = [
    [latin1("GET / HTTP/1.1\r\n\r\n"), "these are the first bytes of an HTTP client, not of an MTA"],
    [frame(latin1("Zebra")), "there is none with the code 0x5a"],
    [latin1("\0\0\0\0"), "its length is 0"],
    [latin1("\xff\xff\xff\xffO"), "its length of 4294967295 bytes is over the limit of 1048576"],
    [latin1("\0\0\0\x09Mabc"), "the packet is cut short"],
    [latin1("\0\0"), "the packet is cut short"],
    [frame(latin1("Mno nul")), "Cannot decode mail: its address has no NUL at its end"],
    [frame(latin1("Dx")), "macros for x"],
  ];
  await using echo = await echoing();
  await using trace = await Trace.to(echo.option);
  for (const [index, [bytes, told]] of cases.entries()) {
    assertBytes(await exchange(await trace.connect(), [bytes]), bytes);
    await trace.command.terminal.until(new RegExp(`#${index + 1} .*= closed`));
    const own = trace.out.slice(trace.out.indexOf(`#${index + 1} `));
    assertStringIncludes(own.replaceAll(/\n +/g, " "), told);
  }
});

test("kilter trace shows no control character that a terminal would obey", async () => {
  await using echo = await echoing();
  await using trace = await Trace.to(echo.option);
  await exchange(await trace.connect(), [
    frame(latin1("M<\x1b[2J\x9b\xc2\x9b1m>\0")),
    latin1("\x1b[2J\x1b[H\x07"),
  ]);
  await trace.command.terminal.until(/= closed/);
  // deno-lint-ignore no-control-regex
  assertEquals(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.exec(trace.out), null);
});

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

test("kilter trace paints each connection in a colour of its own, and refusals red", async () => {
  const painted = new class extends WatchedTerminal {
    override paint(style: unknown, text: string): string {
      return `{${style} ${text}}`;
    }
  }();
  await using server = await serving(() => reject("550 5.7.1 No"));
  await using trace = await Trace.to(optionOf(server), [], painted);
  await trace.converse();
  await trace.converse();
  await painted.until(/(= closed[^]*){2}/);
  const lines = steady(painted.out).split("\n");
  assertEquals(lines[0], "{cyan #1} {dim 01:02:03.456} = opened by 127.0.0.1:4321");
  assertEquals(lines.filter((line) => line.includes("replyCode")), [
    '{cyan #1} {dim 01:02:03.456} < {red replyCode "550 5.7.1 No"}',
    '{magenta #2} {dim 01:02:03.456} < {red replyCode "550 5.7.1 No"}',
  ]);
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

test("kilter trace ends cleanly when it is told to, with connections open", async () => {
  await using server = await serving(tagging);
  await using directory = await tempDir();
  const file = directory.file("open.jsonl");
  const trace = await Trace.to(optionOf(server), ["--save", file]);
  const wire = await trace.connect();
  const mta = new MtaPlayer(wire);
  await mta.negotiate();
  await mta.play(GREETING);
  const { code, err } = await trace.command.stop();
  assertEquals(code, 0);
  assertStringIncludes(err, `1 connection; 3 packets from the MTA, 3 from the filter; recorded in ${file}\n`);
  assertEquals(await wire.read(), undefined);
  await wire.close();
  const lines = await readFile(file, "utf8");
  assert(!lines.includes("EOF"), "neither side has closed");
  assertEquals((await kilter("replay", file, "--to", optionOf(server))).code, 0);
});

test("kilter trace says that the filter cannot be reached, closes to the MTA, and goes on", async () => {
  await using directory = await tempDir();
  const socket = directory.file("filter.sock");
  const trace = await Trace.to(`unix:${socket}`);
  const wire = await trace.connect();
  assertEquals(await wire.read(), undefined);
  await wire.close();
  await trace.command.terminal.until(/#1 .*= closed/);
  assertStringIncludes(steady(trace.out), `#1 01:02:03.456 ! Cannot connect to unix:`);
  await using _server = await serve(tagging, { listen: `unix:${socket}` });
  assertEquals(await trace.converse(), "endOfMessage: accept");
  const { code, err } = await trace.command.stop();
  assertEquals(code, 3);
  assertStringIncludes(err, "1 connection could not be forwarded");
});

test("kilter trace says that it cannot listen, or not record, and ends with 3", async () => {
  await using server = await serving(tagging);
  await using directory = await tempDir();
  const used = optionOf(server);
  const inUse = await kilter("trace", "-l", used, "-f", "inet:1@127.0.0.1");
  assertEquals(inUse, {
    code: 3,
    out: "",
    err: `kilter trace: Cannot listen on ${used}: the address is in use\n`,
  });
  const { code, err } = await kilter("trace", "-l", "inet:0@127.0.0.1", "-f", used, "-s", directory.path);
  assertEquals(code, 3);
  assertStringIncludes(err, `kilter trace: Cannot record to ${directory.path}: `);
});

test("kilter trace does not understand everything", async () => {
  const cases: readonly (readonly [args: readonly string[], told: string])[] = [
    [[], "--listen is missing"],
    [["-l", "inet:1@127.0.0.1"], "--forward is missing"],
    [["-l", "nowhere", "-f", "inet:1@127.0.0.1"], '--listen: Cannot use address "nowhere"'],
    [["-l", "inet:1@127.0.0.1", "-f", "127.0.0.1:1"], "--listen and --forward are the same address"],
    [["-l", "unix:/tmp/x", "-f", "inet:1@127.0.0.1", "--mode", "rw"], "--mode must be three octal digits"],
    [["-l", "inet:1@127.0.0.1", "more"], '"more" is one argument too many'],
  ];
  for (const [args, told] of cases) {
    const { code, err } = await kilter("trace", ...args);
    assertEquals(code, 2);
    assertStringIncludes(err, told);
  }
});

test("kilter trace goes on when the recording cannot be written any more", {
  ignore: process.platform !== "linux" && "there is no /dev/full",
}, async () => {
  await using server = await serving(tagging);
  const trace = await Trace.to(optionOf(server), ["--save", "/dev/full"]);
  assertEquals(await trace.converse(), "endOfMessage: accept");
  const { code, err } = await trace.command.stop();
  assertEquals(code, 3);
  assertMatch(err, /^kilter trace: Cannot record to \/dev\/full any more: .+$/m);
});

/** Two mails on one connection, then one on another: the recording of them. */
async function recorded(directory: TempDir, filter: Filter, ...args: string[]): Promise<string> {
  await using server = await serving(filter);
  const file = directory.file("mails.jsonl");
  await using trace = await Trace.to(optionOf(server), ["--save", file, "--quiet", ...args]);
  await trace.converse(2);
  await trace.converse();
  const { code, out } = await trace.command.stop();
  assertEquals([code, out], [0, ""]);
  return file;
}

test("kilter trace records what kilter replay plays: the same filter answers the same, another does not", async () => {
  await using directory = await tempDir();
  const file = await recorded(directory, tagging);
  assertEquals((await stat(file)).mode & 0o777, 0o600);
  await using server = await serving(tagging);
  const same = await kilter("replay", file, "--to", optionOf(server));
  assertEquals([same.code, same.out], [0, "#1 15 answers, as recorded\n#2 9 answers, as recorded\n"]);
  await using other = await serving(async (session) => {
    session.headers.append("X-Seen", "by another");
    await session.endOfMessage();
    return accept();
  });
  const { code, out } = await kilter("replay", file, "--to", optionOf(other));
  assertEquals(code, 1);
  const edited = `endOfMessage
   - insertHeader 2147483647 "X-Seen" " by Kilter"
   + insertHeader 2147483647 "X-Seen" " by another"
     accept
`;
  assertEquals(
    out,
    `#1 ${edited}#1 ${edited}#1 15 answers, 13 as recorded\n#2 ${edited}#2 9 answers, 8 as recorded\n`,
  );
});

test("kilter replay says what it can of a redacted recording", async () => {
  await using directory = await tempDir();
  const removing: Filter = async (session) => {
    await session.endOfMessage();
    for await (const { address } of session.envelopeRecipients()) session.removeRecipient(address);
    session.addRecipient("archive@example.com");
    return accept();
  };
  const file = await recorded(directory, removing, "--redact");
  await using server = await serving(removing);
  const { code, out, err } = await kilter("replay", file, "--to", optionOf(server));
  assertEquals([code, out], [0, "#1 15 answers, as recorded\n#2 9 answers, as recorded\n"]);
  assertStringIncludes(err, "the recording is redacted: bodies, values and addresses are made up\n");

  const text = await readFile(file, "utf8");
  await writeFile(
    file,
    text.replaceAll('"cmd":"T","hex":""', '"cmd":"RAW","len":20'),
  );
  const raw = await kilter("replay", file, "--to", optionOf(server));
  assertEquals(raw.code, 3);
  assertStringIncludes(
    raw.out.replaceAll(/\n +/g, " "),
    "#1 not played: bytes that are no command were left out of the recording",
  );
  assertLess(raw.out.length, 400);
});
