/** OpenDKIM signs mail through our client, and judges what others have signed. */

import { connect, MilterPool, send } from "../../src/client/mod.ts";
import { KEYS, passing, sign, verify } from "../dkim.ts";
import { concat, latin1 } from "../bytes.ts";
import { assertEquals, assertMatch, test } from "../harness.ts";
import { type MilterRecipe, startMilter, whyNot } from "./debian_milter.ts";

const PROGRAM = "/usr/sbin/opendkim";
const IGNORE = whyNot(PROGRAM);
const [RSA] = KEYS;

const OPENDKIM: MilterRecipe = {
  program: PROGRAM,
  files: { "key.pem": RSA!.privateKey, "conf": "Syslog no\nCanonicalization simple/simple\n" },
  arguments: (port, directory) => [
    ...["-f", "-x", `${directory}/conf`, "-p", `inet:${port}@127.0.0.1`, "-b", "s"],
    ...["-d", RSA!.domain, "-s", RSA!.selector, "-k", `${directory}/key.pem`],
  ],
};

const MAIL = [
  "From: Zoot <zoot@example.test>",
  "To: user@mx.example",
  "Subject: Beacons\r\n\tof the Grail",
  "Date: Thu, 15 Jan 2026 12:00:00 +0000",
  "Message-Id: <m1@example.test>",
  "",
  ".Lit \r\n\r\ncaf\xe9",
].join("\r\n");

const ENVELOPE = { from: "zoot@example.test", to: "user@mx.example" } as const;

for (const mta of ["postfix", "sendmail"] as const) {
  test(`OpenDKIM signs a mail through our client, by the rules of ${mta}`, { ignore: IGNORE }, async () => {
    await using milter = await startMilter(OPENDKIM);
    const { outcome, edits, message } = await send(milter.address, latin1(MAIL), { ...ENVELOPE, mta });
    assertEquals([outcome, edits.map(({ type }) => type)], ["accepted", ["insertHeader"]]);
    assertMatch(message?.get("DKIM-Signature") ?? "", /d=example\.test; s=rsa;/);
    assertEquals(await verify(message!.bytes), ["rsa-sha256 simple/simple: pass"]);
  });
}

test(
  "OpenDKIM signs a mail that comes as a stream, and many on few connections",
  { ignore: IGNORE },
  async () => {
    await using milter = await startMilter(OPENDKIM);
    const large = latin1(MAIL + "\r\n0123456789abcde".repeat(20_000));
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < large.length; at += 5000) controller.enqueue(large.subarray(at, at + 5000));
        controller.close();
      },
    });
    const { message } = await send(milter.address, stream, ENVELOPE);
    assertEquals(await verify(message!.bytes), ["rsa-sha256 simple/simple: pass"]);

    await using pool = new MilterPool(milter.address, { size: 2 });
    const results = await Promise.all(Array.from({ length: 10 }, () => pool.send(latin1(MAIL), ENVELOPE)));
    for (const result of results) {
      assertEquals(await verify(result.message!.bytes), ["rsa-sha256 simple/simple: pass"]);
    }
  },
);

test("OpenDKIM answers command by command", { ignore: IGNORE }, async () => {
  await using milter = await startMilter(OPENDKIM);
  await using session = await connect(milter.address);
  assertEquals((await session.mail(ENVELOPE.from)).type, "continue");
  assertEquals((await session.rcpt(ENVELOPE.to)).type, "continue");
  await session.header("From", "Zoot <zoot@example.test>");
  await session.header("Subject", "Hello");
  assertEquals((await session.endOfHeaders()).type, "continue");
  await session.body("Hello\r\n");
  const { answer, edits } = await session.end();
  assertEquals(["accept", "continue"].includes(answer.type), true);
  assertEquals(edits.map(({ type }) => type), ["insertHeader"]);
});

test("a mail that we send past OpenDKIM keeps the signatures that it has", { ignore: IGNORE }, async () => {
  await using milter = await startMilter(OPENDKIM);
  const mail = latin1(MAIL.replaceAll("caf\xe9", "coffee\r\n"));
  const signed = concat([latin1(await sign(mail)), mail]);
  const { message } = await send(milter.address, signed, ENVELOPE);
  assertEquals(await verify(message!.bytes), ["rsa-sha256 simple/simple: pass", ...passing()]);
});
