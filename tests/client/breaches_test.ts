/** Milters that do wrong: the caller gets an error that names it, and nothing is left open. */

import { callMilters, connect, type DefaultAction, send } from "../../src/client/mod.ts";
import { type ErrorCode, MilterError } from "../../src/errors.ts";
import { encodeReply, type Reply, type Text } from "../../src/protocol/mod.ts";
import { assert, assertEquals, assertMatch, assertRejects, test } from "../harness.ts";
import { concat, latin1 } from "../bytes.ts";
import { AGREED, RawMilter, type RawScript } from "./raw_milter.ts";

const MAIL = "Subject: Hello\n\nOne\nTwo\n";
const ENVELOPE = { from: "a@client.example", to: "b@mx.example" } as const;
/** Replies that come in one piece. */
const together = (...replies: Reply<Text>[]) => concat(replies.map(encodeReply));

const CONTINUE = { type: "continue" } as const;

/** A breach of the protocol, and what the caller is told of it. */
interface Breach {
  readonly name: string;
  readonly script: RawScript;
  readonly code: ErrorCode;
  readonly message: RegExp;
  /** How long an answer may take, in milliseconds. */
  readonly patience?: number;
}

const BREACHES: readonly Breach[] = [
  {
    name: "closes instead of negotiating",
    script: { negotiate: "close" },
    code: "CONNECTION",
    message: /the milter has closed the connection/,
  },
  {
    name: "resets the connection",
    script: { mail: "reset" },
    code: "CONNECTION",
    message: /the milter has closed the connection/,
  },
  {
    name: "never negotiates",
    script: { negotiate: "nothing" },
    code: "TIMEOUT",
    message: /has not answered negotiate for 0\.1 s/,
    patience: 100,
  },
  {
    name: "hangs at the end of the message",
    script: { endOfMessage: "nothing" },
    code: "TIMEOUT",
    message: /has not answered endOfMessage for 0\.1 s/,
    patience: 100,
  },
  {
    name: "closes in the middle of the message",
    script: { body: "close" },
    code: "CONNECTION",
    message: /the milter has closed the connection/,
  },
  {
    name: "answers with half a packet and closes",
    script: {
      endOfMessage: () => [encodeReply({ type: "replyCode", text: "550 No" }).subarray(0, 7)],
      quit: "close",
    },
    code: "TIMEOUT",
    message: /has not answered endOfMessage/,
    patience: 100,
  },
  {
    name: "answers twice",
    script: { mail: [together(CONTINUE, { type: "reject" })] },
    code: "ORDER",
    message: /Cannot take reject: no command waits/,
  },
  {
    name: "answers where nothing is asked",
    script: { helo: [together(CONTINUE, { type: "accept" })] },
    code: "ORDER",
    message: /Cannot take accept: no command waits/,
  },
  {
    name: "asks for a version that was not offered",
    script: { negotiate: [{ ...AGREED, version: 7 }] },
    code: "NEGOTIATION",
    message: /speaks version 7/,
  },
  {
    name: "asks for an action that was not offered",
    script: { negotiate: [{ ...AGREED, actions: 0x400 }] },
    code: "NEGOTIATION",
    message: /actions that were not offered: 0x400/,
  },
  {
    name: "edits the body without having agreed on it",
    script: {
      negotiate: [{ ...AGREED, actions: 0x10 }],
      endOfMessage: [{ type: "replaceBody", chunk: "new" }, CONTINUE],
    },
    code: "NOT_AGREED",
    message: /Cannot answer endOfMessage by replaceBody: CHANGE_BODY was not negotiated/,
  },
  {
    name: "edits before the end of the message",
    script: { header: [{ type: "addHeader", name: "X-Soon", value: "1" }, CONTINUE] },
    code: "ORDER",
    message: /Cannot answer header by addHeader/,
  },
  {
    name: "skips what is no body",
    script: { mail: [{ type: "skip" }] },
    code: "ORDER",
    message: /Cannot answer mail by skip/,
  },
  {
    name: "says something unknown",
    script: { rcpt: [latin1("\0\0\0\x01z")] },
    code: "MESSAGE",
    message: /there is none with the code 0x7a/,
  },
  {
    name: "announces 4 GB",
    script: { data: [latin1("\xff\xff\xff\xffy")] },
    code: "LIMIT",
    message: /4,?294,?967,?295|over the limit/,
  },
  {
    name: "says an empty packet",
    script: { data: [latin1("\0\0\0\0")] },
    code: "FRAME",
    message: /its length is 0/,
  },
  {
    name: "speaks HTTP",
    script: { negotiate: [latin1("HTTP/1.1 400 Bad Request\r\n\r\n")] },
    code: "LIMIT",
    message: /its length of 1213486160 bytes is over the limit/,
  },
  {
    name: "refuses with a bare line break",
    script: { mail: [{ type: "replyCode", text: "550 One\nTwo" }] },
    code: "MESSAGE",
    message: /its text is no SMTP reply/,
  },
  {
    name: "refuses with a code of success",
    script: { mail: [{ type: "replyCode", text: "250 Fine" }] },
    code: "MESSAGE",
    message: /its text is no SMTP reply/,
  },
];

for (const { name, script, code, message, patience = 5000 } of BREACHES) {
  test(`send tells of a milter that ${name}`, async () => {
    await using milter = await RawMilter.listen(script);
    const timeouts = { command: patience, content: patience };
    const error = await assertRejects(
      () => send(milter.address, MAIL, { ...ENVELOPE, timeouts }),
      MilterError,
    );
    assertEquals([error.code, error.side], [code, "peer"]);
    assertMatch(error.message, message);
    await milter.left();
  });
}

/** What each default action makes of a message, by the MTA. */
const ACTIONS: readonly (readonly [action: DefaultAction, postfix: string, sendmail: string | undefined])[] =
  [
    ["tempfail", "tempfailed", "tempfailed"],
    ["reject", "rejected", "rejected"],
    ["accept", "accepted", "accepted"],
    ["quarantine", "quarantined", undefined],
    ["shutdown", "tempfailed", "tempfailed"],
  ];

for (const mta of ["postfix", "sendmail"] as const) {
  for (const [defaultAction, ...outcomes] of ACTIONS) {
    const expected = outcomes[mta === "postfix" ? 0 : 1];
    if (expected === undefined) continue;
    test(`callMilters with "${defaultAction}" for a milter that fails, by the rules of ${mta}`, async () => {
      for (const script of [{ negotiate: "close" }, { rcpt: "close" }, { endOfMessage: "close" }] as const) {
        await using milter = await RawMilter.listen(script);
        await using session = await callMilters(milter.address, { mta, defaultAction });
        const result = await session.send(MAIL, ENVELOPE);
        const at = Object.keys(script)[0];
        assertEquals(result.outcome, expected, at);
        assertEquals(result.milters[0]?.failure?.code, "CONNECTION", at);
        assertEquals(result.message !== undefined, ["accepted", "quarantined"].includes(expected), at);
      }
    });
  }
}

test("a milter that fails is done without, and the others are asked on", async () => {
  await using broken = await RawMilter.listen({ data: "close" });
  await using sound = await RawMilter.listen({
    endOfMessage: [{ type: "addHeader", name: "X-Sound", value: "yes" }, CONTINUE],
  });
  await using session = await callMilters([broken.address, sound.address], { defaultAction: "accept" });
  for (const _ of [1, 2]) {
    const result = await session.send(MAIL, ENVELOPE);
    assertEquals([result.outcome, result.message?.get("X-Sound")], ["accepted", "yes"]);
  }
  assertEquals(broken.heard.filter(({ type }) => type === "mail").length, 1);
});

test("nobody listens: the error says so", async () => {
  let address;
  {
    await using milter = await RawMilter.listen({});
    address = milter.address;
  }
  const error = await assertRejects(() => connect(address), MilterError);
  assertEquals(error.code, "CONNECTION");
  assertMatch(error.message, /^Cannot connect to inet:\d+@127\.0\.0\.1: nobody listens there$/);
  const unix = await assertRejects(() => connect("unix:/nowhere/at.all"), MilterError);
  assertMatch(unix.message, /^Cannot connect to unix:\/nowhere\/at\.all: the path does not exist$/);
});

test("a signal ends what waits, and the connection", async () => {
  await using milter = await RawMilter.listen({ mail: "nothing" });
  const controller = new AbortController();
  await using session = await connect(milter.address, { signal: controller.signal });
  const mail = session.mail("a@client.example");
  setTimeout(() => controller.abort(new Error("enough")), 20);
  const error = await assertRejects(() => mail, Error);
  assertEquals(error.message, "enough");
  const after = await assertRejects(() => session.rcpt("b@mx.example"), MilterError);
  assertEquals(after.code, "CONNECTION");
  await assertRejects(() => connect(milter.address, { signal: controller.signal }), Error);
});

test("a milter that floods a session which asks nothing is cut off", async () => {
  const flood = new Uint8Array(65_536).fill(0x63);
  await using milter = await RawMilter.listen({
    mail: [CONTINUE, ...Array.from({ length: 40 }, () => flood)],
  });
  await using session = await connect(milter.address);
  await session.mail("a@client.example");
  await milter.left();
  const error = await assertRejects(() => session.rcpt("b@mx.example"), MilterError);
  assertEquals([error.code, error.side], ["LIMIT", "peer"]);
});

test("PROGRESS starts the time for an answer anew, up to the time in all", async () => {
  const progress = encodeReply({ type: "progress" });
  const patient = { content: 1500, total: 10_000 };
  await using slow = await RawMilter.listen({
    endOfMessage: [progress, 800, progress, 800, { type: "accept" }],
  });
  assertEquals((await send(slow.address, MAIL, { ...ENVELOPE, timeouts: patient })).outcome, "accepted");

  await using endless = await RawMilter.listen({
    endOfMessage: Array.from({ length: 20 }, () => [progress, 50]).flat(),
  });
  const timeouts = { content: 5000, total: 200 };
  const error = await assertRejects(
    () => send(endless.address, MAIL, { ...ENVELOPE, timeouts }),
    MilterError,
  );
  assertEquals(error.code, "TIMEOUT");
});

test("options that are none are refused before anything is sent", async () => {
  const bad: readonly (readonly [options: object, message: RegExp])[] = [
    [{ mta: "exim" }, /mta must be one of postfix, sendmail/],
    [{ mta: "sendmail", defaultAction: "quarantine" }, /sendmail has no defaultAction "quarantine"/],
    [{ negotiate: { version: 7 } }, /negotiate\.version must be one of/],
    [{ timeouts: { command: 0 } }, /timeouts\.command is no positive number/],
    [{ maxMessage: 0 }, /maxMessage is no positive number/],
    [{ client: { port: 1e6 } }, /client\.port 1000000 is no port/],
    [{ helo: "two\nlines" }, /helo is no line of text/],
  ];
  for (const [options, message] of bad) {
    const error = await assertRejects(() => callMilters("inet:1@127.0.0.1", options), TypeError);
    assertMatch(error.message, message);
  }
  await assertRejects(() => callMilters([]), TypeError);
  await assertRejects(() => callMilters("nonsense"), TypeError);
  await using milter = await RawMilter.listen({});
  await assertRejects(() => send(milter.address, MAIL, { from: "a", to: [] }), TypeError);
  await assertRejects(() => send(milter.address, MAIL, { from: "a\r\nb", to: "b" }), TypeError);
  assert(milter.heard.every(({ type }) => type === "negotiate" || type === "quit"));
});
