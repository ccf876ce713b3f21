/** Rule 6: edits are recorded at any time, and leave together before the final answer. */

import {
  accept,
  type Declaration,
  defineFilter,
  type Header,
  MilterError,
  quarantine,
  type Session,
} from "../../mod.ts";
import { ACTION, PROTOCOL } from "../../src/protocol/mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
  delay,
  test,
} from "../harness.ts";
import { CONVERSATION, GREETING, header, type Line } from "../mta_commands.ts";
import { play, type PlayOptions } from "../mta_player.ts";
import { arrive, STAGES } from "./stages.ts";

/** By which macros an MTA tells what it is. */
const POSTFIX = { v: "Postfix 3.7.11" } as const;

/** A message with namesakes among its headers. */
const LETTER: readonly Line[] = [
  ...[...GREETING, "mail", "rcpt", "data"] as const,
  header("From: a@example.com"),
  header("X-A: 1"),
  header("Subject: old"),
  header("x-a: 2"),
  header("X-A: 3"),
  ...["endOfHeaders", "body"] as const,
];

/** Sends the letter, lets the edits be made when all headers are known, and gives what the MTA is told. */
async function edited(
  edit: (session: Session, headers: readonly Header[]) => void,
  options?: PlayOptions,
  macros: Readonly<Record<string, string>> = POSTFIX,
): Promise<string[]> {
  await using mta = await play(async (session) => {
    edit(session, await session.headers.collect());
    return accept();
  }, options);
  await mta.macros("C", macros);
  await mta.play(LETTER);
  return await mta.say("endOfMessage");
}

/** Edits, and what the MTA is told. */
const EDITS: readonly {
  readonly what: string;
  readonly edit: (session: Session, headers: readonly Header[]) => void;
  readonly says: readonly string[];
}[] = [
  { what: "nothing", edit: () => {}, says: [] },
  {
    what: "a header added below all",
    edit: ({ headers }) => headers.append("X-New", "v"),
    says: ['addHeader "X-New" " v"'],
  },
  {
    what: "a header inserted at the end",
    edit: ({ headers }) => headers.insert("X-New", "v", "end"),
    says: ['addHeader "X-New" " v"'],
  },
  {
    what: "a header inserted above all",
    edit: ({ headers }) => headers.insert("X-New", "v", "start"),
    says: ['insertHeader 0 "X-New" " v"'],
  },
  {
    what: "headers inserted above all, the last on top",
    edit: ({ headers }) => ["1", "2"].forEach((value) => headers.insert("X-New", value, "start")),
    says: ['insertHeader 0 "X-New" " 1"', 'insertHeader 0 "X-New" " 2"'],
  },
  {
    what: "a header inserted before another",
    edit: ({ headers }, [, , subject]) => headers.insert("X-New", "v", { before: subject! }),
    says: ['insertHeader 3 "X-New" " v"'],
  },
  {
    what: "a header inserted after another",
    edit: ({ headers }, [, , subject]) => headers.insert("X-New", "v", { after: subject! }),
    says: ['insertHeader 4 "X-New" " v"'],
  },
  {
    what: "headers inserted around one that was inserted",
    edit({ headers }, [from]) {
      const middle = headers.insert("X-New", "2", { after: from! });
      headers.insert("X-New", "1", { before: middle });
      headers.insert("X-New", "3", { after: middle });
    },
    says: ['insertHeader 2 "X-New" " 3"', 'insertHeader 2 "X-New" " 2"', 'insertHeader 2 "X-New" " 1"'],
  },
  {
    what: "a header without a value",
    edit: ({ headers }) => headers.append("X-Empty", ""),
    says: ['addHeader "X-Empty" " "'],
  },
  {
    what: "a folded header",
    edit: ({ headers }) => headers.append("X-New", "one\n two\n\tthree"),
    says: ['addHeader "X-New" " one\\n two\\n\\tthree"'],
  },
  {
    what: "a header in UTF-8",
    edit: ({ headers }) => headers.append("X-New", "Größe"),
    says: ['addHeader "X-New" " =?UTF-8?B?R3LDtsOfZQ==?="'],
  },
  {
    what: "a header of which there is one, deleted",
    edit: ({ headers }, [, , subject]) => headers.delete(subject!),
    says: ['changeHeader 1 "Subject" ""'],
  },
  {
    what: "the second of three namesakes deleted, under its own spelling",
    edit: ({ headers }, received) => headers.delete(received[3]!),
    says: ['changeHeader 2 "x-a" ""'],
  },
  {
    what: "all namesakes deleted, from the last to the first",
    edit: ({ headers }, received) => [1, 3, 4].forEach((at) => headers.delete(received[at]!)),
    says: ['changeHeader 3 "X-A" ""', 'changeHeader 2 "x-a" ""', 'changeHeader 1 "X-A" ""'],
  },
  {
    what: "a namesake changed, and another deleted",
    edit({ headers }, received) {
      headers.delete(received[1]!);
      headers.update(received[4]!, "new");
    },
    says: ['changeHeader 3 "X-A" " new"', 'changeHeader 1 "X-A" ""'],
  },
  {
    what: "a header changed twice",
    edit({ headers }, [, , subject]) {
      headers.update(subject!, "new");
      headers.update(subject!, "newer");
    },
    says: ['changeHeader 1 "Subject" " newer"'],
  },
  {
    what: "a header changed, then deleted",
    edit({ headers }, [, , subject]) {
      headers.update(subject!, "new");
      headers.delete(subject!);
    },
    says: ['changeHeader 1 "Subject" ""'],
  },
  {
    what: "an added header changed",
    edit: ({ headers }) => headers.update(headers.append("X-New", "v"), "w"),
    says: ['addHeader "X-New" " w"'],
  },
  {
    what: "an added header deleted",
    edit: ({ headers }) => headers.delete(headers.append("X-New", "v")),
    says: [],
  },
  {
    what: "a header inserted beside one that was deleted later",
    edit({ headers }, [, , subject]) {
      headers.insert("X-New", "v", { after: subject! });
      headers.delete(subject!);
    },
    says: ['changeHeader 1 "Subject" ""', 'insertHeader 3 "X-New" " v"'],
  },
  {
    what: "the sender",
    edit: (session) => session.changeSender("new@example.com"),
    says: ['changeSender "<new@example.com>"'],
  },
  {
    what: "the sender, twice, with brackets and arguments",
    edit(session) {
      session.changeSender("old@example.com");
      session.changeSender("<new@example.com>", { arguments: ["RET=HDRS", "ENVID=QQ314159"] });
    },
    says: ['changeSender "<new@example.com>" "RET=HDRS ENVID=QQ314159"'],
  },
  { what: "the null sender", edit: (session) => session.changeSender(""), says: ['changeSender "<>"'] },
  {
    what: "recipients, in the order of the calls",
    edit(session) {
      session.removeRecipient("a@example.com");
      session.addRecipient("<b@example.com>");
      session.addRecipient("c@example.com", { arguments: ["NOTIFY=NEVER"] });
      session.addRecipient('"odd name"@example.com', { arguments: [] });
    },
    says: [
      'removeRecipient "<a@example.com>"',
      'addRecipient "<b@example.com>"',
      'addRecipientWithArguments "<c@example.com>" "NOTIFY=NEVER"',
      'addRecipient "<\\"odd name\\"@example.com>"',
    ],
  },
  {
    what: "the body by a text, whose line ends become CRLF",
    edit: (session) => session.body.replace("one\ntwo\r\nthree\rfour"),
    says: ['replaceBody "one\\r\\ntwo\\r\\nthree\\r\\nfour"'],
  },
  {
    what: "the body by bytes, as they are",
    edit: (session) => session.body.replace(Uint8Array.of(0, 10, 13)),
    says: ['replaceBody "\\u0000\\n\\r"'],
  },
  {
    what: "the body by a stream, read to its end",
    edit: (session) => session.body.replace(streamOf("one ", "two")),
    says: ['replaceBody "one two"'],
  },
  {
    what: "the body by an empty stream",
    edit: (session) => session.body.replace(streamOf()),
    says: ['replaceBody ""'],
  },
  {
    what: "the body by a stream, then by a text",
    edit(session) {
      session.body.replace(streamOf("old"));
      session.body.replace("new");
    },
    says: ['replaceBody "new"'],
  },
  {
    what: "a header at an index of the list as it stands",
    edit({ headers }, [from]) {
      headers.delete(from!);
      headers.insert("X-New", "v", 1);
    },
    says: ['changeHeader 1 "From" ""', 'insertHeader 2 "X-New" " v"'],
  },
  {
    what: "a header below the MTA's own",
    edit: ({ headers }) => headers.insert("X-New", "v", "belowReceived"),
    says: ['insertHeader 1 "X-New" " v"'],
  },
  { what: "the body by nothing", edit: (session) => session.body.replace(""), says: ['replaceBody ""'] },
  {
    what: "the body, twice",
    edit: (session) => ["old", "new"].forEach((text) => session.body.replace(text)),
    says: ['replaceBody "new"'],
  },
  {
    what: "a quarantine, twice",
    edit: (session) => ["why", "why not"].forEach((reason) => session.quarantine(reason)),
    says: ['quarantine "why not"'],
  },
  {
    what: "everything, said in the wrong order: envelope, headers, body, quarantine",
    edit(session, [from, first, subject]) {
      session.quarantine("why not");
      session.body.replace("new");
      session.headers.append("X-New", "end");
      session.headers.insert("X-New", "start", "start");
      session.headers.insert("X-New", "inside", { after: from! });
      session.headers.update(subject!, "new");
      session.headers.delete(first!);
      session.addRecipient("b@example.com");
      session.changeSender("new@example.com");
    },
    says: [
      'changeSender "<new@example.com>"',
      'addRecipient "<b@example.com>"',
      'changeHeader 1 "Subject" " new"',
      'changeHeader 1 "X-A" ""',
      'insertHeader 2 "X-New" " inside"',
      'insertHeader 0 "X-New" " start"',
      'addHeader "X-New" " end"',
      'replaceBody "new"',
      'quarantine "why not"',
    ],
  },
];

for (const { what, edit, says } of EDITS) {
  test(`Session edits ${what}`, async () => {
    assertEquals(await edited(edit), [...says, "accept"]);
  });
}

test("Session sends values without the space after the colon where the MTA puts it", async () => {
  const edit = ({ headers }: Session, [from]: readonly Header[]) => {
    headers.append("X-New", "v");
    headers.insert("X-New", "v", "start");
    headers.update(from!, "new");
  };
  assertEquals(await edited(edit, { protocol: 0x1fffff & ~PROTOCOL.LEADING_SPACE }), [
    'changeHeader 1 "From" "new"',
    'insertHeader 0 "X-New" "v"',
    'addHeader "X-New" "v"',
    "accept",
  ]);
});

/** How each MTA counts the place of a header that goes after the second one. */
const COUNTING = [
  { mta: "Postfix", macros: { v: "Postfix 3.7.11" }, index: 3, afterDeletion: 2 },
  { mta: "Sendmail", macros: { v: "8.17.1.9" }, index: 10, afterDeletion: 10 },
  { mta: "a Sendmail that was not asked", macros: { "{if_addr}": "::1" }, index: 10, afterDeletion: 10 },
] as const;

for (const { mta, macros, index, afterDeletion } of COUNTING) {
  test(`Session counts the places of headers as ${mta} does`, async () => {
    const insert = ({ headers }: Session, [, second]: readonly Header[]) =>
      headers.insert("X-New", "v", { after: second! });
    assertEquals(await edited(insert, {}, macros), [`insertHeader ${index} "X-New" " v"`, "accept"]);
    const insertAndDelete = (session: Session, received: readonly Header[]) => {
      insert(session, received);
      session.headers.delete(received[0]!);
    };
    assertEquals(await edited(insertAndDelete, {}, macros), [
      'changeHeader 1 "From" ""',
      `insertHeader ${afterDeletion} "X-New" " v"`,
      "accept",
    ]);
  });
}

test("Session takes edits at every stage, and sends them at the end in one write with the answer", async () => {
  await using mta = await play(async (session) => {
    for (const stage of STAGES) {
      await arrive(session, stage);
      session.headers.append("X-Stage", stage);
      session.addRecipient(`${stage}@example.com`);
    }
    return accept();
  });
  await mta.macros("C", POSTFIX);
  const before = await mta.play(CONVERSATION.slice(0, -1));
  assert(before.every((line) => /: (continue|skip)$/.test(line)), String(before));
  const { reads } = mta;
  assertEquals(await mta.say("endOfMessage"), [
    ...STAGES.map((stage) => `addRecipient "<${stage}@example.com>"`),
    ...STAGES.map((stage) => `addHeader "X-Stage" " ${stage}"`),
    "accept",
  ]);
  assertEquals(mta.reads - reads, 1);
});

test("Session cuts a new body into pieces that the MTA takes, one after the other", async () => {
  const content = Uint8Array.from({ length: 200_000 }, (_, at) => 32 + at % 95);
  for (const [maxChunk, limit] of [[65535, 65535], [262143, 262143], [1048575, 1048575]] as const) {
    const filter = defineFilter({ maxChunk }, (session) => {
      session.headers.append("X-New", "v");
      session.quarantine("why not");
      session.body.replace(content);
      return accept();
    });
    await using mta = await play(filter, { protocol: 0x301fffff });
    await mta.macros("C", POSTFIX);
    await mta.play(CONVERSATION.slice(0, -1));
    const [added, ...rest] = await mta.say("endOfMessage");
    assertEquals(added, 'addHeader "X-New" " v"');
    assertEquals(rest.slice(-2), ['quarantine "why not"', "accept"]);
    assertEquals(rest.length, Math.ceil(content.length / limit) + 2);
    const text = rest.slice(0, -2).map((piece) => JSON.parse(piece.replace(/^replaceBody /, ""))).join("");
    assertEquals(text, new TextDecoder().decode(content));
  }
});

test("Session keeps a new body as it was, whatever becomes of the bytes that were handed in", async () => {
  const buffers = [new TextEncoder().encode("new"), ...nodeBuffers("new")];
  for (const content of buffers) {
    const says = await edited((session) => {
      session.body.replace(content);
      content.fill(0);
    });
    assertEquals(says, ['replaceBody "new"', "accept"]);
  }
});

/** A stream of texts. */
function streamOf(...texts: readonly string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(to) {
      for (const text of texts) to.enqueue(new TextEncoder().encode(text));
      to.close();
    },
  });
}

test("Session replaces the body by what becomes of it", async () => {
  await using mta = await play((session) => {
    const upper = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, to) => to.enqueue(chunk.map((byte) => byte >= 0x61 ? byte - 0x20 : byte)),
    });
    session.body.replace(session.body.stream().pipeThrough(upper));
    return accept();
  });
  await mta.play(LETTER.slice(0, -1));
  assertEquals(await mta.say({ type: "body", chunk: "one " }), ["continue"]);
  assertEquals(await mta.say({ type: "body", chunk: "two" }), ["continue"]);
  assertEquals(await mta.say("endOfMessage"), ['replaceBody "ONE TWO"', "accept"]);
});

/** Streams that fail, and what is said of them. */
const BROKEN: readonly (readonly [what: string, source: () => AsyncIterable<Uint8Array>, message: string])[] =
  [
    ["fails", () => chunksOf(new TextEncoder().encode("half"), new Error("no more")), "no more"],
    ["gives text", () => chunksOf("text"), "Cannot replace the body: its stream gave string, not bytes"],
  ];

async function* chunksOf(...items: readonly unknown[]): AsyncGenerator<Uint8Array> {
  for (const item of items) {
    if (item instanceof Error) throw item;
    await Promise.resolve();
    yield item as Uint8Array;
  }
}

for (const [what, source, message] of BROKEN) {
  test(`Session sends no half body where its stream ${what}: the filter has failed`, async () => {
    for (
      const [onError, at, answer] of [["tempfail", "connect", "tempfail"], [
        "accept",
        "mail",
        "accept",
      ]] as const
    ) {
      await using mta = await play((session) => {
        session.body.replace(source());
        session.headers.append("X-New", "v");
        return accept();
      }, { onError });
      const answers = await mta.play(CONVERSATION);
      const [entry] = mta.takeLogs();
      assertEquals(entry?.message, `The filter failed: ${message}`);
      assertEquals(answers.filter((line) => !line.endsWith(": continue")).join(), `${at}: ${answer}`);
    }
  });
}

test("Session lets go of the stream of a body when the message is aborted", async () => {
  let letGo = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      while (true) {
        await delay(1);
        yield new Uint8Array(1);
      }
    } finally {
      letGo = true;
    }
  }
  await using mta = await play((session) => {
    session.body.replace(endless());
    return accept();
  }, { timeouts: { halfOpen: 20 } });
  const answered = mta.say("connect");
  await delay(5);
  mta.wire.end();
  await assertRejects(() => answered, Error, "the filter has closed");
  for (let turn = 0; turn < 100 && !letGo; turn++) await delay(5);
  assertEquals(letGo, true);
  assertEquals(mta.takeLogs().map(({ level }) => level), ["warning"]);
});

test("Session encodes what is not ASCII, unless the message is under SMTPUTF8", async () => {
  for (const [words, value] of [[[], " =?UTF-8?B?R3LDtsOfZQ==?="], [["SMTPUTF8"], " Größe"]] as const) {
    await using mta = await play(async (session) => {
      await session.envelopeFrom();
      session.headers.append("X-New", "Größe");
      return accept();
    });
    await mta.macros("C", POSTFIX);
    await mta.play([...GREETING, { type: "mail", address: "<a@x.example>", arguments: words }]);
    await mta.play(["rcpt", "data", "endOfHeaders"]);
    assertEquals(await mta.say("endOfMessage"), [`addHeader "X-New" ${JSON.stringify(value)}`, "accept"]);
  }
});

test("Session tells what the MTA will be told, and warns of what it cannot do", async () => {
  const warnings: string[] = [];
  const plans: string[] = [];
  await using mta = await play(async (session) => {
    const [from] = await session.headers.collect();
    session.headers.insert("X-New", "v", { after: from! });
    plans.push(session.plan().explain());
    return accept();
  }, { onWarning: ({ message, stage }) => warnings.push(`${stage}: ${message}`) });
  await mta.play(LETTER);
  assertEquals(await mta.say("endOfMessage"), ['insertHeader 2 "X-New" " v"', "accept"]);
  const warning =
    "The MTA, which has not told its name, may count headers as Postfix does or as Sendmail does: " +
    'header X-New may not come to stand below From but above it; choose "start", "belowReceived" or "end" for it';
  assertEquals(plans, [`1. insert header X-New: "v" at index 2, below From\nWarning: ${warning}`]);
  assertEquals(warnings, [`endOfMessage: ${warning}`]);
});

/** A Buffer is a Uint8Array whose `slice` copies nothing. */
function nodeBuffers(text: string): Uint8Array[] {
  const { Buffer } = globalThis as { Buffer?: { from(text: string): Uint8Array } };
  return Buffer === undefined ? [] : [Buffer.from(text)];
}

/** What no edit may hold. */
const BAD: readonly (readonly [what: string, edit: (session: Session, header: Header) => void])[] = [
  ["a name that is empty", ({ headers }) => headers.append("", "v")],
  ["a name with a colon", ({ headers }) => headers.append("X:Y", "v")],
  ["a name with a space", ({ headers }) => headers.append("X Y", "v")],
  ["a name with a NUL", ({ headers }) => headers.insert("X\0", "v", "start")],
  ["a name with a CR", ({ headers }) => headers.append("X\r", "v")],
  ["a name with a line break", ({ headers }) => headers.append("X\n", "v")],
  ["a name that is not ASCII", ({ headers }) => headers.append("Größe", "v")],
  ["a name that is no string", ({ headers }) => headers.append(7 as unknown as string, "v")],
  ["a value with a NUL", ({ headers }) => headers.append("X", "\0")],
  ["a value with a CR", ({ headers }) => headers.append("X", "a\r b")],
  ["a value with CRLF", ({ headers }) => headers.append("X", "a\r\n b")],
  ["a value with a bare LF", ({ headers }) => headers.append("X", "a\nb")],
  ["a value that ends with LF", ({ headers }) => headers.append("X", "a\n")],
  ["a value with a line of 999 bytes", ({ headers }) => headers.append("X", "v".repeat(996))],
  ["a value with a fold of 999 bytes", ({ headers }) => headers.append("X", `a\n ${"v".repeat(998)}`)],
  ["a value that is no string", ({ headers }) => headers.append("X", 7 as unknown as string)],
  ["a new value with a NUL", ({ headers }, header) => headers.update(header, "\0")],
  ["a new value with a bare LF", ({ headers }, header) => headers.update(header, "a\nb")],
  ["a new value that is empty", ({ headers }, header) => headers.update(header, "")],
  ["a header that is none of this message", ({ headers }, header) => headers.update({ ...header }, "v")],
  ["a header that was deleted", ({ headers }) => {
    const added = headers.append("X", "v");
    headers.delete(added);
    headers.update(added, "w");
  }],
  ["a header that was deleted, again", ({ headers }) => {
    const added = headers.append("X", "v");
    headers.delete(added);
    headers.delete(added);
  }],
  ["a header that is undefined", ({ headers }) => headers.delete(undefined as unknown as Header)],
  ["a place that is none", ({ headers }) => headers.insert("X", "v", "top" as "start")],
  ["a place that is undefined", ({ headers }) => headers.insert("X", "v", undefined as unknown as "start")],
  ["a place beside an unknown header", ({ headers }, header) => {
    headers.insert("X", "v", { before: { ...header } });
  }],
  ["a sender with a line break", (session) => session.changeSender("a@example.com\r\nRCPT TO:<b@c>")],
  ["a sender with a NUL", (session) => session.changeSender("a\0@example.com")],
  ["a sender with brackets inside", (session) => session.changeSender("a@example.com> <b@example.com")],
  ["a sender that is no string", (session) => session.changeSender(undefined as unknown as string)],
  ["a sender's argument with a space", (session) => session.changeSender("a@b", { arguments: ["RET=A B"] })],
  ["a sender's argument with a NUL", (session) => session.changeSender("a@b", { arguments: ["RET=\0"] })],
  ["a recipient with a line break", (session) => session.addRecipient("a@example.com\n")],
  ["a recipient with a space", (session) => session.addRecipient("a b@example.com")],
  ["a recipient that is empty", (session) => session.addRecipient("")],
  ["a recipient to remove that is empty", (session) => session.removeRecipient("<>")],
  ["a recipient to remove with a line break", (session) => session.removeRecipient("a@example.com\r\n")],
  ["a recipient's argument with CRLF", (session) => session.addRecipient("a@b", { arguments: ["X=\r\n"] })],
  ["a body that is neither text nor bytes", (session) => session.body.replace([1] as unknown as Uint8Array)],
  ["a reason that is empty", (session) => session.quarantine("")],
  ["a reason with a line break", (session) => session.quarantine("why\r\nnot")],
  ["a reason with a NUL", (session) => session.quarantine("why\0")],
];

for (const [what, edit] of BAD) {
  test(`Session refuses ${what} with a TypeError, at the call and without an edit`, async () => {
    const errors: unknown[] = [];
    const says = await edited((session, [header]) => {
      errors.push(assertThrows(() => edit(session, header!), TypeError));
    });
    assertEquals([says, errors.length], [["accept"], 1]);
  });
}

/** Each edit, and the action that it needs. */
const ACTIONS: readonly (readonly [
  name: keyof typeof ACTION,
  edit: (session: Session, header: Header) => void,
])[] = [
  ["ADD_HEADERS", ({ headers }) => headers.append("X", "v")],
  ["ADD_HEADERS", ({ headers }) => headers.insert("X", "v", "start")],
  ["CHANGE_HEADERS", ({ headers }, header) => headers.update(header, "v")],
  ["CHANGE_HEADERS", ({ headers }, header) => headers.delete(header)],
  ["CHANGE_BODY", ({ body }) => body.replace("")],
  ["CHANGE_SENDER", (session) => session.changeSender("a@example.com")],
  ["ADD_RECIPIENT", (session) => session.addRecipient("a@example.com")],
  ["ADD_RECIPIENT_ARGUMENTS", (session) => session.addRecipient("a@b", { arguments: ["NOTIFY=NEVER"] })],
  ["REMOVE_RECIPIENT", (session) => session.removeRecipient("a@example.com")],
  ["QUARANTINE", (session) => session.quarantine("why not")],
];

test("Session refuses an edit that the MTA does not offer with NOT_AGREED, at the call", async () => {
  for (const [name, edit] of ACTIONS) {
    let refusal: MilterError | undefined;
    const says = await edited((session, [header]) => {
      refusal = assertThrows(() => edit(session, header!), MilterError, name);
    }, { actions: 0x1ff & ~ACTION[name] });
    assertEquals([refusal?.code, says], ["NOT_AGREED", ["accept"]], name);
  }
});

test("Session refuses an edit that was not declared with NOT_AGREED, at the call", async () => {
  for (const [name, edit] of ACTIONS) {
    const codes: string[] = [];
    await using mta = await play(defineFilter({ edits: [] }, async (session) => {
      const [header] = await session.headers.collect();
      codes.push(assertThrows(() => edit(session as Session, header!), MilterError).code);
      return accept();
    }));
    await mta.play(CONVERSATION);
    assertEquals(codes, ["NOT_AGREED"], name);
  }
});

test("Session fails a quarantine that the MTA does not offer as a filter that failed", async () => {
  await using mta = await play(() => quarantine("why not"), { actions: 0 });
  assertEquals(await mta.play(CONVERSATION), ["connect: tempfail"]);
  const [entry] = mta.takeLogs();
  assertInstanceOf(entry?.error, MilterError);
  assertEquals(entry.error.code, "NOT_AGREED");
});

test("An MTA that lacks an edit that a filter declares is refused", async () => {
  const declared: readonly (readonly [NonNullable<Declaration["edits"]>[number], keyof typeof ACTION])[] = [
    ["headers", "ADD_HEADERS"],
    ["headers", "CHANGE_HEADERS"],
    ["body", "CHANGE_BODY"],
    ["sender", "CHANGE_SENDER"],
    ["recipients", "ADD_RECIPIENT"],
    ["recipients", "REMOVE_RECIPIENT"],
    ["quarantine", "QUARANTINE"],
  ];
  for (const [kind, name] of declared) {
    const codes: unknown[] = [];
    const log = ({ error }: { readonly error?: unknown }) =>
      codes.push(error instanceof MilterError && error.code);
    const filter = defineFilter({ edits: [kind] }, accept);
    await assertRejects(
      () => play(filter, { actions: 0x1ff & ~ACTION[name], log }),
      Error,
      "the filter has closed",
    );
    assertEquals(codes, ["NEGOTIATION"], name);
  }
});

test("Session refuses edits after the verdict", async () => {
  let session: Session | undefined;
  await using mta = await play(async (live) => {
    session = live;
    await live.headers.collect();
    return live.headers.append("X-New", "v") && accept();
  });
  await mta.macros("C", POSTFIX);
  await mta.play(CONVERSATION.slice(0, -1));
  const [header] = [{} as Header];
  for (const [name, edit] of ACTIONS) {
    const error = assertThrows(
      () => edit(session!, header),
      MilterError,
      "the verdict of the message has been given",
    );
    assertEquals(error.code, "SETTLED", name);
  }
  assertEquals(await mta.say("endOfMessage"), ['addHeader "X-New" " v"', "accept"]);
});

test("Session tells of progress at the end of the message, and nowhere else", async () => {
  const told: boolean[] = [];
  let late: (() => boolean) | undefined;
  await using mta = await play(async (session) => {
    for (const stage of STAGES) {
      await arrive(session, stage);
      told.push(session.progress());
    }
    session.headers.append("X-New", "v");
    session.progress();
    late = () => session.progress();
    return accept();
  });
  await mta.macros("C", POSTFIX);
  const before = await mta.play(CONVERSATION.slice(0, -1));
  assert(before.every((line) => /: (continue|skip)$/.test(line)), String(before));
  assertEquals(await mta.say("endOfMessage"), [
    "progress",
    "progress",
    'addHeader "X-New" " v"',
    "accept",
  ]);
  assertEquals(told, STAGES.map((stage) => stage === "endOfMessage"));
  assertEquals(late!(), false);
});
