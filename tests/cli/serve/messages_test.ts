/** `kilter serve` at work: what becomes of messages, and the line that each gets. */

import { stat, writeFile } from "node:fs/promises";
import { assertEquals, assertMatch, assertNotEquals, delay, tempDir, test } from "../../harness.ts";
import { CONVERSATION, GREETING, mail, MESSAGE, rcpt } from "../../mta_commands.ts";
import { LIBRARY, serveFiles, startServing } from "./served.ts";

/** A filter that does what the sender's name says. */
const JUDGE = `
import { accept, defineFilter, discard, quarantine, reject, tempfail } from ${LIBRARY};

const VERDICTS = {
  accept: () => accept(),
  reject: () => reject("550 5.7.1 None shall pass, 100%\\nNot even you"),
  tempfail: () => tempfail(),
  discard: () => discard(),
  quarantine: () => quarantine("looks odd"),
  fail: () => {
    throw new Error("no database");
  },
};

export default defineFilter({ name: "judge" }, async (session) => {
  const { address } = await session.envelopeFrom();
  for await (const recipient of session.envelopeRecipients()) {
    if (recipient.address.startsWith("no.")) recipient.reject("550 5.1.1 No such user");
  }
  await session.endOfMessage();
  session.headers.append("X-Judged", "yes");
  session.addRecipient("archive@example.com");
  return VERDICTS[address.split("@")[0]]();
});
`;

/** Lines as they are told, without what is another each time. */
function settled(text: string): string[] {
  return text.trimEnd().split("\n").map((line) =>
    line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z /, "").replace(/ +\d+ ms/, " N ms")
  );
}

test("kilter serve has a line for each message: verdict, time, queue id, client, envelope, edits, reply", async () => {
  await using served = await serveFiles({ "filter.ts": JUDGE });
  const mta = await served.connect();
  await mta.play(GREETING);
  for (const name of ["accept", "reject", "tempfail", "discard", "quarantine", "fail"]) {
    await mta.macros("M", { i: `4${name}` });
    await mta.play([mail(`<${name}@example.com>`), ...MESSAGE.slice(1)]);
  }
  const client = "client.example[192.0.2.1]";
  const to = "<user@example.com>";
  await served.child.says(/4fail .*\n/, "out");
  assertEquals(settled(served.child.out), [
    `accept N ms  4accept  ${client}  <accept@example.com> → ${to}  2 edits`,
    `reject N ms  4reject  ${client}  <reject@example.com> → ${to}  ` +
    "550-5.7.1 None shall pass, 100% / 550 5.7.1 Not even you by judge",
    `tempfail N ms  4tempfail  ${client}  <tempfail@example.com> → ${to}  by judge`,
    `discard N ms  4discard  ${client}  <discard@example.com> → ${to}  by judge`,
    `quarantine N ms  4quarantine  ${client}  <quarantine@example.com> → ${to}  3 edits  looks odd by judge`,
    `tempfail N ms  4fail  ${client}  <fail@example.com> → ${to}  judge failed: no database`,
  ]);
  assertMatch(
    served.child.err,
    /^kilter: error: The filter failed: no database \(filter judge, .*queue 4fail\)$/m,
  );
});

test("kilter serve names three recipients and how many more, those refused as such, and what the client wrote as text", async () => {
  await using served = await serveFiles({ "filter.ts": JUDGE });
  const mta = await served.connect();
  await mta.play(GREETING);
  const recipients = ["a@example.com", "no.one@example.com", "\x1b[31mc@example.com", "d@x", "e@x"];
  await mta.play([
    mail("<accept@\x07example.com>"),
    ...recipients.map((one) => rcpt(`<${one}>`)),
    ...MESSAGE.slice(2),
  ]);
  await served.child.says(/\n/, "out");
  assertEquals(settled(served.child.out), [
    "accept N ms  NOQUEUE  client.example[192.0.2.1]  <accept@\\x07example.com> → " +
    "<a@example.com>, <no.one@example.com> (refused), <\\x1b[31mc@example.com> and 2 more  2 edits",
  ]);
});

test("kilter serve tells who sends what to whom also where the filter does not look, and waits for no more answers", async () => {
  await using served = await serveFiles({
    "filter.ts": `
import { accept, defineFilter } from ${LIBRARY};
export default defineFilter({ name: "counts", sees: ["headers"], edits: ["headers"] }, async (session) => {
  session.headers.append("X-Count", String((await session.headers.collect()).length));
  return accept();
});`,
  });
  const mta = await served.connect();
  assertEquals(await mta.play(CONVERSATION), [
    "endOfHeaders: continue",
    'endOfMessage: insertHeader 2147483647 "X-Count" " 1"',
    "endOfMessage: accept",
  ]);
  await served.child.says(/\n/, "out");
  assertEquals(settled(served.child.out), [
    "accept N ms  NOQUEUE  client.example[192.0.2.1]  <sender@example.com> → <user@example.com>  1 edit",
  ]);
});

test("kilter serve tells of messages that have gone", async () => {
  await using served = await serveFiles({ "filter.ts": JUDGE });
  const mta = await served.connect();
  await mta.play([...GREETING, mail("<accept@example.com>"), "rcpt"]);
  await mta.say("abort");
  await served.child.says(/\n/, "out");
  assertMatch(
    settled(served.child.out)[0]!,
    /^gone N ms {2}NOQUEUE .* → <user@example.com> {2}Cannot go on after rcpt: the client reset it/,
  );
});

test("kilter serve --json tells all in lines of JSON on the standard output", async () => {
  await using served = await serveFiles({ "filter.ts": JUDGE }, {
    args: ["--listen", "inet:0@127.0.0.1", "--json"],
  });
  const mta = await served.connect();
  await mta.play([
    ...GREETING,
    mail("<reject@example.com>"),
    rcpt("<no.one@example.com>"),
    ...MESSAGE.slice(1),
  ]);
  await mta.play([mail("<accept@example.com>"), ...MESSAGE.slice(1)]);
  await mta.play([mail("<fail@example.com>"), ...MESSAGE.slice(1)]);
  served.child.signal("SIGTERM");
  assertEquals(await served.child.ended, 0);
  assertEquals(served.child.err, "");
  const told = served.child.out.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(told.map(({ event }) => event), [
    ...["listening", "message", "message", "log", "message", "stopping", "stopped"],
  ]);
  assertEquals(told.every(({ time }) => Math.abs(Date.parse(time) - Date.now()) < 60_000), true);
  const [listening, rejected, accepted, log, failed] = told;
  assertEquals([listening.addresses, listening.pid], [served.addresses, served.child.pid]);
  const { time: _, milliseconds, filterMilliseconds, ...facts } = rejected;
  assertEquals([typeof milliseconds, typeof filterMilliseconds], ["number", "number"]);
  assertEquals(facts, {
    event: "message",
    client: { host: "client.example", address: "192.0.2.1", port: 4321, helo: "client.example" },
    sender: "reject@example.com",
    recipients: [
      { address: "no.one@example.com", refusedBy: "filter", reply: "550 5.1.1 No such user" },
      { address: "user@example.com" },
    ],
    verdict: "reject",
    reply: "550-5.7.1 None shall pass, 100% / 550 5.7.1 Not even you",
    filter: "judge",
    stage: "endOfMessage",
    edits: [],
    headers: 1,
    bodyBytes: 7,
  });
  assertEquals([accepted.verdict, accepted.edits], ["accept", [
    { type: "addRecipient", address: "<archive@example.com>" },
    { type: "insertHeader", index: 2147483647, name: "X-Judged", value: " yes" },
  ]]);
  assertEquals([log.level, log.message, log.filter], ["error", "The filter failed: no database", "judge"]);
  assertMatch(log.stack, /filter\.ts/);
  assertEquals([failed.verdict, failed.error], ["tempfail", "no database"]);
});

test("kilter serve --quiet tells of trouble only", async () => {
  await using directory = await tempDir();
  const path = directory.file("s");
  await using served = await startServing({ "filter.ts": JUDGE }, {
    args: ["-l", `unix:${path}`, "--quiet"],
  });
  while (await stat(path).then(() => false, () => true)) await delay(20);
  const mta = await served.connect(`unix:${path}`);
  await mta.play([...GREETING, mail("<accept@example.com>"), ...MESSAGE.slice(1)]);
  await mta.play([mail("<fail@example.com>"), ...MESSAGE.slice(1)]);
  served.child.signal("SIGTERM");
  assertEquals(await served.child.ended, 0);
  assertEquals(served.child.out, "");
  assertMatch(served.child.err, /^kilter: error: The filter failed: no database/);
});

test("kilter serve --on-error says what a message gets whose filter fails", async () => {
  for (
    const [verdict, reply] of [["accept", "accept"], ["reject", "reject"], ["tempfail", "tempfail"]] as const
  ) {
    await using served = await serveFiles(
      { "filter.ts": "export default () => { throw new Error('no'); };" },
      {
        args: ["-l", "inet:0@127.0.0.1", "--on-error", verdict],
      },
    );
    const mta = await served.connect();
    assertEquals((await mta.play(CONVERSATION)).at(-1)!.replace(/^\w+: /, ""), reply);
  }
});

test("kilter serve listens on each address, and gives Unix sockets their mode", async () => {
  await using directory = await tempDir();
  const path = directory.file("s");
  await using served = await serveFiles({ "filter.ts": JUDGE }, {
    args: ["-l", "inet:0@127.0.0.1", "-l", `unix:${path}`, "-l", "inet:0@127.0.0.1", "--mode", "660"],
  });
  assertEquals((await stat(path)).mode & 0o777, 0o660);
  assertEquals(served.addresses.length, 3);
  assertEquals(served.addresses[1], `unix:${path}`);
  assertNotEquals(served.addresses[0], served.addresses[2]);
  for (const address of served.addresses) {
    const mta = await served.connect(address);
    assertEquals(
      (await mta.play(CONVERSATION.with(2, mail("<discard@example.com>")))).at(-1),
      "endOfMessage: discard",
    );
  }
});

test("kilter serve composes several modules in their order, and only watches those of --shadow", async () => {
  const tag = (name: string) => `
import { accept, defineFilter } from ${LIBRARY};
export default defineFilter({ name: "${name}" }, async (session) => {
  await session.endOfMessage();
  session.headers.append("X-Tag", "${name}");
  return accept();
});`;
  const strict = `
import { reject } from ${LIBRARY};
export default async (session) => {
  await session.endOfMessage();
  return reject();
};`;
  await using directory = await tempDir();
  for (const [name, text] of [["two", tag("two")], ["strict", strict]] as const) {
    await writeFile(directory.file(`${name}.ts`), text);
  }
  await using served = await serveFiles({ "filter.ts": tag("one") }, {
    args: [directory.file("two.ts"), "--shadow", directory.file("strict.ts"), "-l", "inet:0@127.0.0.1"],
  });
  const mta = await served.connect();
  assertEquals((await mta.play(CONVERSATION)).slice(-3), [
    'endOfMessage: insertHeader 2147483647 "X-Tag" " one"',
    'endOfMessage: insertHeader 2147483647 "X-Tag" " two"',
    "endOfMessage: accept",
  ]);
  // A function without a name goes by that of its file.
  await served.child.says(/shadow strict would have said reject, not accept\n/, "out");
});
