/** `kilter trace`: what passes between MTAs and filters is shown. */

import { reject, serve } from "../../mod.ts";
import { assertBytes, frame, latin1 } from "../bytes.ts";
import { assertEquals, assertStringIncludes, tempDir, test } from "../harness.ts";
import { CONVERSATION, endOfMessage, GREETING, mail, MESSAGE } from "../mta_commands.ts";
import { MtaPlayer } from "../mta_player.ts";
import { kilter } from "./captured.ts";
import { WatchedTerminal } from "./running.ts";
import { echoing, exchange, optionOf, serving, steady, tagging, Trace } from "./tracing.ts";

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
