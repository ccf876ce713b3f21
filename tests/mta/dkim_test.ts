/** DKIM as the judge of bytes: signatures hold in a filter's hands, after its edits, and if a filter has made them. */

import signDkim from "../../examples/sign_dkim.ts";
import { accept, type Filter, serve, type Session } from "../../mod.ts";
import { PROTOCOL } from "../../src/protocol/mod.ts";
import { assertBytes, latin1 } from "../bytes.ts";
import { type Canonicalization, KEYS, passing, sign, verify } from "../dkim.ts";
import { assertEquals, toBytes } from "../harness.ts";
import { nextMail } from "./edits/delivered.ts";
import { deliver, open } from "./mail.ts";
import type { Mta } from "./mta.ts";
import { testOnEachMta } from "./on_each_mta.ts";
import { SmtpClient } from "./smtp_client.ts";
import { understate } from "./understate.ts";

const RELAXED: readonly Canonicalization[] = ["relaxed/relaxed", "relaxed/simple"];

const HEADERS =
  "From: Sender <sender@example.test>\r\nTo: one@example.test\r\nMessage-Id: <m1@example.test>\r\n" +
  "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n";

/** Messages by what is odd about them. */
const MESSAGES: Readonly<Record<string, string>> = {
  nothing: `Subject: hello\r\n${HEADERS}\r\nbody\r\n`,
  "folded headers":
    `Subject: a\r\n folded\r\n\tsubject  \r\n   here\t\r\nX-At-Once:\r\n b\r\n${HEADERS}\r\nbody\r\n`,
  "tabs, blanks or nothing after the colon":
    `Subject:\ttab\r\nX-None:none\r\nX-Many:   \t many\r\nX-Empty:\r\nX-Blank: \r\n${HEADERS}\r\nbody\r\n`,
  "blanks at the end of lines":
    `Subject: hello  \t\r\n${HEADERS}\r\nbody  \r\n\tbody\t\r\n  \r\n\r\nx  y\t z\r\n`,
  "bytes beyond ASCII":
    `Subject: gr\xc3\xbc\xc3\x9fe\r\nX-Latin: \xe4\xf6\r\n${HEADERS}\r\ngr\xfc\xdfe \xe2\x82\xac\r\n`,
  "no body": `Subject: hello\r\n${HEADERS}\r\n`,
  "empty lines at the end": `Subject: hello\r\n${HEADERS}\r\nbody\r\n\r\n\r\n`,
  "no line end at the end": `Subject: hello\r\n${HEADERS}\r\nbody`,
  dots: `Subject: hello\r\n${HEADERS}\r\n.\r\n..\r\n.x\r\n`,
  namesakes:
    `Subject: hello\r\nReceived: a\r\nX-A: 1\r\nx-a: 2\r\nReceived: b\r\n${HEADERS}X-A: 3\r\n\r\nbody\r\n`,
  "a long body": `Subject: hello\r\n${HEADERS}\r\n${`${"x".repeat(70)}\r\n`.repeat(4_000)}`,
  "a long header": `References: ${
    "<a@example.test>\r\n ".repeat(100)
  }<b@example.test>\r\n${HEADERS}\r\nbody\r\n`,
  "addresses of all kinds":
    `Cc: "A, B" <a@example.test>,\r\n\tb@example.test (c d), =?utf-8?q?x?= <X@Example.TEST>\r\n` +
    `Reply-To:<a@example.test>\r\n${HEADERS}\r\nbody\r\n`,
};

/** Sendmail writes lists of addresses anew, which signs of `simple` headers do not outlive. */
function outlive(mta: Mta, what: string): readonly Canonicalization[] | undefined {
  return mta.name === "sendmail" && what === "addresses of all kinds" ? RELAXED : undefined;
}

/** Sends messages one after the other in one SMTP session, and gives them as they are delivered. */
async function* exchange(
  mta: Mta,
  messages: Iterable<readonly [what: string, message: string]>,
): AsyncGenerator<{ readonly what: string; readonly sent: Uint8Array; readonly delivered: Uint8Array }> {
  const client = SmtpClient.to(mta.smtp);
  await open(client);
  for (const [what, message] of messages) {
    const count = mta.delivered().length;
    assertEquals((await deliver(client, { message })).refused, {}, what);
    const { data } = await nextMail(mta, count);
    yield {
      what,
      sent: latin1(message.endsWith("\r\n") ? message : `${message}\r\n`),
      delivered: latin1(data),
    };
  }
  await client.quit();
}

/** The messages, signed in all ways: once for all tests. */
const SIGNED_MESSAGES = Promise.all(
  Object.entries(MESSAGES).map(async ([what, message]) =>
    [what, await sign(latin1(message)) + message] as const
  ),
);

testOnEachMta("message() is what was signed, and so is the mail that is delivered", async (mta, options) => {
  let seen: Uint8Array = new Uint8Array();
  await using _server = await serve(async (session) => {
    await session.envelopeFrom();
    seen = await toBytes(session.message());
    return accept();
  }, options);
  for await (const { what, sent, delivered } of exchange(mta, await SIGNED_MESSAGES)) {
    assertBytes(seen, sent);
    assertEquals(await verify(seen), passing(), `${what}, in the filter`);
    assertEquals(
      (await verify(delivered)).filter(isPass),
      passing(outlive(mta, what)),
      `${what}, as delivered`,
    );
  }
});

testOnEachMta(
  "message() without leading space is as good wherever a blank stood after the colon",
  async (mta, options) => {
    let seen: Uint8Array = new Uint8Array();
    const listen = { host: "127.0.0.1", port: 0 };
    await using server = await serve(async (session) => {
      await session.envelopeFrom();
      seen = await toBytes(session.message());
      return accept();
    }, { ...options, listen });
    await using _relay = await understate(mta.milter, server.address, PROTOCOL.LEADING_SPACE);
    for await (const { what, sent } of exchange(mta, await SIGNED_MESSAGES)) {
      const lines = new TextDecoder("latin1").decode(sent).split("\r\n\r\n", 1)[0]!.split(/\r\n(?![ \t])/);
      const known = lines.every((line) => /^[^:]+: /.test(line));
      assertEquals((await verify(seen)).filter(isPass), passing(known ? undefined : RELAXED), what);
    }
  },
);

function isPass(judgement: string): boolean {
  return judgement.endsWith(": pass");
}

/** What a filter does to a signed mail, and in which ways of signing it still holds. */
interface SignedEdit {
  readonly what: string;
  readonly edit: (session: Session) => unknown;
  /** All by default. */
  readonly holds?: readonly Canonicalization[];
}

const BODY = "one line\r\nanother\r\n";
const SIGNED =
  `X-Unsigned: 1\r\nSubject: a subject\r\nX-A: 1\r\nX-A: 2\r\n${HEADERS}X-Unsigned: 2\r\n\r\n${BODY}`;

const EDITS: readonly SignedEdit[] = [
  {
    what: "headers above it, and between those that are signed",
    edit: async ({ headers }) => {
      headers.insert("Authentication-Results", "mx.example.test; dkim=pass", "start");
      headers.insert("X-Unsigned", "3", "belowReceived");
      headers.insert("X-Unsigned", "4", { after: (await headers.get("Subject"))! });
      headers.append("X-Unsigned", "5");
    },
  },
  {
    what: "headers that are not signed, changed and deleted",
    edit: async ({ headers }) => {
      const [one, two] = await headers.getAll("X-Unsigned");
      headers.update(one!, "other");
      headers.delete(two!);
    },
  },
  {
    what: "a second Subject above the one that is signed",
    edit: async ({ headers }) =>
      void headers.insert("Subject", "b", { before: (await headers.get("Subject"))! }),
  },
  { what: "a second Subject below it", edit: ({ headers }) => headers.append("Subject", "b"), holds: [] },
  {
    what: "another Subject",
    edit: async ({ headers }) => headers.update((await headers.get("Subject"))!, "b subject"),
    holds: [],
  },
  {
    what: "no Subject",
    edit: async ({ headers }) => headers.delete((await headers.get("Subject"))!),
    holds: [],
  },
  {
    what: "the same Subject elsewhere",
    edit: async ({ headers }) => {
      const subject = (await headers.get("Subject"))!;
      headers.delete(subject);
      headers.append("Subject", subject.value);
    },
  },
  {
    what: "the same Subject in other lines",
    edit: async ({ headers }) => headers.update((await headers.get("Subject"))!, "a\n subject"),
    holds: RELAXED,
  },
  {
    what: "namesakes in another order",
    edit: async ({ headers }) => {
      const [one, two] = await headers.getAll("X-A");
      headers.update(one!, "2");
      headers.update(two!, "1");
    },
    holds: [],
  },
  {
    what: "namesakes that have come into another order and back",
    edit: async ({ headers }) => {
      const [one, two] = await headers.getAll("X-A");
      headers.insert("X-A", "1", { before: two! });
      headers.delete(one!);
    },
  },
  { what: "the same body", edit: async ({ body }) => body.replace(await body.collect()) },
  { what: "the same body, streamed", edit: ({ body }) => body.replace(body.stream()) },
  { what: "empty lines below the body", edit: ({ body }) => body.replace(`${BODY}\r\n\r\n`) },
  {
    what: "blanks at the end of lines",
    edit: ({ body }) => body.replace(BODY.replaceAll("\r\n", " \r\n")),
    holds: ["relaxed/relaxed", "simple/relaxed"],
  },
  { what: "another body", edit: ({ body }) => body.replace(`${BODY}.\r\n`), holds: [] },
  { what: "another envelope", edit: (session) => session.changeSender("new@example.test") },
];

testOnEachMta("signatures outlive the edits that DKIM allows, and no others", async (mta, options) => {
  let edit: SignedEdit["edit"] = () => {};
  await using _server = await serve(async (session) => {
    await session.envelopeFrom();
    await edit(session);
    return accept();
  }, options);
  const message = await sign(latin1(SIGNED)) + SIGNED;
  const mails = exchange(mta, EDITS.map(({ what }) => [what, message] as const));
  for (const { what, edit: now, holds } of EDITS) {
    edit = now;
    const { value } = await mails.next();
    assertEquals((await verify(value!.delivered)).filter(isPass), passing(holds), what);
  }
  await mails.return(undefined);
});

/** Signs in all ways, each signature above the one before. */
const signEverything: Filter = async (session) => {
  const signatures = await sign(await toBytes(session.message()));
  for (const line of signatures.trim().split(/\r\n(?![ \t])/).reverse()) {
    const [, name, value] = /^([^:]+): (.*)$/s.exec(line)!;
    session.headers.insert(name!, value!.replaceAll("\r\n", "\n"), "start");
  }
  return accept();
};

testOnEachMta("a filter signs in all ways, and the mail that is delivered verifies", async (mta, options) => {
  await using _server = await serve(signEverything, options);
  for await (const { what, delivered } of exchange(mta, Object.entries(MESSAGES))) {
    assertEquals((await verify(delivered)).filter(isPass), passing(outlive(mta, what)), what);
  }
});

testOnEachMta(
  "the example sign_dkim signs, and the mail that is delivered verifies",
  async (mta, options) => {
    await using _server = await serve(signDkim(KEYS[0]!), options);
    for await (const { what, delivered } of exchange(mta, Object.entries(MESSAGES))) {
      assertEquals(await verify(delivered), ["rsa-sha256 relaxed/relaxed: pass"], what);
    }
  },
);
