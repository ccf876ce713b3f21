/** The example of an SMTP server that asks milters: a client on one side, filters of ours on the other. */

import { smtpServer, type TakenMail } from "../../examples/smtp_server.ts";
import { accept, defineFilter, formatAddress, quarantine, reject, serve } from "../../mod.ts";
import { assertEquals, assertMatch, assertStringIncludes, test } from "../harness.ts";
import { deliver, messageOf, open } from "../mta/mail.ts";
import { SmtpClient } from "../mta/smtp_client.ts";

const LISTEN = { listen: "inet:0@127.0.0.1" } as const;

const judge = defineFilter({ name: "judge" }, async (session) => {
  const { address } = await session.envelopeFrom();
  if (address === "bad@example.test") return reject("550 5.7.1 Not you");
  for await (const recipient of session.envelopeRecipients()) {
    if (recipient.address === "no@example.test") recipient.reject("550 5.1.1 Nobody\nhere");
  }
  const subject = (await session.headers.get("Subject"))?.value;
  if (subject === "spam") return reject("554 5.7.1 No spam");
  if (subject === "odd") return quarantine("Looks odd");
  session.headers.append("X-Greeting", (await session.helo())?.hostname ?? "none");
  return accept();
});

const footer = defineFilter({ name: "footer" }, async (session) => {
  const body = new TextDecoder().decode(await session.body.collect());
  session.body.replace(`${body}-- \r\nSent by us\r\n`);
  session.addRecipient("archive@example.test");
  return accept();
});

test("smtp_server asks milters, and takes the mail as they have made it", { sanitize: false }, async () => {
  await using one = await serve(judge, LISTEN);
  await using two = await serve(footer, LISTEN);
  const taken: TakenMail[] = [];
  const server = smtpServer({
    milters: [one.address, two.address].map(formatAddress),
    take: (mail) => Promise.resolve(void taken.push(mail)),
  });
  const listener = server.listen(0, "127.0.0.1");
  await new Promise((ready) => listener.once("listening", ready));
  const { port } = listener.address() as { port: number };
  try {
    const client = SmtpClient.to({ host: "127.0.0.1", port });
    await open(client);
    const to = ["<yes@example.test>", "<no@example.test>"];
    const first = await deliver(client, { to, message: messageOf("hello", "One\r\n..two\r\n") });
    assertEquals(Object.keys(first.refused), ["rcpt <no@example.test>"]);
    assertMatch(Object.values(first.refused)[0]!, /^550 5\.1\.1 Nobody here$/);
    const [mail] = taken;
    assertEquals([mail?.from, mail?.to], ["sender@example.test", [
      "yes@example.test",
      "archive@example.test",
    ]]);
    const text = new TextDecoder().decode(mail?.bytes);
    assertStringIncludes(text, "X-Greeting: client.example.test\r\n");
    assertStringIncludes(text, "\r\n\r\nOne\r\n..two\r\n-- \r\nSent by us\r\n");

    const second = await deliver(client, { to, message: messageOf("spam") });
    assertMatch(second.refused.end!, /^554 5\.7\.1 No spam$/);
    const third = await deliver(client, { from: "<bad@example.test>" });
    assertMatch(third.refused.mail!, /^550 5\.7\.1 Not you$/);
    await deliver(client, { message: messageOf("odd") });
    assertEquals(taken.map((mail) => mail.quarantine), [undefined, "Looks odd"]);
    await client.quit();
  } finally {
    await new Promise<void>((closed) => server.close(closed));
  }
});

test("smtp_server has clients come again later while a milter is away", { sanitize: false }, async () => {
  const server = smtpServer({ milters: ["unix:/nowhere/at.all"], take: () => Promise.resolve() });
  const listener = server.listen(0, "127.0.0.1");
  await new Promise((ready) => listener.once("listening", ready));
  try {
    const client = SmtpClient.to({ host: "127.0.0.1", port: (listener.address() as { port: number }).port });
    await open(client);
    const { refused } = await deliver(client);
    assertMatch(refused.mail!, /^451 4\.7\.1 Service unavailable/);
    await client.quit();
  } finally {
    await new Promise<void>((closed) => server.close(closed));
  }
});
