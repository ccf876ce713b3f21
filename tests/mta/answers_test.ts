/** How many answers a mail costs, counted on the wire: each is a round trip for which the MTA waits. */

import { accept, compose, defineFilter, type Filter, reject, type Session, shadow } from "../../mod.ts";
import { assertEquals } from "../harness.ts";
import { deliver, HEADERS, messageOf, open } from "./mail.ts";
import { testOnEachMta } from "./on_each_mta.ts";
import { SmtpClient } from "./smtp_client.ts";
import { type Said, serveTapped } from "./wiretap.ts";

const REJECT = reject("550 5.7.1 No");

/** Five headers, and a body of three chunks, to two recipients. */
const MESSAGE = messageOf("hello", `${"x".repeat(70)}\r\n`.repeat(2_000), HEADERS);

/** Reads everything. */
async function readAll(session: Session): Promise<void> {
  for await (const _ of session.envelopeRecipients());
  await session.headers.collect();
  await session.body.collect();
}

const MAIL = ["mail: continue"];
const ENVELOPE = [...MAIL, "rcpt: continue", "rcpt: continue", "data: continue"];
const HEADERS_END = "endOfHeaders: continue";
const BODY = ["body: continue", "body: continue", "body: continue"];
const ONE = ["endOfMessage: accept"];

interface Cost {
  readonly name: string;
  readonly filter: Filter;
  /** The answers to CONNECT and HELO, once for a connection; none by default. */
  readonly greeting?: readonly string[];
  /** The answers to a mail. */
  readonly mail: readonly string[];
}

const GREETING = ["connect: continue", "helo: continue"];

const COSTS: readonly Cost[] = [
  // What a function costs that declares nothing: an answer for each event, single headers excepted.
  {
    name: "a function that reads everything",
    filter: async (session) => (await readAll(session), accept()),
    greeting: GREETING,
    mail: [...ENVELOPE, HEADERS_END, ...BODY, ...ONE],
  },
  {
    name: "a function that goes for the end of the message",
    filter: async (session) => (await session.endOfMessage(), accept()),
    greeting: GREETING,
    mail: [...ENVELOPE, HEADERS_END, "body: skip", ...ONE],
  },
  {
    name: "a function that adds a header and accepts at once",
    filter: ({ headers }) => (headers.append("X-Seen", "yes"), accept()),
    greeting: GREETING,
    mail: [...ENVELOPE, HEADERS_END, "body: skip", ...ONE],
  },
  {
    name: "a function that accepts at once",
    filter: () => accept(),
    greeting: GREETING,
    mail: ["mail: accept"],
  },
  {
    name: "a function that rejects the sender",
    filter: async (session) => (await session.envelopeFrom(), REJECT),
    greeting: GREETING,
    mail: ["mail: replyCode"],
  },

  // What a declaration saves.
  {
    name: "one that answers nothing early",
    filter: defineFilter({ answers: [] }, async (session) => (await readAll(session), accept())),
    mail: ONE,
  },
  {
    name: "one of headers, declared to answer at the end",
    filter: defineFilter({ sees: ["headers"], answers: [], edits: ["headers"] }, async ({ headers }) => {
      for await (const header of headers) headers.delete(header);
      headers.append("X-Seen", "yes");
      headers.append("Subject", "hello");
      return accept();
    }),
    mail: ONE,
  },
  {
    name: "one of headers",
    filter: defineFilter({ sees: ["headers"], edits: [] }, async (session) => {
      await session.headers.collect();
      return accept();
    }),
    // It could have refused there, and accepts there: that is the only answer.
    mail: ["endOfHeaders: accept"],
  },
  {
    name: "one that sees nothing and edits everything",
    filter: defineFilter({ sees: [] }, (session) => {
      session.headers.append("X-Seen", "yes");
      session.body.replace("new\r\n");
      session.changeSender("new@example.test");
      session.addRecipient("three@example.test");
      return accept();
    }),
    mail: ONE,
  },
  {
    name: "one that makes a new body of the old",
    filter: defineFilter({ sees: ["headers", "body"], answers: [], edits: ["body"] }, async ({ body }) => {
      body.replace(await body.collect());
      return accept();
    }),
    mail: ONE,
  },
  {
    name: "one that makes up its mind at MAIL, declared to answer at the end",
    filter: defineFilter({ sees: ["mail", "rcpt"], answers: [] }, async (session) => {
      await session.envelopeFrom();
      return REJECT;
    }),
    mail: ["endOfMessage: replyCode"],
  },
  {
    name: "one that answers MAIL alone",
    filter: defineFilter({ sees: ["mail"], edits: [] }, async (session) => {
      await session.envelopeFrom();
      return accept();
    }),
    mail: ["mail: accept"],
  },
  {
    name: "one that answers MAIL alone, and edits",
    filter: defineFilter({ sees: ["mail"], edits: ["headers"] }, async (session) => {
      session.headers.append("X-Sender", (await session.envelopeFrom()).address);
      return accept();
    }),
    mail: [...MAIL, ...ONE],
  },
  {
    name: "three as one, declared to answer at the end",
    filter: compose(
      defineFilter({ sees: ["headers"], answers: [], edits: ["headers"] }, async ({ headers }) => {
        for (const header of await headers.getAll("To")) headers.update(header, "nobody");
        return accept();
      }),
      defineFilter({ sees: ["body"], answers: [], edits: [] }, async ({ body }) => {
        await body.collect();
        return accept();
      }),
      shadow(defineFilter({ sees: ["mail"], answers: [], edits: [] }, () => REJECT), { onVerdict() {} }),
    ),
    mail: ONE,
  },
];

/** The answers among what was said: what each answers, and how. Edits are none. */
function answersOf(said: readonly Said[]): string[] {
  const answers: string[] = [];
  let asked = "";
  for (const one of said) {
    if (one.by === "mta") asked = one.command.type === "macros" ? asked : one.command.type;
    else if (one.reply.type !== "negotiate" && !EDITS.has(one.reply.type)) {
      answers.push(`${asked}: ${one.reply.type}`);
    }
  }
  return answers;
}

const EDITS: ReadonlySet<string> = new Set([
  ...["addHeader", "insertHeader", "changeHeader", "replaceBody", "changeSender"],
  ...["addRecipient", "addRecipientWithArguments", "removeRecipient", "quarantine"],
]);

testOnEachMta("a mail costs no more answers than it must", async (mta, options) => {
  for (const { name, filter, greeting = [], mail } of COSTS) {
    await using server = await serveTapped(filter, options);
    const client = SmtpClient.to(mta.smtp);
    await open(client);
    const counted = { greeting: answersOf(server.tap.take()), mails: [] as string[][] };
    for (let count = 0; count < 3; count++) {
      const { refused } = await deliver(client, { message: MESSAGE });
      if (Object.keys(refused).length > 0) await client.command("RSET");
      counted.mails.push(answersOf(server.tap.take()));
    }
    await client.quit();
    assertEquals(
      counted,
      { greeting: [...greeting], mails: [mail, mail, mail].map((all) => [...all]) },
      name,
    );
  }
});
