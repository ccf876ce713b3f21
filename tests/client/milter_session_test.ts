/** One milter, command by command. */

import { accept, defineFilter, reject, serve, tempfail } from "../../mod.ts";
import { type Answer, connect } from "../../src/client/mod.ts";
import { MilterError } from "../../src/errors.ts";
import { type Command, decodeText, PROTOCOL } from "../../src/protocol/mod.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes, delay, test } from "../harness.ts";
import { AGREED, RawMilter } from "./raw_milter.ts";

const LISTEN = { listen: "inet:0@127.0.0.1" } as const;
const CONTINUE: Answer = { type: "continue" };

test("each command gets the answer of a served filter, typed", async () => {
  const filter = defineFilter({ name: "judge" }, async (session) => {
    for await (const recipient of session.envelopeRecipients()) {
      if (recipient.address === "no@mx.example") recipient.reject("550 5.1.1 Nobody\nhere");
      if (recipient.address === "later@mx.example") recipient.tempfail();
    }
    await session.headers.collect();
    session.headers.append("X-Seen", session.macros.get("i") === undefined ? "no id" : "with id");
    return (await session.envelopeFrom()).address === "bad@client.example" ? tempfail() : accept();
  });
  await using server = await serve(filter, LISTEN);
  await using milter = await connect(server.address);
  assertEquals(milter.agreement.version, 6);
  assertEquals(await milter.connect(), CONTINUE);
  assertEquals(await milter.helo("client.example"), CONTINUE);
  assertEquals(await milter.mail("<arthur@client.example> SIZE=100"), CONTINUE);
  assertEquals(await milter.rcpt("yes@mx.example"), CONTINUE);
  assertEquals(await milter.rcpt("no@mx.example"), {
    type: "reject",
    reply: { code: 550, enhanced: "5.1.1", lines: ["Nobody", "here"] },
  });
  assertEquals((await milter.rcpt("later@mx.example")).type, "tempfail");
  assertEquals(await milter.data(), CONTINUE);
  assertEquals(await milter.header("Subject", "Hello"), CONTINUE);
  assertEquals(await milter.endOfHeaders(), CONTINUE);
  assertEquals(await milter.body("Hello\r\n"), { type: "skip" });
  const { answer, edits } = await milter.end();
  assertEquals(answer.type, "accept");
  assertEquals(edits.map((edit) => edit.type), ["addHeader"]);

  // The next message on the same connection, which is taken back, and one more.
  await milter.mail("arthur@client.example");
  milter.abort();
  await milter.mail("bad@client.example");
  await milter.rcpt("yes@mx.example");
  const end = await milter.end();
  assertEquals([end.answer.type, end.edits], ["tempfail", []]);
  assertStringIncludes(milter.conversation, '> mail "<bad@client.example>"');
});

test("CONNECT, HELO and macros go out by themselves, by the options", async () => {
  await using milter = await RawMilter.listen({});
  await using session = await connect(milter.address, {
    client: { name: "client.example", address: "2001:db8::1", port: 25 },
    helo: "hello.example",
    mta: "sendmail",
  });
  await session.mail("");
  const said = milter.heard.map(({ type, ...fields }) => [type, ...Object.values(fields).map(plain)]);
  assertEquals(said.slice(1), [
    ["connect", "client.example", "inet6", 25, "IPv6:2001:db8:0:0:0:0:0:1"],
    ["helo", "hello.example"],
    ["mail", "<>", []],
  ]);
  assertStringIncludes(session.conversation, '{mail_addr}="<>"');
});

test("macros of the caller are told beside the others, once", async () => {
  await using milter = await RawMilter.listen({});
  await using session = await connect(milter.address, { macros: { auth_authen: "arthur" } });
  session.macros("rcpt", { "{rcpt_class}": "vip" });
  await session.mail("a@client.example");
  await session.rcpt("b@mx.example");
  await session.rcpt("c@mx.example");
  const lines = session.conversation.split("\n");
  const macros = (command: string) => lines.filter((line) => line.includes(`> macros for ${command}`));
  assertStringIncludes(macros("mail")[0]!, '{auth_authen}="arthur"');
  assertEquals(macros("rcpt").map((line) => line.includes('{rcpt_class}="vip"')), [true, false]);
});

test("what the milter has negotiated away is neither said nor waited for", async () => {
  const protocol = PROTOCOL.NO_HELO | PROTOCOL.NR_MAIL | PROTOCOL.NO_HEADERS | PROTOCOL.NR_BODY;
  await using milter = await RawMilter.listen({ negotiate: [{ ...AGREED, protocol }], mail: [], body: [] });
  await using session = await connect(milter.address);
  assertEquals(await session.mail("a@client.example"), CONTINUE);
  assertEquals(await session.rcpt("b@mx.example"), CONTINUE);
  assertEquals(await session.header("Subject", "Hello"), CONTINUE);
  assertEquals(await session.body("Hello\r\n"), CONTINUE);
  assertEquals((await session.end()).answer, CONTINUE);
  assertEquals(milter.heard.map(({ type }) => type), [
    ...["negotiate", "connect", "mail", "rcpt", "endOfHeaders", "body", "endOfMessage"],
  ]);
});

test("a header's value keeps its space where that was agreed", async () => {
  for (const [protocol, told] of [[0, "Hello"], [PROTOCOL.LEADING_SPACE, " Hello"]] as const) {
    await using milter = await RawMilter.listen({ negotiate: [{ ...AGREED, protocol }] });
    await using session = await connect(milter.address);
    await session.mail("a@client.example");
    await session.rcpt("b@mx.example");
    await session.header("Subject", "Hello");
    const header = milter.heard.find(({ type }) => type === "header") as Extract<Command, { type: "header" }>;
    assertEquals(decodeText(header.value), told);
  }
});

test("a body is cut as was agreed, and a stream is read no faster than the milter takes it", async () => {
  const sizes: number[] = [];
  let read = 0;
  const ahead: number[] = [];
  await using milter = await RawMilter.listen({
    body: (command) => {
      const { chunk } = command as Extract<Command, { type: "body" }>;
      sizes.push(chunk.length);
      ahead.push(read - sizes.reduce((sum, size) => sum + size, 0));
      return [2, { type: "continue" }];
    },
  });
  await using session = await connect(milter.address);
  await session.mail("a@client.example");
  await session.rcpt("b@mx.example");
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (read >= 1_000_000) return controller.close();
      read += 10_000;
      controller.enqueue(new Uint8Array(10_000).fill(0x61));
    },
  });
  assertEquals(await session.body(stream), CONTINUE);
  assertEquals(sizes.reduce((sum, size) => sum + size, 0), 1_000_000);
  assertEquals(sizes.slice(0, -1).every((size) => size === 65535), true);
  assert(Math.max(...ahead) <= 30_000, `read ahead: ${Math.max(...ahead)}`);
});

test("SKIP ends the body, and the stream it comes from", async () => {
  let cancelled = false;
  await using milter = await RawMilter.listen({
    negotiate: [{ ...AGREED, protocol: PROTOCOL.SKIP }],
    body: [{ type: "skip" }],
  });
  await using session = await connect(milter.address);
  await session.mail("a@client.example");
  await session.rcpt("b@mx.example");
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(65_535)),
    cancel: () => void (cancelled = true),
  });
  assertEquals(await session.body(stream), { type: "skip" });
  assertEquals(cancelled, true);
  assertEquals(await session.body("more"), CONTINUE);
  assertEquals((await session.end()).answer, CONTINUE);
  assertEquals(milter.heard.filter(({ type }) => type === "body").length, 1);
});

test("edits come with the end of the message, PROGRESS does not", async () => {
  await using milter = await RawMilter.listen({
    endOfMessage: [
      { type: "progress" },
      { type: "addHeader", name: "X-One", value: "1" },
      { type: "progress" },
      { type: "replaceBody", chunk: "new" },
      { type: "replyCode", text: "451 4.3.0 100%% later" },
    ],
  });
  await using session = await connect(milter.address);
  await session.mail("a@client.example");
  await session.rcpt("b@mx.example");
  const { answer, edits } = await session.end();
  assertEquals(edits.map(({ type }) => type), ["addHeader", "replaceBody"]);
  assertEquals(answer, { type: "tempfail", reply: { code: 451, enhanced: "4.3.0", lines: ["100% later"] } });
});

test("a command out of order is the caller's error, and the connection goes on", async () => {
  await using milter = await RawMilter.listen({});
  await using session = await connect(milter.address);
  const error = await assertRejects(() => session.rcpt("b@mx.example"), MilterError);
  assertEquals([error.code, error.side], ["ORDER", "local"]);
  assertEquals(await session.mail("a@client.example"), CONTINUE);
  await assertRejects(() => session.rcpt("b\r\n@mx.example"), TypeError);
  assertEquals(await session.rcpt("b@mx.example"), CONTINUE);
  await session.quit();
  const over = await assertRejects(() => session.mail("a@client.example"), MilterError);
  assertEquals([over.code, over.message], ["CONNECTION", "Cannot send mail: the session is over"]);
});

test("whole messages and single commands share a connection", async () => {
  let count = 0;
  await using server = await serve(async (session) => {
    await session.endOfMessage();
    session.headers.append("X-Count", String(++count));
    return accept();
  }, LISTEN);
  await using milter = await connect(server.address, { mta: "sendmail" });
  const envelope = { from: "a@client.example", to: "b@mx.example" };
  const one = await milter.send("Subject: One\n\n", envelope);
  await milter.mail("a@client.example");
  await milter.rcpt("b@mx.example");
  await milter.end();
  const three = await milter.send("Subject: Three\n\n", envelope);
  assertEquals([one, three].map(({ message }) => message?.get("X-Count")), ["1", "3"]);
  assertEquals(milter.conversation.split("\n").filter((line) => line.startsWith("   > connect ")).length, 1);
  assertEquals(server.connections, 1);
});

test("a filter of the library refuses a client at CONNECT", async () => {
  await using server = await serve(() => reject("554 5.7.1 Go away"), LISTEN);
  await using milter = await connect(server.address, { client: { address: "192.0.2.99", name: null } });
  assertEquals(await milter.connect(), {
    type: "reject",
    reply: { code: 554, enhanced: "5.7.1", lines: ["Go away"] },
  });
  await delay(0);
});

function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? decodeText(value) : value;
}
