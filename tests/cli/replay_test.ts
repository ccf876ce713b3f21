/** `kilter replay`: recordings, of which the conversations with real MTAs are the most, played to filters. */

import { accept, serve } from "../../mod.ts";
import { formatAddress } from "../../src/adapters/address.ts";
import { encodeReply, PROTOCOL } from "../../src/protocol/mod.ts";
import type { Entry } from "../../src/cli/recording/entry.ts";
import { concat, frame, latin1 } from "../bytes.ts";
import { assert, assertEquals, assertStringIncludes, tempDir, test } from "../harness.ts";
import { body } from "../mta_commands.ts";
import { type Conversation, CONVERSATIONS } from "../transcripts.ts";
import { kilter } from "./captured.ts";
import {
  ACCEPTED,
  agreement,
  answering,
  EDIT_AND_ACCEPT,
  entriesOf,
  entry,
  type Exchanges,
  replay,
  save,
} from "./replaying.ts";
import { ScriptedFilter } from "./scripted_filter.ts";

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
  const silent: Exchanges = ACCEPTED.map(([line, ...replies]) =>
    line === "negotiate"
      ? [line, agreement(PROTOCOL.NR_HEADER)]
      : [line, ...line === "header" ? [] : replies] as const
  );
  const now = await replay(entriesOf(silent), answering({ E: EDIT_AND_ACCEPT }));
  const noMore = await replay(
    entriesOf(ACCEPTED),
    answering({ L: "silence", E: EDIT_AND_ACCEPT }, PROTOCOL.NR_HEADER),
  );
  for (const { code, out } of [now, noMore]) {
    assertEquals(code, 1);
    assert(!out.includes('header "Subject"'), out);
    assertStringIncludes(out, "#1 10 answers, 9 as recorded\n");
  }
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

test("kilter replay of conversations with other filters stops at what our own server agrees on, and nowhere fails", async () => {
  await using directory = await tempDir();
  const some = WHOLE.filter(({ exchanges }, index) => index % 10 === 0 && exchanges[0]!.replies.length === 1);
  const file = await save(
    directory,
    some.flatMap((conversation, at) => entriesOfConversation(conversation, at + 1)),
  );
  await using server = await serve(() => accept(), { listen: "inet:0@127.0.0.1", log: () => {} });
  const { code, out } = await kilter("replay", file, "--to", formatAddress(server.address), "--json");
  assertEquals(code, 1);
  const lines = out.trimEnd().split("\n").map((line) => JSON.parse(line));
  const { event, connections, trouble } = lines.pop();
  assertEquals({ event, connections, trouble }, { event: "summary", connections: some.length, trouble: 0 });
  assertEquals(
    new Set(lines.filter((line) => "command" in line).map(({ command }) => command.split(" ")[0])),
    new Set(["negotiate"]),
  );
});
