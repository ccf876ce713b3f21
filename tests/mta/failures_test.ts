/** What an SMTP client sees when a filter fails, and how little that matters to the next mail. */

import {
  accept,
  type ErrorPolicy,
  type Filter,
  type Log,
  type LogEntry,
  MilterError,
  reject,
  serve,
  tempfail,
  type Verdict,
} from "../../mod.ts";
import { assertEquals } from "../harness.ts";
import { deliver, messageOf, open, type Refused, sendMail } from "./mail.ts";
import type { Mta, MtaName } from "./mta.ts";
import { testOnEachMta } from "./on_each_mta.ts";
import { SmtpClient } from "./smtp_client.ts";
import { subjectOf } from "./smtp_sink.ts";

/** Fails the mails of sender "bad", as far on as its recipient says. */
const failing: Filter = async (session) => {
  const { address } = await session.envelopeFrom();
  if (address !== "bad@example.test") return accept();
  for await (const recipient of session.envelopeRecipients()) {
    if (recipient.address === "rcpt@example.test") throw new Error("on purpose, at RCPT");
    if (recipient.address === "nothing@example.test") return undefined as unknown as Verdict;
  }
  await session.headers.collect();
  throw new Error("on purpose, at the end of the headers");
};

/** What the client sees of each mail that fails. */
type Seen = Record<"rcpt" | "nothing" | "headers", Refused>;

/** In one session: mails that fail, in each way, and after each of them one that does not. */
async function failInEveryWay(mta: Mta): Promise<Seen> {
  const client = SmtpClient.to(mta.smtp);
  await open(client);
  const fail = async (way: keyof Seen) => {
    const to = [`<${way}@example.test>`];
    const { refused } = await deliver(client, { from: "<bad@example.test>", to, message: messageOf(way) });
    await client.command("RSET");
    assertEquals((await deliver(client, { message: messageOf(`after ${way}`) })).refused, {});
    return refused;
  };
  const seen: Seen = {
    rcpt: await fail("rcpt"),
    nothing: await fail("nothing"),
    headers: await fail("headers"),
  };
  await client.quit();
  for (const way in seen) await mta.delivery(`after ${way}`);
  return seen;
}

function refusedWith(rcpt: (address: string) => string, end: string): Seen {
  return {
    rcpt: { "rcpt <rcpt@example.test>": rcpt("<rcpt@example.test>") },
    nothing: { "rcpt <nothing@example.test>": rcpt("<nothing@example.test>") },
    headers: { end },
  };
}

const ALL_WELL: Seen = { rcpt: {}, nothing: {}, headers: {} };
const TEMPFAILED: Record<MtaName, Seen> = {
  postfix: refusedWith(
    () => "451 4.7.1 Service unavailable - try again later",
    "451 4.7.1 Service unavailable - try again later",
  ),
  sendmail: refusedWith(() => "451 4.3.2 Please try again later", "451 4.3.2 Please try again later"),
};
const REJECTED: Record<MtaName, Seen> = {
  postfix: refusedWith(() => "550 5.7.1 Command rejected", "550 5.7.1 Command rejected"),
  sendmail: refusedWith(
    (address) => `550 5.7.1 ${address}... Command rejected`,
    "554 5.7.1 Command rejected",
  ),
};
const OWN_WORDS: Record<MtaName, Seen> = {
  postfix: refusedWith(() => "550 5.3.0 Broken", "550 5.3.0 Broken"),
  sendmail: refusedWith((address) => `550 5.3.0 ${address}... Broken`, "550 5.3.0 Broken"),
};

const POLICIES: readonly {
  readonly name: string;
  readonly onError?: ErrorPolicy;
  readonly sees: Record<MtaName, Seen>;
  readonly delivers: readonly string[];
}[] = [
  { name: "tempfails by default", sees: TEMPFAILED, delivers: [] },
  {
    name: 'lets mail through with onError "accept"',
    onError: "accept",
    sees: { postfix: ALL_WELL, sendmail: ALL_WELL },
    delivers: Object.keys(ALL_WELL),
  },
  { name: 'rejects with onError "reject"', onError: "reject", sees: REJECTED, delivers: [] },
  {
    name: "says what an onError function says",
    onError: () => reject("550 5.3.0 Broken"),
    sees: OWN_WORDS,
    delivers: [],
  },
];

for (const { name, onError, sees, delivers } of POLICIES) {
  testOnEachMta(`a filter that fails ${name}, and the next mail works`, async (mta, options) => {
    const policy = onError === undefined ? {} : { onError };
    const logged: LogEntry[] = [];
    const log: Log = (entry) => void logged.push(entry);
    await using _server = await serve(failing, { ...options, ...policy, log });
    assertEquals(await failInEveryWay(mta), sees[mta.name]);
    assertEquals(logged.map(({ level, stage }) => [level, stage]), [
      ["error", "rcpt"],
      ["error", "rcpt"],
      ["error", "endOfHeaders"],
    ]);
    for (const subject of delivers) await mta.delivery(subject);
    const expected = [...delivers, ...Object.keys(ALL_WELL).map((way) => `after ${way}`)];
    assertEquals(mta.delivered().map(subjectOf).sort(), expected.sort());
  });
}

testOnEachMta(
  "a filter that hangs is given up for a tempfail, and the next mail works",
  async (mta, options) => {
    const aborted: boolean[] = [];
    const filter: Filter = async (session) => {
      const { address } = await session.envelopeFrom();
      if (address !== "bad@example.test") return accept();
      await new Promise((resolve) => session.signal.addEventListener("abort", resolve));
      aborted.push(session.signal.aborted);
      return accept();
    };
    const logged: LogEntry[] = [];
    const log: Log = (entry) => void logged.push(entry);
    await using _server = await serve(filter, { ...options, log, timeouts: { event: 100 } });
    const client = SmtpClient.to(mta.smtp);
    await open(client);
    const { refused } = await deliver(client, { from: "<bad@example.test>" });
    assertEquals(refused["mail"]?.slice(0, 3), "451");
    assertEquals((await deliver(client)).refused, {});
    await client.quit();
    await mta.delivery("hello");
    assertEquals(aborted, [true]);
    assertEquals(logged.map(({ level, stage }) => [level, stage]), [["error", "mail"]]);
  },
);

testOnEachMta(
  "a mail that begins in an open session while the server shuts down is answered by the policy",
  async (mta, options) => {
    const onError: ErrorPolicy = (error) =>
      error instanceof MilterError && error.code === "CLOSING" ? tempfail("450 4.3.2 Come again") : reject();
    const filter: Filter = async (session) => {
      await session.endOfMessage();
      return accept();
    };
    const server = await serve(filter, { ...options, onError });
    const client = SmtpClient.to(mta.smtp);
    await open(client);
    assertEquals((await deliver(client)).refused, {});
    const done = server.shutdown({ idle: 500 });
    assertEquals(
      (await deliver(client)).refused["mail"]?.replace(/<.*?>\.\.\. /, ""),
      "450 4.3.2 Come again",
    );
    await client.quit();
    await done;
    await mta.delivery("hello");
  },
);

testOnEachMta(
  "a mail that a filter holds when the time of a shutdown is up is answered by the policy",
  async (mta, options) => {
    let hold = () => {};
    const held = new Promise<void>((resolve) => hold = resolve);
    const server = await serve(async (session) => {
      await session.endOfMessage();
      hold();
      return new Promise<Verdict>(() => {});
    }, { ...options, onError: () => tempfail("450 4.3.2 Come again") });
    const sent = sendMail(mta);
    await held;
    await server.shutdown({ timeout: 0 });
    assertEquals((await sent).refused, { end: "450 4.3.2 Come again" });
  },
);
