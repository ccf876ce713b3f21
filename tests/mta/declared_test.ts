/** Filters that declare what they need: what is negotiated for them, and that it is enough. */

import { accept, type Declaration, defineFilter, type Filter, reject, serve } from "../../mod.ts";
import { assertEquals, assertLess, assertMatch } from "../harness.ts";
import { BODY, HEADERS, messageOf, type Refused, sendMail } from "./mail.ts";
import { testOnEachMta } from "./on_each_mta.ts";
import { bodyOf, headersOf } from "./smtp_sink.ts";

const REJECT = reject("550 5.7.1 No");

interface RejectingCase {
  readonly declaration: Declaration;
  readonly filter: Filter;
  /** Where the client is told. */
  readonly refused: readonly (keyof Refused)[];
}

/** Whether the sender is the one of these tests. */
const bySender: Filter = async (session) =>
  (await session.envelopeFrom()).address === "sender@example.test" ? REJECT : accept();

/** Lets the first recipient pass. */
const byRecipient: Filter = async (session) => {
  for await (const { address } of session.envelopeRecipients()) {
    if (address === "two@example.test") return REJECT;
  }
  return accept();
};

const REJECTING: readonly RejectingCase[] = [
  {
    declaration: { sees: ["helo"] },
    filter: async (session) => (await session.helo())?.hostname === "client.example.test" ? REJECT : accept(),
    refused: ["mail"],
  },
  { declaration: { sees: ["mail"] }, filter: bySender, refused: ["mail"] },
  { declaration: { sees: ["mail"], answers: [] }, filter: bySender, refused: ["end"] },
  { declaration: { sees: ["mail", "headers"], answers: ["headers"] }, filter: bySender, refused: ["end"] },
  { declaration: { sees: ["rcpt"] }, filter: byRecipient, refused: ["rcpt <two@example.test>", "end"] },
  {
    declaration: { sees: ["rcpt", "data"] },
    filter: byRecipient,
    refused: ["rcpt <two@example.test>", "data"],
  },
  { declaration: { sees: ["rcpt"], answers: [] }, filter: byRecipient, refused: ["end"] },
  {
    declaration: { sees: ["headers"] },
    filter: async ({ headers }) => (await headers.get("Subject"))?.value === "hello" ? REJECT : accept(),
    refused: ["end"],
  },
  {
    declaration: { sees: ["body"] },
    filter: async ({ body }) => new TextDecoder().decode(await body.collect()) === BODY ? REJECT : accept(),
    refused: ["end"],
  },
  {
    declaration: { sees: [] },
    filter: async (session) => {
      await session.endOfMessage();
      return REJECT;
    },
    refused: ["end"],
  },
];

for (const { declaration, filter, refused } of REJECTING) {
  testOnEachMta(
    `a filter of ${JSON.stringify(declaration)} rejects by what it sees`,
    async (mta, options) => {
      await using _server = await serve(defineFilter(declaration, filter), options);
      const outcome = await sendMail(mta);
      assertEquals(Object.keys(outcome.refused), [...refused]);
      assertEquals(
        new Set(Object.values(outcome.refused).map((text) => text?.replace(/<.*>\.\.\. /, ""))),
        new Set(["550 5.7.1 No"]),
      );
    },
  );
}

testOnEachMta("a filter that sees only headers can edit them", async (mta, options) => {
  const filter = defineFilter({ sees: ["headers"], edits: ["headers"] }, async ({ headers }) => {
    for await (const header of headers) if (/^x-/i.test(header.name)) headers.delete(header);
    headers.append("X-Clean", "yes");
    return accept();
  });
  await using _server = await serve(filter, options);
  const message = messageOf("hello", BODY, [["X-One", "1"], ...HEADERS, ["x-two", "2"]]);
  assertEquals((await sendMail(mta, { message })).refused, {});
  const lines = headersOf(await mta.delivery("hello")).filter(([name]) => name !== "Received");
  assertEquals(lines, [["Subject", "hello"], ...HEADERS, ["X-Clean", "yes"]]);
});

testOnEachMta("a filter that sees nothing can edit everything", async (mta, options) => {
  const filter = defineFilter({ sees: [] }, (session) => {
    session.headers.append("X-New", "1");
    session.body.replace("new\r\n");
    session.changeSender("new@example.test");
    session.addRecipient("three@example.test");
    return accept();
  });
  await using _server = await serve(filter, options);
  assertEquals((await sendMail(mta)).refused, {});
  const mail = await mta.delivery("hello");
  assertEquals(headersOf(mail).at(-1), ["X-New", "1"]);
  assertEquals(bodyOf(mail), "new\r\n");
  assertMatch(mail.from, /^<new@example\.test>/);
  assertEquals(mail.to.length, 3);
});

testOnEachMta("the macros that a filter declares are those that it gets", async (mta, options) => {
  const seen: Record<string, string | undefined> = {};
  const macros = { mail: ["{mail_addr}"], endOfHeaders: ["i"], endOfMessage: ["i", "{mail_addr}"] };
  const filter = defineFilter({ macros }, async (session) => {
    await session.envelopeFrom();
    seen["mail"] = session.macros.get("{mail_addr}");
    seen["connection"] = session.macros.get("j");
    await session.endOfMessage();
    seen["end"] = session.macros.get("i");
    return accept();
  });
  await using _server = await serve(filter, options);
  const { queueId } = await sendMail(mta);
  assertEquals(seen, { mail: "sender@example.test", connection: "mx.example.test", end: queueId });
});

testOnEachMta("a filter that declares it sees the recipients that the MTA refused", async (mta, options) => {
  const seen: (readonly [string, boolean])[] = [];
  const filter = defineFilter({ rejectedRecipients: true }, async (session) => {
    for await (const { address, refused } of session.envelopeRecipients()) seen.push([address, refused]);
    return accept();
  });
  await using _server = await serve(filter, options);
  const to = ["<one@example.test>", "<someone@refused.test>", "<two@example.test>"];
  assertEquals(Object.keys((await sendMail(mta, { to })).refused), ["rcpt <someone@refused.test>"]);
  await mta.delivery("hello");
  // Sendmail keeps those to itself that its rules refuse.
  const refused = mta.name === "postfix" ? [["someone@refused.test", true] as const] : [];
  assertEquals(seen, [["one@example.test", false], ...refused, ["two@example.test", false]]);
});

testOnEachMta("recipients that the MTA refused are none of other filters' business", async (mta, options) => {
  const seen: string[] = [];
  const filter: Filter = async (session) => {
    for await (const { address } of session.envelopeRecipients()) seen.push(address);
    return accept();
  };
  await using _server = await serve(filter, options);
  const to = ["<one@example.test>", "<someone@refused.test>", "<two@example.test>"];
  await sendMail(mta, { to });
  assertEquals(seen, ["one@example.test", "two@example.test"]);
});

testOnEachMta(
  "longer chunks than an MTA offers are asked for in vain, and harm nothing",
  async (mta, options) => {
    let size = 0;
    const filter = defineFilter({ sees: ["body"], maxChunk: 1_048_575 }, async ({ body }) => {
      for await (const chunk of body) {
        assertLess(chunk.length, 65_536);
        size += chunk.length;
      }
      return accept();
    });
    await using _server = await serve(filter, options);
    const body = `${"x".repeat(70)}\r\n`.repeat(5_000);
    assertEquals((await sendMail(mta, { message: messageOf("large", body) })).refused, {});
    assertEquals(size, body.length);
  },
);
