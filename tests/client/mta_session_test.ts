/** Milters in a row, messages from streams, pools. */

import { accept, defineFilter, type Filter, reject, serve } from "../../mod.ts";
import { callMilters, MilterPool, send } from "../../src/client/mod.ts";
import { IncomingMail } from "../../src/client/mail_source.ts";
import { MilterError } from "../../src/errors.ts";
import { parseMail } from "../../src/mta/mail.ts";
import { assertEquals, assertRejects, assertStringIncludes, delay, property, test } from "../harness.ts";
import { concat, latin1 } from "../bytes.ts";
import { CASES } from "../mta/edits/two_filters.ts";
import { messageOf, OWN, SENT } from "../mta/edits/delivered.ts";
import { RawMilter } from "./raw_milter.ts";

const LISTEN = { listen: "inet:0@127.0.0.1" } as const;
const ENVELOPE = { from: "a@client.example", to: "b@mx.example" } as const;

/** A filter that adds a header at the end. */
function adding(name: string, value: (body: string) => string = () => "1"): Filter {
  return defineFilter({ name }, async (session) => {
    const body = new TextDecoder().decode(await session.body.collect());
    await session.endOfMessage();
    session.headers.append(name, value(body));
    return accept();
  });
}

// What real MTAs make of these is tested in tests/mta/edits.
for (const mta of ["postfix", "sendmail"] as const) {
  for (const { name, first, second, gives } of CASES) {
    test(`two milters in a row, by the rules of ${mta}: ${name}`, async () => {
      const filters = [first, second].map((edit): Filter => async (session) => {
        await session.envelopeFrom();
        await edit(session);
        return accept();
      });
      await using one = await serve(filters[0]!, LISTEN);
      await using two = await serve(filters[1]!, LISTEN);
      const result = await send([one.address, two.address], latin1(messageOf(SENT)), {
        mta,
        from: SENT.from,
        to: SENT.to,
      });
      const wished = { ...SENT, headers: [OWN, ...SENT.headers] };
      const given = "postfix" in gives ? gives[mta] : gives;
      const { headers, body, from, to } = { ...wished, ...given };
      const lines = result.message?.headers.map(({ name, value }) => `${name}: ${value}`);
      assertEquals(lines?.map((line) => line.startsWith("Received:") ? OWN : line), headers);
      assertEquals(result.message?.body, body.replaceAll("\r\n", "\n"));
      assertEquals(`<${result.sender}>`, from);
      assertEquals(result.deliveredTo.map((address) => `<${address}>`), to);
    });
  }
}

test("the result tells what each milter said, and which decided", async () => {
  await using one = await serve(adding("X-One"), LISTEN);
  await using two = await serve(async (session) => {
    await session.endOfMessage();
    return reject("550 5.7.1 No, says two");
  }, LISTEN);
  await using three = await RawMilter.listen({});
  const result = await send([one.address, two.address, three.address], "Subject: x\n\n", ENVELOPE);
  assertEquals([result.outcome, result.reply.full], ["rejected", "550 5.7.1 No, says two"]);
  assertEquals(result.milters.map(({ edits }) => edits.length), [1, 0, 0]);
  assertEquals(result.decidedBy, result.milters[1]?.name);
  await three.left();
  assertEquals(three.heard.map(({ type }) => type), [
    "negotiate",
    "connect",
    "helo",
    "mail",
    "rcpt",
    "data",
    ...[
      "abort",
      "abort",
      "quit",
    ],
  ]);
  assertStringIncludes(result.conversation, '   1> header "Subject"');
  assertStringIncludes(result.conversation, "   2< replyCode");
});

test("recipients that a milter refuses are told apart", async () => {
  await using server = await serve(async (session) => {
    for await (const recipient of session.envelopeRecipients()) {
      if (recipient.address.startsWith("no")) recipient.reject("550 5.1.1 Nobody here");
    }
    return accept();
  }, LISTEN);
  const result = await send(server.address, "Subject: x\n\n", {
    from: "",
    to: ["yes@mx.example", "no@mx.example", "unknown@mx.example"],
    unknownRecipients: ["unknown@mx.example"],
  });
  assertEquals(result.recipients.map(({ address, outcome }) => [address, outcome]), [
    ["yes@mx.example", "accepted"],
    ["no@mx.example", "rejected"],
    ["unknown@mx.example", "rejected"],
  ]);
  assertEquals(result.deliveredTo, ["yes@mx.example"]);
});

property("a message from a stream is the same however it is cut", { runs: 300 }, async (random) => {
  const line = () =>
    random.pick(["", "", "Subject: x", "X-Folded: a", " fold", "no header", "text", ".", "\r", "caf\xe9"]) +
    random.pick(["\n", "\r\n", "\r\n", ""]);
  const bytes = latin1(random.list(random.below(12), line).join(""));
  const chunks = random.split(bytes, random.between(1, 8));
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const mail = await IncomingMail.open(stream, 1e6);
  const pieces: Uint8Array[] = [];
  for await (const piece of mail.chunks()) pieces.push(piece);
  const whole = parseMail(bytes);
  assertEquals({ ...mail.head, body: concat(pieces) }, whole);
  assertEquals(mail.body, whole.body);
});

test("a stream reaches the first milter while it comes, and the next with its edits", async () => {
  const steps: string[] = [];
  await using one = await serve(async (session) => {
    for await (const chunk of session.body) steps.push(`milter has ${chunk.length}`);
    session.body.replace("from one\r\n");
    return accept();
  }, LISTEN);
  await using two = await serve(adding("X-Body", JSON.stringify), LISTEN);
  let sent = 0;
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      // The second half comes when the milter has the first.
      while (sent > 0 && steps.length === 0) await delay(2);
      if (sent === 2) return controller.close();
      controller.enqueue(latin1(sent++ === 0 ? `Subject: x\n\n${"a".repeat(65_535)}` : "rest\n"));
    },
  }, { highWaterMark: 0 });
  const { message } = await send([one.address, two.address], stream, ENVELOPE);
  assertEquals(steps, ["milter has 65535", "milter has 6"]);
  assertEquals([message?.body, message?.get("X-Body")], ["from one\n", '"from one\\r\\n"']);
});

test("a stream that fails, or is too long, is not sent, and the session goes on", async () => {
  let ended = 0;
  await using server = await serve(async (session) => {
    await session.endOfMessage();
    ended++;
    return accept();
  }, LISTEN);
  await using session = await callMilters(server.address, { maxMessage: 100_000 });
  const failing = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(latin1("Subject: x\n\nHello\n"));
      controller.error(new Error("disk gone"));
    },
  });
  await assertRejects(() => session.send(failing, ENVELOPE), Error);
  let cancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(latin1("Subject: x\n\n".padEnd(10_000, "a"))),
    cancel: () => void (cancelled = true),
  });
  const error = await assertRejects(() => session.send(endless, ENVELOPE), MilterError);
  assertEquals([error.code, cancelled], ["LIMIT", true]);
  assertEquals((await session.send("Subject: x\n\n", ENVELOPE)).outcome, "accepted");
  assertEquals(ended, 1);
});

test("odd messages are mail too", async () => {
  await using server = await serve(adding("X-Seen"), LISTEN);
  const odd: readonly (readonly [what: string, bytes: Uint8Array, body: string])[] = [
    ["empty", latin1(""), ""],
    ["no headers", latin1("\nJust text\n"), "Just text\n"],
    ["no mail at all", latin1("\x89PNG\r\n\x1a\n\0\0"), ""],
    ["bare LF", latin1("Subject: x\n\none\ntwo"), "one\ntwo\n"],
    ["8-bit", latin1("Subject: caf\xe9\n\ncaf\xe9\n"), "caf\ufffd\n"],
  ];
  for (const [what, bytes, body] of odd) {
    const { outcome, message } = await send(server.address, bytes, ENVELOPE);
    assertEquals([outcome, message?.get("X-Seen")], ["accepted", "1"], what);
    if (what !== "no mail at all") assertEquals(message?.body, body, what);
  }
});

test("a pool sends over few sessions, and closes them", async () => {
  await using server = await serve(adding("X-Seen"), LISTEN);
  let most = 0;
  const pool = new MilterPool(server.address, { size: 3, idle: 60_000 });
  const results = await Promise.all(Array.from({ length: 20 }, async (_, at) => {
    const result = await pool.send(`Subject: ${at}\n\n`, ENVELOPE);
    most = Math.max(most, server.connections);
    return result;
  }));
  assertEquals(results.map(({ message }) => message?.get("Subject")), results.map((_, at) => String(at)));
  assertEquals([most, pool.open], [3, 3]);
  await pool.close();
  assertEquals(pool.open, 0);
  for (let wait = 0; server.connections > 0 && wait < 200; wait++) await delay(5);
  assertEquals(server.connections, 0);
  const error = await assertRejects(() => pool.send("", ENVELOPE), MilterError);
  assertEquals(error.code, "CONNECTION");
});

test("a pool replaces a session whose milter fails, and closes idle ones", async () => {
  let fails = true;
  await using milter = await RawMilter.listen({
    data: () => fails ? "close" : [{ type: "continue" }],
  });
  await using pool = new MilterPool(milter.address, { size: 1, idle: 30 });
  await assertRejects(() => pool.send("Subject: x\n\n", ENVELOPE), MilterError);
  fails = false;
  assertEquals((await pool.send("Subject: x\n\n", ENVELOPE)).outcome, "accepted");
  assertEquals(pool.open, 1);
  for (let wait = 0; pool.open > 0 && wait < 400; wait++) await delay(5);
  assertEquals(pool.open, 0);
  await milter.left();
});

test("a session says one thing after the other", async () => {
  await using server = await serve(adding("X-Seen"), LISTEN);
  await using session = await callMilters(server.address);
  const first = session.mail("a@client.example");
  const error = await assertRejects(() => session.rcpt("b@mx.example"), MilterError);
  assertEquals(error.code, "ORDER");
  assertEquals((await first).code, 250);
  await session.vanish();
  assertEquals(session.open, false);
  await assertRejects(() => session.mail("a@client.example"), MilterError);
});
