/** `kilter replay`: recordings, of which the conversations with real MTAs are the most, played to filters. */

import { writeFile } from "node:fs/promises";
import {
  type Agreement,
  encodeCommand,
  encodeReply,
  PROTOCOL,
  type Reply,
  type Text,
} from "../../src/protocol/mod.ts";
import type { Entry } from "../../src/cli/recording/entry.ts";
import { formatEntry, formatHeading } from "../../src/cli/recording/format.ts";
import { concat, frame, latin1 } from "../bytes.ts";
import { assert, assertEquals, assertStringIncludes, type TempDir, tempDir, test } from "../harness.ts";
import { body, commandOf, CONVERSATION, type Line } from "../mta_commands.ts";
import { type Conversation, CONVERSATIONS } from "../transcripts.ts";
import { type Captured, kilter } from "./captured.ts";
import { type Role, ScriptedFilter } from "./scripted_filter.ts";

/** What was recorded of a connection: commands, each with its answer. */
type Exchanges = readonly (readonly [command: Line, ...replies: (Reply<Text> | string)[]])[];

const NOTHING: Uint8Array = new Uint8Array(0);

/** An agreement to which a filter asks for nothing. */
function agreement(protocol = 0): Agreement {
  return { type: "negotiate", version: 6, actions: 0x1ff, protocol, macros: [] };
}

function replyOf(reply: Reply<Text> | string): Uint8Array {
  return (typeof reply === "string" ? frame(latin1(reply)) : encodeReply(reply)).subarray(4);
}

/** The entries of a connection that both sides close in the end. */
function entriesOf(exchanges: Exchanges, connection = 1): Entry[] {
  return [
    ...exchanges.flatMap(([command, ...replies]): Entry[] => [
      entry(connection, "mta", "packet", encodeCommand(commandOf(command)).subarray(4)),
      ...replies.map((reply) => entry(connection, "filter", "packet", replyOf(reply))),
    ]),
    entry(connection, "mta", "end"),
    entry(connection, "filter", "end"),
  ];
}

function entry(connection: number, side: Entry["side"], what: Entry["what"], bytes = NOTHING): Entry {
  return { t: 0, connection, side, what, bytes };
}

async function save(directory: TempDir, entries: readonly Entry[], redacted = false): Promise<string> {
  const file = directory.file("recording.jsonl");
  await writeFile(file, formatHeading({ redacted }) + entries.map(formatEntry).join(""));
  return file;
}

/** Plays a recording to a filter of one role for all connections. */
async function replay(entries: readonly Entry[], role: () => Role, ...more: string[]): Promise<Captured> {
  await using directory = await tempDir();
  await using filter = await ScriptedFilter.listen(role);
  return await kilter("replay", await save(directory, entries), "--to", filter.option, ...more);
}

/** Answers each packet by its code, negotiation included; without a row by "continue", where one is due. */
function answering(
  answers: Readonly<Record<string, Uint8Array | "close" | "silence">>,
  protocol = 0,
): () => Role {
  return () => ({
    packet(packet) {
      const code = String.fromCharCode(packet[0]!);
      const answer = answers[code];
      if (answer === "silence") return undefined;
      if (answer !== undefined) return answer;
      if (code === "O") return encodeReply(agreement(protocol));
      return "DAQK".includes(code) ? undefined : frame(latin1("c"));
    },
  });
}

const CONTINUE: Reply = { type: "continue" };

/** A message that was accepted with one edit. */
const ACCEPTED: Exchanges = [
  ["negotiate", agreement()],
  ...CONVERSATION.slice(0, -1).map((line) => [line, CONTINUE] as const),
  ["endOfMessage", { type: "addHeader", name: "X-Spam", value: "no" }, { type: "accept" }],
  ["quit"],
];

const EDIT_AND_ACCEPT = concat([
  encodeReply({ type: "addHeader", name: "X-Spam", value: "no" }),
  encodeReply({ type: "accept" }),
]);

test("kilter replay finds all answers as recorded", async () => {
  const { code, out, err } = await replay(entriesOf(ACCEPTED), answering({ E: EDIT_AND_ACCEPT }));
  assertEquals(
    { code, out, err },
    {
      code: 0,
      out: "#1 10 answers, as recorded\n",
      err: "kilter replay: 1 connections, 10 answers, 0 different\n",
    },
  );
});

test("kilter replay shows which edits differ, and which do not", async () => {
  const edits = concat([
    encodeReply({ type: "insertHeader", index: 0, name: "X-Scanned", value: "yes" }),
    encodeReply({ type: "addHeader", name: "X-Spam", value: "no" }),
    encodeReply({ type: "reject" }),
  ]);
  const { code, out } = await replay(entriesOf(ACCEPTED), answering({ E: edits }));
  assertEquals(code, 1);
  assertEquals(
    out,
    `#1 endOfMessage
   + insertHeader 0 "X-Scanned" "yes"
     addHeader "X-Spam" "no"
   - accept
   + reject
#1 10 answers, 9 as recorded
`,
  );
});

test("kilter replay compares a new body by its bytes, however they are cut, and no progress", async () => {
  const recorded: Exchanges = [
    ...ACCEPTED.slice(0, -2),
    ["endOfMessage", { type: "replaceBody", chunk: "one\r\ntwo\r\n" }, { type: "accept" }],
  ];
  const answer = (...chunks: string[]) =>
    concat([
      encodeReply({ type: "progress" }),
      ...chunks.map((chunk) => encodeReply({ type: "replaceBody", chunk })),
      encodeReply({ type: "accept" }),
    ]);
  const same = await replay(entriesOf(recorded), answering({ E: answer("one\r", "\ntwo\r\n") }));
  assertEquals(same.code, 0, same.out);
  const other = await replay(entriesOf(recorded), answering({ E: answer("one\r\n", "twO\r\n") }));
  assertEquals(other.code, 1);
  assertStringIncludes(
    other.out,
    '   - replaceBody 10 bytes "one\\r\\ntwo\\r\\n"\n   + replaceBody 10 bytes "one',
  );
});

test("kilter replay leaves out the rest of a message that is refused now, and plays the next", async () => {
  const [negotiation, ...rest] = ACCEPTED;
  const twice = [negotiation!, ...rest.slice(0, -1), ["abort"] as const, ...rest.slice(2)];
  let mails = 0;
  const { code, out } = await replay(entriesOf(twice), () => {
    const { packet } = answering({ E: EDIT_AND_ACCEPT })();
    return {
      packet: (bytes) => bytes[0] === "M".charCodeAt(0) && mails++ === 0 ? frame(latin1("t")) : packet(bytes),
    };
  });
  assertEquals(code, 1);
  assertEquals(
    out,
    `#1 mail "<sender@example.com>" []
   - continue
   + tempfail
#1 left out: the rest of the message: an MTA says no more of it after that
   answer
#1 11 answers, 10 as recorded
`,
  );
});

test("kilter replay stops where another agreement leaves nothing that fits", async () => {
  const cases: readonly (readonly [recorded: number, actual: number, why: string])[] = [
    [PROTOCOL.NO_BODY, 0, "the filter now wants body, which was not recorded"],
    [0, PROTOCOL.NO_BODY, "the filter no longer takes body"],
    [PROTOCOL.LEADING_SPACE, 0, "values of headers were recorded with the space before them"],
  ];
  for (const [recorded, actual, why] of cases) {
    const exchanges: Exchanges = [
      ["negotiate", agreement(recorded)],
      ...ACCEPTED.slice(1).filter(([line]) => line !== "body" || recorded !== PROTOCOL.NO_BODY),
    ];
    const { code, out } = await replay(entriesOf(exchanges), answering({ E: EDIT_AND_ACCEPT }, actual));
    assertEquals(code, 1);
    assertStringIncludes(out, `   - negotiate 6 actions 0x1ff protocol 0x${recorded.toString(16)} []\n`);
    assertStringIncludes(out, `   + negotiate 6 actions 0x1ff protocol 0x${actual.toString(16)} []\n`);
    assertStringIncludes(
      out.replaceAll(/\n +/g, " "),
      `#1 left out: the rest of the connection: ${why}`,
    );
  }
});

test("kilter replay takes no answer and continue for the same where one side agreed to give none", async () => {
  const exchanges: Exchanges = ACCEPTED.map(([line, ...replies]) =>
    line === "negotiate"
      ? [line, agreement(PROTOCOL.NR_HEADER)]
      : [line, ...line === "header" ? [] : replies] as const
  );
  const { code, out } = await replay(entriesOf(exchanges), answering({ E: EDIT_AND_ACCEPT }));
  assertEquals(code, 1);
  assert(!out.includes('header "Subject"'), out);
  assertStringIncludes(out, "#1 10 answers, 9 as recorded\n");
});

/** Filters that fail, by what is told of them. */
const FAILING: readonly {
  readonly what: string;
  readonly role: () => Role;
  readonly told: string;
}[] = [
  { what: "hangs", role: answering({ M: "silence" }), told: "does not answer within 1 s" },
  { what: "closes midway", role: answering({ M: "close" }), told: "closes the connection" },
  { what: "closes at once", role: answering({ O: "close" }), told: "closes the connection" },
  {
    what: "closes in the middle of its answer",
    role: () => {
      let end: Uint8Array | undefined;
      const { packet } = answering({})();
      return {
        packet(bytes) {
          if (bytes[0] !== "M".charCodeAt(0)) return packet(bytes);
          return latin1("\0\0\0\x09y550");
        },
        end: () => end,
      };
    },
    told: "does not answer within 1 s",
  },
  {
    what: "says a code that nobody knows",
    role: answering({ M: frame(latin1("Z")) }),
    told: "breaks the protocol: Cannot decode reply: there is none with the code 0x5a",
  },
  {
    what: "sends a huge packet",
    role: answering({ M: latin1("\x7f\xff\xff\xffc") }),
    told: "its length of 2147483647 bytes is over the limit of 1048576",
  },
  {
    what: "sends an empty packet",
    role: answering({ M: latin1("\0\0\0\0") }),
    told: "breaks the protocol: Cannot read packet: its length is 0",
  },
];

for (const { what, role, told } of FAILING) {
  test(`kilter replay says that a filter ${what}, and ends with 3`, async () => {
    const { code, out } = await replay(entriesOf(ACCEPTED), role, "--timeout", "1");
    assertStringIncludes(out.replaceAll(/\n +/g, " "), told);
    assertEquals(code, 3);
  });
}

test("kilter replay shows a second answer", async () => {
  const { code, out } = await replay(
    entriesOf(ACCEPTED),
    answering({ M: concat([frame(latin1("c")), frame(latin1("c"))]), E: EDIT_AND_ACCEPT }),
  );
  assertEquals(code, 1);
  assertStringIncludes(out, '#1 mail "<sender@example.com>" []\n     continue\n   + continue\n');
});

test("kilter replay says what is said after the end", async () => {
  const { code, out } = await replay(entriesOf(ACCEPTED), () => ({
    ...answering({ E: EDIT_AND_ACCEPT })(),
    end: () => frame(latin1("c")),
  }));
  assertEquals(code, 1);
  assertStringIncludes(out, "#1 afterwards\n   + continue\n");
});

test("kilter replay finds a filter that fails as the recorded one did the same", async () => {
  const before = ACCEPTED.slice(0, 3);
  const mail = entry(1, "mta", "packet", encodeCommand(commandOf("mail")).subarray(4));
  const closed = [...entriesOf(before).slice(0, -2), mail, entry(1, "filter", "end"), entry(1, "mta", "end")];
  assertEquals((await replay(closed, answering({ M: "close" }))).code, 0);
  assertEquals((await replay(closed, answering({ M: "silence" }), "--timeout", "1")).code, 3);
  const { code, out } = await replay(closed, answering({}));
  assertEquals(code, 1);
  assertStringIncludes(out, "   - closes the connection\n   + continue\n");
});

test("kilter replay does not judge the answer that a recording was cut off before", async () => {
  const cut = entriesOf(ACCEPTED.slice(0, 4)).slice(0, -3);
  assertEquals((await replay(cut, answering({ M: frame(latin1("r")) }))).code, 0);
});

test("kilter replay plays the connections of a recording one after the other", async () => {
  const [one, two] = [entriesOf(ACCEPTED, 1), entriesOf(ACCEPTED, 2)];
  const mixed = one.flatMap((entry, index) => [entry, two[index]!]);
  const { code, out } = await replay(mixed, answering({ E: EDIT_AND_ACCEPT }));
  assertEquals(code, 0);
  assertEquals(out, "#1 10 answers, as recorded\n#2 10 answers, as recorded\n");
});

test("kilter replay tells machines the same in lines of JSON", async () => {
  const { code, out, err } = await replay(
    entriesOf(ACCEPTED),
    answering({ E: frame(latin1("a")) }),
    "--json",
  );
  assertEquals([code, err], [1, ""]);
  assertEquals(out.trimEnd().split("\n").map((line) => JSON.parse(line)), [
    {
      event: "different",
      conn: 1,
      command: "endOfMessage",
      recorded: ['addHeader "X-Spam" "no"', "accept"],
      actual: ["accept"],
    },
    { event: "played", conn: 1, answers: 10, same: 9 },
    {
      event: "summary",
      redacted: false,
      connections: 1,
      answers: 10,
      different: 1,
      trouble: 0,
      unplayed: 0,
    },
  ]);
});

test("kilter replay carries a body of 30 MB", async () => {
  const chunk = body("x".repeat(65_535));
  const exchanges: Exchanges = [
    ["negotiate", agreement(PROTOCOL.NR_BODY)],
    ...ACCEPTED.slice(1, 8),
    ...Array.from({ length: 460 }, () => [chunk] as const),
    ["endOfMessage", { type: "accept" }],
  ];
  let size = 0;
  const { code, out } = await replay(entriesOf(exchanges), () => {
    const { packet } = answering({ B: "silence", E: frame(latin1("a")) }, PROTOCOL.NR_BODY)();
    return {
      packet(bytes) {
        if (bytes[0] === "B".charCodeAt(0)) size += bytes.length - 1;
        return packet(bytes);
      },
    };
  });
  assertEquals({ code, out, size }, { code: 0, out: "#1 9 answers, as recorded\n", size: 460 * 65_535 });
});

/** What is wrong with a file, and how it is told. */
const BROKEN: readonly (readonly [content: string, told: string])[] = [
  ["", "the file is empty"],
  ["From: a@b\r\n\r\nhello\n", "it is no recording: line 1: it is no JSON"],
  ['{"scenario":"x"}\n', 'it is no recording: line 1: its "format" is not "kilter recording"'],
  ["[]\n", "it is no recording: line 1: it is no JSON object"],
  [
    '{"format":"kilter recording","version":2}\n',
    "it is no recording: line 1: its version is 2, and this kilter knows 1",
  ],
  [formatHeading({ redacted: false }) + '\n{"t":0,"conn":1,"di', "line 3: it is no JSON"],
  [line({ dir: "both" }), 'line 2: its "dir" must be "mta" or "filter"'],
  [line({ conn: 0 }), 'line 2: its "conn" must be a whole number from 1 on'],
  [line({ t: "now" }), 'line 2: its "t" must be a whole number'],
  [line({ cmd: "OO" }), 'line 2: its "cmd" must be one character, RAW, EOF, LOST'],
  [line({ hex: "0g" }), 'line 2: its "hex" is no hexadecimal'],
  [line({ hex: undefined }), 'line 2: it has neither "hex" nor "len"'],
  [line({ hex: undefined, len: 2 ** 40 }), 'line 2: its "len" is over 1048576'],
];

function line(wrong: object): string {
  return formatHeading({ redacted: false }) +
    JSON.stringify({ t: 0, conn: 1, dir: "mta", cmd: "O", hex: "", ...wrong }) + "\n";
}

test("kilter replay says what is wrong with a file, by its line, and connects to nobody", async () => {
  await using directory = await tempDir();
  const file = directory.file("bad.jsonl");
  for (const [content, told] of BROKEN) {
    await writeFile(file, content);
    assertEquals(await kilter("replay", file, "--to", "inet:1@127.0.0.1"), {
      code: 3,
      out: "",
      err: `kilter replay: Cannot read recording ${file}: ${told}\n`,
    });
  }
  const missing = directory.file("none.jsonl");
  assertEquals(await kilter("replay", missing, "--to", "inet:1@127.0.0.1"), {
    code: 3,
    out: "",
    err: `kilter replay: Cannot read recording ${missing}: there is no such file\n`,
  });
});

test("kilter replay says that nobody listens", async () => {
  await using directory = await tempDir();
  const file = await save(directory, entriesOf(ACCEPTED));
  const socket = directory.file("none.sock");
  const { code, err } = await kilter("replay", file, "--to", `unix:${socket}`);
  assertEquals(code, 3);
  assertStringIncludes(err, `kilter replay: Cannot connect to unix:${socket}: `);
});

test("kilter replay does not understand everything", async () => {
  const cases: readonly (readonly [args: readonly string[], told: string])[] = [
    [[], "recording is missing"],
    [["a"], "--to is missing"],
    [["a", "--to", "nowhere"], '--to: Cannot use address "nowhere"'],
    [["a", "--to", "inet:1@127.0.0.1", "--timeout", "soon"], "--timeout must be a whole number"],
  ];
  for (const [args, told] of cases) {
    const { code, err } = await kilter("replay", ...args);
    assertEquals(code, 2);
    assertStringIncludes(err, told);
  }
});

/** The entries of what an MTA and a filter said to each other. */
function entriesOfConversation({ exchanges }: Conversation, connection: number): Entry[] {
  return exchanges.flatMap(({ command, replies }) => [
    entry(connection, "mta", "packet", command),
    ...replies.map((reply) => entry(connection, "filter", "packet", reply)),
  ]).concat([entry(connection, "mta", "end"), entry(connection, "filter", "end")]);
}

/** Conversations in which the filter sends packets only, and does not leave the MTA waiting. */
const WHOLE: readonly Conversation[] = CONVERSATIONS.filter(({ exchanges }) => {
  const { command, replies } = exchanges.at(-1)!;
  const code = (packet: Uint8Array | undefined) => String.fromCharCode(packet?.[0] ?? "p".charCodeAt(0));
  const waits = code(replies.at(-1)) === "p" && !"DAQK".includes(code(command));
  return !waits && exchanges.every(({ garbage }) => garbage.length === 0);
});

test("kilter replay finds every conversation of real MTAs the same with a filter that answers alike", async () => {
  await using directory = await tempDir();
  const file = await save(
    directory,
    WHOLE.flatMap((conversation, at) => entriesOfConversation(conversation, at + 1)),
  );
  await using filter = await ScriptedFilter.listen((connection) => {
    const left = [...WHOLE[connection]!.exchanges];
    return { packet: () => concat(left.shift()!.replies.map(frame)) };
  });
  const { code, out } = await kilter("replay", file, "--to", filter.option, "--timeout", "2");
  assertEquals(out.split("\n").filter((line) => !/^(#\d+ \d+ answers?, as recorded)?$/.test(line)), []);
  assertEquals(code, 0);
});
