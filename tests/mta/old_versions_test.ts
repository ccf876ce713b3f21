/**
 * Old versions of the protocol: what an MTA of one lacks is made up for. Postfix is set up to speak them, and Sendmail
 * is made to offer what Postfix would.
 */

import { accept, defineFilter, discard, type Filter, reject, type Session } from "../../mod.ts";
import { assertEquals, assertMatch } from "../harness.ts";
import { BODY, deliver, HEADERS, messageOf, open, sendMail } from "./mail.ts";
import type { Mta } from "./mta.ts";
import { testOnEachMta } from "./on_each_mta.ts";
import { SmtpClient } from "./smtp_client.ts";
import { bodyOf, headersOf } from "./smtp_sink.ts";
import { type Said, serveTapped, type TappedServer } from "./wiretap.ts";

/** A version, with what Postfix offers in it. */
interface Version {
  readonly version: number;
  readonly protocol: number;
}

const VERSIONS: readonly Version[] = [
  { version: 2, protocol: 0x7f },
  { version: 3, protocol: 0x17f },
  { version: 4, protocol: 0x37f },
  { version: 6, protocol: 0x1fffff },
];

type ServeThis = (filter: Filter) => Promise<TappedServer>;

/** Declares a test in front of each MTA in each version. */
function testInEachVersion(
  name: string,
  body: (mta: Mta, serveThis: ServeThis, version: number) => Promise<void>,
): void {
  for (const { version, protocol } of VERSIONS) {
    testOnEachMta(`version ${version}: ${name}`, async (mta, options) => {
      const serveThis = async (filter: Filter) => {
        return await serveTapped(filter, options, { offer: (offer) => ({ ...offer, version, protocol }) });
      };
      await body(mta, serveThis, version);
    }, { mainCf: { milter_protocol: String(version) } });
  }
}

/** The types of the commands that were said, each once. */
function typesOf(said: readonly Said[]): Set<string> {
  return new Set(said.flatMap((one) => one.by === "mta" ? one.command.type : []));
}

testInEachVersion("a filter sees all there is, and nothing that is not", async (mta, serveThis, version) => {
  const seen: unknown[] = [];
  let text = "";
  await using server = await serveThis(async (session) => {
    seen.push((await session.helo())?.hostname, (await session.envelopeFrom()).address);
    for await (const { address } of session.envelopeRecipients()) seen.push(address);
    await session.data();
    text = await new Response(session.message()).text();
    return accept();
  });
  const client = SmtpClient.to(mta.smtp);
  await open(client);
  assertEquals((await client.command("XYZZY")).code, 500);
  const message = messageOf("hello", BODY, [["X-Folded", "one\r\n\ttwo"], ["X-Odd", "  two"], ...HEADERS]);
  assertEquals((await deliver(client, { message })).refused, {});
  await client.quit();
  await mta.delivery("hello");
  assertEquals(seen, ["client.example.test", "sender@example.test", "one@example.test", "two@example.test"]);
  assertEquals(text, message);
  const types = typesOf(server.tap.take());
  assertEquals([types.has("unknown"), types.has("data")], [version >= 3, version >= 4]);
});

const REJECT = reject("550 5.7.1 No");

/** How a filter gets as far as a stage. */
const STAGES = {
  mail: (session: Session) => session.envelopeFrom(),
  rcpt: async (session: Session) => {
    for await (const _ of session.envelopeRecipients()) return;
  },
  data: (session: Session) => session.data(),
  headers: (session: Session) => session.headers.collect(),
  body: (session: Session) => session.body.collect(),
} as const;

/** Where the client is refused for a verdict that is reached at a stage; without DATA it is not told of it. */
const REFUSED_AT = {
  mail: ["mail"],
  rcpt: ["rcpt <one@example.test>", "rcpt <two@example.test>"],
  data: ["data"],
  headers: ["end"],
  body: ["end"],
} as const;

testInEachVersion(
  "a refusal is said where it is reached, or held; a discarded mail is gone",
  async (mta, serveThis, version) => {
    for (const stage of Object.keys(STAGES) as (keyof typeof STAGES)[]) {
      const filter = async (
        session: Pick<Session, never>,
      ) => (await STAGES[stage](session as Session), REJECT);
      const usual: readonly string[] = version < 4 && stage === "data" ? ["end"] : REFUSED_AT[stage];
      const filters: readonly (readonly [Filter, refused: readonly string[]])[] = [
        [filter, usual],
        [defineFilter({ sees: [stage], edits: [] }, filter), usual],
        [defineFilter({ answers: [], edits: [] }, filter), ["end"]],
        [defineFilter({ sees: [stage], answers: [] }, filter), ["end"]],
      ];
      for (const [index, [one, refused]] of filters.entries()) {
        await using _server = await serveThis(one);
        const outcome = await sendMail(mta);
        assertEquals(Object.keys(outcome.refused), [...refused], `${stage}, filter ${index}`);
        for (const text of Object.values(outcome.refused)) assertMatch(text ?? "", /^550 5\.7\.1 .*No$/);
      }
    }
    await using _server = await serveThis(defineFilter({ sees: ["mail"], answers: [] }, discard));
    assertEquals((await sendMail(mta)).refused, {});
    assertEquals(mta.delivered(), []);
  },
);

testInEachVersion("one recipient is refused, the other gets the mail", async (mta, serveThis) => {
  for (const declaration of [{}, { sees: ["rcpt"] }] as const) {
    await using _server = await serveThis(defineFilter(declaration, async (session) => {
      for await (const one of session.envelopeRecipients()) if (one.address.startsWith("one")) one.reject();
      return accept();
    }));
    const subject = JSON.stringify(declaration);
    const outcome = await sendMail(mta, { message: messageOf(subject) });
    assertEquals(Object.keys(outcome.refused), ["rcpt <one@example.test>"]);
    const { to } = await mta.delivery(subject);
    assertEquals(to.map((line) => line.split(" ")[0]), ["<two@example.test>"]);
  }
});

testInEachVersion("all edits are made", async (mta, serveThis) => {
  const filters = [{}, { edits: ["headers", "body", "sender", "recipients"], answers: [] }] as const;
  for (const declaration of filters) {
    await using _server = await serveThis(defineFilter(declaration, async (session) => {
      const subject = await session.headers.get("Subject");
      session.headers.insert("X-Top", "1", "start");
      session.headers.append("X-Bottom", "two\n\tlines");
      session.headers.insert("X-Middle", "2", { after: subject! });
      for (const one of await session.headers.getAll("X-Gone")) session.headers.delete(one);
      for (const one of await session.headers.getAll("X-Kept")) session.headers.update(one, "changed");
      session.changeSender("new@example.test");
      session.addRecipient("three@example.test");
      session.removeRecipient("one@example.test");
      session.body.replace("new\r\n");
      return accept();
    }));
    const subject = `edits ${declaration === filters[0] ? "of a bare filter" : "declared"}`;
    const message = messageOf(subject, BODY, [["X-Gone", "1"], ["X-Kept", "1"], ...HEADERS, ["X-Gone", "2"]]);
    assertEquals((await sendMail(mta, { message })).refused, {});
    const mail = await mta.delivery(subject);
    const headers = headersOf(mail);
    assertEquals(headers.filter(([name]) => name !== "Received"), [
      ["X-Top", "1"],
      ["Subject", subject],
      ["X-Middle", "2"],
      ["X-Kept", "changed"],
      ...HEADERS.map(([name, value]): [string, string] => [name, value]),
      ["X-Bottom", "two\r\n\tlines"],
    ]);
    assertEquals(bodyOf(mail), "new\r\n");
    assertMatch(mail.from, /^<new@example\.test>/);
    assertEquals(mail.to.map((to) => to.split(" ")[0]).sort(), [
      "<three@example.test>",
      "<two@example.test>",
    ]);
  }
});

testInEachVersion("the rest of a body is skipped where that is known", async (mta, serveThis, version) => {
  let chunks = 0;
  await using server = await serveThis(defineFilter({ sees: ["body"] }, async (session) => {
    for await (const _ of session.body) if (++chunks === 1) break;
    await session.endOfMessage();
    return accept();
  }));
  const body = `${"x".repeat(70)}\r\n`.repeat(5_000);
  assertEquals((await sendMail(mta, { message: messageOf("long", body) })).refused, {});
  assertEquals(bodyOf(await mta.delivery("long")), body);
  const said = server.tap.take();
  const bodies = said.filter((one) => one.by === "mta" && one.command.type === "body").length;
  const skips = said.filter((one) => one.by === "filter" && one.reply.type === "skip").length;
  assertEquals([chunks, bodies > 1, skips], version < 6 ? [1, true, 0] : [1, false, 1]);
});
