/** `deliver` against the MTAs: the same filter, the same mail, the same end. */

import { accept, defineFilter, discard, type Filter, reject, serve, tempfail } from "../../mod.ts";
import { deliver as deliverInMemory, type DeliveryResult } from "../../src/testing/mod.ts";
import { assertEquals } from "../harness.ts";
import { messageOf, type Outcome, sendMail } from "./mail.ts";
import { testOnEachMta } from "./on_each_mta.ts";

const TO = ["<one@example.test>", "<two@example.test>"];

/** Filters of all kinds. */
const FILTERS: Readonly<Record<string, Filter>> = {
  "accepts all": () => accept(),
  "rejects at CONNECT": () => reject("550 5.7.1 Not you"),
  "rejects at HELO": async (session) => (await session.helo(), reject("550 5.7.1 Not you")),
  "rejects at MAIL": async (session) => (await session.envelopeFrom(), reject("550 5.7.1 Not from there")),
  "tempfails at MAIL": async (session) => (await session.envelopeFrom(), tempfail()),
  "rejects one recipient": async (session) => {
    for await (const recipient of session.envelopeRecipients()) {
      if (recipient.address === "one@example.test") recipient.reject("550 5.1.1 Not to him");
    }
    return accept();
  },
  "tempfails all recipients": async (session) => {
    for await (const recipient of session.envelopeRecipients()) recipient.tempfail("452 4.5.3 Too many");
    return accept();
  },
  "accepts among the recipients": async (session) => {
    for await (const _ of session.envelopeRecipients()) return accept();
    return reject();
  },
  "rejects at DATA": async (session) => (await session.data(), reject()),
  "rejects at the end of headers": async (session) => {
    for await (const _ of session.headers);
    return reject("554 5.6.0 Not\nlike that, 100%");
  },
  "tempfails at the end": async (session) => (await session.endOfMessage(), tempfail()),
  "discards at the end": async (session) => (await session.endOfMessage(), discard()),
  "edits all there is": defineFilter({}, async (session) => {
    await session.endOfMessage();
    session.headers.insert("X-Top", "1", "start");
    session.headers.append("X-Bottom", "2");
    const subject = await session.headers.get("Subject");
    if (subject) session.headers.update(subject, `${subject.value} edited`);
    for (const header of await session.headers.getAll("Message-Id")) session.headers.delete(header);
    session.changeSender("other@example.test");
    session.addRecipient("three@example.test");
    session.removeRecipient("one@example.test");
    session.body.replace("new\r\n");
    return accept();
  }),
};

testOnEachMta("does with a filter what the MTA in memory does", async (mta, options) => {
  for (const [name, filter] of Object.entries(FILTERS)) {
    await using _server = await serve(filter, options);
    const subject = name.replaceAll(" ", "-");
    const message = messageOf(subject);
    const count = mta.delivered().length;
    const outcome = await sendMail(mta, { message, to: TO });
    const result = await deliverInMemory(filter, message, {
      mta: mta.name,
      client: { name: "localhost", address: "127.0.0.1" },
      helo: "client.example.test",
      hostname: "mx.example.test",
      from: "<sender@example.test>",
      to: TO,
    });
    assertEquals(refusalsInMemory(result), refusals(outcome), name);
    assertEquals(
      result.message !== undefined,
      outcome.queueId !== undefined && !name.startsWith("discards"),
      name,
    );
    if (result.message === undefined) continue;
    while (mta.delivered().length === count) await new Promise((resolve) => setTimeout(resolve, 5));
    const mail = mta.delivered()[count]!;
    assertEquals(withoutTrace(result.message.text), withoutTrace(mail.data.replaceAll("\r\n", "\n")), name);
    assertEquals(result.sender, addressOf(mail.from), name);
    assertEquals([...result.deliveredTo].sort(), mail.to.map(addressOf).sort(), name);
  }
});

/** Why each recipient was refused, if it was: by itself, or with the message. */
function refusals({ refused }: Outcome): (string | undefined)[] {
  const whole = refused.mail ?? refused.data ?? refused.end;
  return TO.map((path) => refused[`rcpt ${path}`] ?? whole);
}

function refusalsInMemory({ recipients }: DeliveryResult): (string | undefined)[] {
  return recipients.map(({ outcome, reply }) =>
    outcome === "rejected" || outcome === "tempfailed" ? reply.full : undefined
  );
}

/** What the MTA makes itself holds the time and an id. */
function withoutTrace(text: string): string {
  return text.replace(/^Received: from client[^]*?\n(?!\t)/m, "").replace(/^Message-Id: .*\n/m, "");
}

function addressOf(line: string): string {
  return /<(.*?)>/.exec(line)?.[1] ?? line;
}
