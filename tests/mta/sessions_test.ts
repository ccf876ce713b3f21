/** What a filter sees of SMTP sessions: of one mail, of several, of those that end half way. */

import { createHash } from "node:crypto";
import { accept, type Filter, MilterError, reject, serve, tempfail } from "../../mod.ts";
import { assert, assertEquals, assertInstanceOf, assertRejects, delay } from "../harness.ts";
import { BODY, deliver, HEADERS, messageOf, open, sendMail } from "./mail.ts";
import { testOnEachMta } from "./on_each_mta.ts";
import { SmtpClient } from "./smtp_client.ts";
import { bodyOf } from "./smtp_sink.ts";

/** Postfix as it calls most filters; Sendmail would take seconds so. */
const TCP = { transport: { postfix: "inet" } } as const;

testOnEachMta("a filter sees everything of a mail", async (mta, options) => {
  const seen: Record<string, unknown> = {};
  const filter: Filter = async (session) => {
    seen["family"] = session.connection.family;
    seen["address"] = session.connection.address;
    seen["mta"] = session.mta.profile;
    seen["helo"] = (await session.helo())?.hostname;
    const sender = await session.envelopeFrom();
    seen["sender"] = [sender.address, ...sender.arguments];
    const recipients = seen["recipients"] = [] as string[][];
    for await (const { address, arguments: values } of session.envelopeRecipients()) {
      recipients.push([address, ...values]);
    }
    seen["headers"] = (await session.headers.collect()).map(({ name, value }) => [name, value]);
    seen["body"] = new TextDecoder().decode(await session.body.collect());
    await session.endOfMessage();
    seen["queueId"] = session.macros.get("i");
    return accept();
  };
  await using _server = await serve(filter, options);
  const { queueId, refused } = await sendMail(mta, {
    from: "<sender@example.test> SIZE=300 BODY=8BITMIME",
    to: ["<one@example.test> NOTIFY=NEVER", "<two@example.test>"],
    message: messageOf("hello"),
  });
  assertEquals(refused, {});
  assertEquals(seen, {
    family: "inet",
    address: "127.0.0.1",
    mta: mta.name,
    helo: "client.example.test",
    sender: ["sender@example.test", "SIZE=300", "BODY=8BITMIME"],
    recipients: [["one@example.test", "NOTIFY=NEVER"], ["two@example.test"]],
    headers: [["Subject", "hello"], ...HEADERS],
    body: BODY,
    queueId,
  });
});

testOnEachMta("message() is the message as it was sent, byte for byte", async (mta, options) => {
  let text = "";
  const filter: Filter = async (session) => {
    text = await new Response(session.message()).text();
    return accept();
  };
  await using _server = await serve(filter, options);
  const message = messageOf("hello", BODY, [["X-Folded", "one\r\n\ttwo\r\n  three"], [
    "X-Odd",
    "  two spaces",
  ], ...HEADERS]);
  await sendMail(mta, { message });
  assertEquals(text, message);
});

testOnEachMta("two mails in a session are two runs with one connection", async (mta, options) => {
  const connections: unknown[] = [];
  const subjects: (string | undefined)[] = [];
  const filter: Filter = async (session) => {
    connections.push(session.connection);
    assertEquals((await session.helo())?.hostname, "client.example.test");
    subjects.push((await session.headers.get("Subject"))?.value);
    return accept();
  };
  await using _server = await serve(filter, options);
  const client = SmtpClient.to(mta.smtp);
  await open(client);
  assertEquals((await deliver(client, { message: messageOf("first") })).refused, {});
  assertEquals((await deliver(client, { message: messageOf("second") })).refused, {});
  await client.quit();
  await mta.delivery("first");
  await mta.delivery("second");
  assertEquals(subjects, ["first", "second"]);
  assertEquals(connections[0], connections[1]);
});

testOnEachMta("a mail that was refused does not touch the next in the session", async (mta, options) => {
  const filter: Filter = async (session) => {
    const { address } = await session.envelopeFrom();
    return address === "bad@example.test" ? reject() : accept();
  };
  await using _server = await serve(filter, options);
  const client = SmtpClient.to(mta.smtp);
  await open(client);
  assertEquals(Object.keys((await deliver(client, { from: "<bad@example.test>" })).refused), ["mail"]);
  assertEquals((await deliver(client, { message: messageOf("good") })).refused, {});
  assertEquals(Object.keys((await deliver(client, { from: "<bad@example.test>" })).refused), ["mail"]);
  await client.quit();
  await mta.delivery("good");
});

testOnEachMta("recipients are refused one by one", async (mta, options) => {
  const filter: Filter = async (session) => {
    for await (const recipient of session.envelopeRecipients()) {
      if (recipient.address === "two@example.test") recipient.reject("550 5.1.1 No such knight");
      if (recipient.address === "four@example.test") recipient.tempfail();
    }
    return accept();
  };
  await using _server = await serve(filter, options);
  const to = ["one", "two", "three", "four", "five"].map((name) => `<${name}@example.test>`);
  const { refused } = await sendMail(mta, { to });
  assertEquals(
    refused,
    mta.name === "postfix"
      ? {
        "rcpt <two@example.test>": "550 5.1.1 No such knight",
        "rcpt <four@example.test>": "451 4.7.1 Service unavailable - try again later",
      }
      : {
        "rcpt <two@example.test>": "550 5.1.1 <two@example.test>... No such knight",
        "rcpt <four@example.test>": "451 4.3.2 Please try again later",
      },
  );
  const mail = await mta.delivery("hello");
  assertEquals(mail.to.map((recipient) => recipient.split(" ")[0]).sort(), [to[4], to[0], to[2]]);
});

testOnEachMta("RSET aborts the run, and the session goes on", async (mta, options) => {
  const ends: unknown[] = [];
  await using _server = await serve(recordingEnds(ends), options);
  const client = SmtpClient.to(mta.smtp);
  await open(client);
  await client.command("MAIL FROM:<sender@example.test>");
  await client.command("RCPT TO:<one@example.test>");
  await client.command("RSET");
  assertEquals((await deliver(client)).refused, {});
  await client.quit();
  await mta.delivery("hello");
  assertEquals(ends, [ABORTED, "endOfMessage"]);
});

testOnEachMta(
  "a client that vanishes in DATA aborts the run, and harms no other mail",
  async (mta, options) => {
    const ends: unknown[] = [];
    await using _server = await serve(recordingEnds(ends), options);
    const client = SmtpClient.to(mta.smtp);
    await open(client);
    await client.command("MAIL FROM:<sender@example.test>");
    await client.command("RCPT TO:<one@example.test>");
    await client.command("DATA");
    client.write("Subject: half\r\n\r\nhalf a li");
    client.vanish();
    while (ends.length === 0) await delay(5);
    assertEquals((await sendMail(mta)).refused, {});
    await mta.delivery("hello");
    assertEquals(ends, [ABORTED, "endOfMessage"]);
    assertEquals(mta.delivered().length, 1);
  },
);

const ABORTED = { code: "ABORTED", signal: "aborted" };

/** A filter that goes for the end of the message, and records how it ended. */
function recordingEnds(ends: unknown[]): Filter {
  return async (session) => {
    try {
      await session.endOfMessage();
      ends.push("endOfMessage");
    } catch (error) {
      assertInstanceOf(error, MilterError);
      ends.push({ code: error.code, signal: session.signal.aborted ? "aborted" : "silent" });
      throw error;
    }
    return accept();
  };
}

testOnEachMta("a body of 5 MB arrives whole, at the filter and behind it", async (mta, options) => {
  const body = `${"0123456789abcdef".repeat(4)}\r\n`.repeat(80_000);
  const hash = createHash("sha256");
  let size = 0;
  const filter: Filter = async (session) => {
    for await (const chunk of session.body) {
      hash.update(chunk);
      size += chunk.length;
    }
    return accept();
  };
  await using _server = await serve(filter, options);
  assertEquals((await sendMail(mta, { message: messageOf("large", body) })).refused, {});
  assertEquals(size, body.length);
  assertEquals(hash.digest("hex"), createHash("sha256").update(body).digest("hex"));
  assert(bodyOf(await mta.delivery("large")) === body, "the body as delivered differs");
}, TCP);

testOnEachMta("a filter that leaves the body early does not hold the mail up", async (mta, options) => {
  let chunks = 0;
  const filter: Filter = async (session) => {
    for await (const _chunk of session.body) {
      chunks++;
      break;
    }
    await session.endOfMessage();
    return accept();
  };
  await using _server = await serve(filter, options);
  const body = `${"x".repeat(70)}\r\n`.repeat(10_000);
  await sendMail(mta, { message: messageOf("long", body) });
  assertEquals(chunks, 1);
  assert(bodyOf(await mta.delivery("long")) === body, "the body as delivered differs");
});

testOnEachMta("a second EHLO aborts the run, and names the client anew", async (mta, options) => {
  const ends: unknown[] = [];
  const filter: Filter = async (session) => {
    const verdict = await recordingEnds(ends)(session);
    ends.push((await session.helo())?.hostname);
    return verdict;
  };
  await using _server = await serve(filter, options);
  const client = SmtpClient.to(mta.smtp);
  await open(client);
  await client.command("MAIL FROM:<sender@example.test>");
  await client.command("RCPT TO:<one@example.test>");
  await client.command("EHLO another.example.test");
  assertEquals((await deliver(client)).refused, {});
  await client.quit();
  await mta.delivery("hello");
  assertEquals(ends, [ABORTED, "endOfMessage", "another.example.test"]);
});

testOnEachMta("a refused DATA leaves the mail open, and refused", async (mta, options) => {
  const verdicts = [tempfail("451 4.7.1 Later"), accept()];
  const filter: Filter = async (session) => {
    const verdict = verdicts.shift()!;
    await session.data();
    return verdict;
  };
  await using _server = await serve(filter, options);
  const client = SmtpClient.to(mta.smtp);
  await open(client);
  assertEquals((await deliver(client)).refused, { data: "451 4.7.1 Later" });
  assertEquals((await client.command("DATA")).text, "451 4.7.1 Later");
  await client.command("RSET");
  assertEquals((await deliver(client)).refused, {});
  await client.quit();
  await mta.delivery("hello");
  assertEquals(mta.delivered().length, 1);
});

testOnEachMta("a reply of 421 ends the session", async (mta, options) => {
  const filter: Filter = async (session) => {
    await session.envelopeFrom();
    return tempfail("421 4.3.2 Closing");
  };
  await using _server = await serve(filter, options);
  const client = SmtpClient.to(mta.smtp);
  await open(client);
  assertEquals((await deliver(client)).refused, { mail: "421 4.3.2 Closing" });
  await assertRejects(() => client.command("NOOP"), Error);
});

testOnEachMta("an unknown command reaches the filter that waits for it", async (mta, options) => {
  let name = "";
  const filter: Filter = async (session) => {
    name = (await session.extension("XYZZY")).name;
    return accept();
  };
  await using _server = await serve(filter, options);
  const client = SmtpClient.to(mta.smtp);
  await open(client);
  assertEquals((await client.command("XYZZY one two")).code, 500);
  assertEquals((await deliver(client)).refused, {});
  await client.quit();
  assertEquals(name, "XYZZY");
});

testOnEachMta("twenty mails in a session are twenty runs", async (mta, options) => {
  const ends: unknown[] = [];
  await using _server = await serve(recordingEnds(ends), options);
  const client = SmtpClient.to(mta.smtp);
  await open(client);
  for (let mail = 0; mail < 20; mail++) assertEquals((await deliver(client)).refused, {});
  await client.quit();
  assertEquals(ends, Array(20).fill("endOfMessage"));
}, TCP);

testOnEachMta("mails that come at once are judged each for itself", async (mta, options) => {
  const filter: Filter = async (session) => {
    const { address } = await session.envelopeFrom();
    await session.endOfMessage();
    return address.startsWith("bad") ? reject() : accept();
  };
  await using _server = await serve(filter, options);
  const senders = ["good1", "bad1", "good2", "bad2", "good3", "bad3"];
  const outcomes = await Promise.all(
    senders.map((name) => sendMail(mta, { from: `<${name}@example.test>`, message: messageOf(name) })),
  );
  assertEquals(outcomes.map(({ refused }) => Object.keys(refused)), [[], ["end"], [], ["end"], [], ["end"]]);
  for (const name of ["good1", "good2", "good3"]) await mta.delivery(name);
  assertEquals(mta.delivered().length, 3);
}, TCP);

testOnEachMta("a filter can be reached by TCP", async (mta, options) => {
  await using _server = await serve(() => accept(), options);
  assertEquals((await sendMail(mta)).refused, {});
  await mta.delivery("hello");
}, { transport: { postfix: "inet", sendmail: "inet" } });
