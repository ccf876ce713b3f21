/** `kilter replay` with filters and files that are not as they should be: a clear word, the right exit code. */

import { writeFile } from "node:fs/promises";
import { encodeCommand, PROTOCOL } from "../../src/protocol/mod.ts";
import { formatHeading } from "../../src/cli/recording/format.ts";
import { concat, frame, latin1 } from "../bytes.ts";
import { assertEquals, assertStringIncludes, tempDir, test } from "../harness.ts";
import { body, commandOf } from "../mta_commands.ts";
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
import type { Role } from "./scripted_filter.ts";

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

test("kilter replay says that a filter stops reading, and does not wait for each packet of the rest", async () => {
  const exchanges: Exchanges = [
    ["negotiate", agreement(PROTOCOL.NR_BODY)],
    ...ACCEPTED.slice(1, 8),
    ...Array.from({ length: 460 }, () => [body("x".repeat(65_535))] as const),
    ["endOfMessage", { type: "accept" }],
  ];
  const { code, out } = await replay(
    entriesOf(exchanges),
    () => {
      const { packet } = answering({}, PROTOCOL.NR_BODY)();
      return { packet: (bytes) => bytes[0] === "B".charCodeAt(0) ? "deaf" : packet(bytes) };
    },
    "--timeout",
    "1",
  );
  assertEquals(code, 3);
  assertStringIncludes(out, "   ! the filter reads nothing for 1 s\n");
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
