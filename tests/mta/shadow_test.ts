/** Filters that are only watched, in front of real MTAs: the mail is as if they were not there. */

import {
  accept,
  compose,
  defineFilter,
  discard,
  type Filter,
  type LogEntry,
  quarantine,
  reject,
  serve,
  shadow,
  type ShadowReport,
  type Verdict,
} from "../../mod.ts";
import { assertEquals, delay } from "../harness.ts";
import { messageOf, sendMail } from "./mail.ts";
import type { Mta } from "./mta.ts";
import { testOnEachMta } from "./on_each_mta.ts";
import { bodyOf, headersOf } from "./smtp_sink.ts";
import { serveTapped } from "./wiretap.ts";

/** Does all that there is to a mail, then judges it. */
function meddling(name: string, verdict: Verdict): Filter {
  return defineFilter({ name }, async (session) => {
    for await (const recipient of session.envelopeRecipients()) recipient.reject("550 5.1.1 Not to him");
    for (const header of await session.headers.collect()) session.headers.delete(header);
    session.headers.append("X-Shadow", "was here");
    session.body.replace("shadow\r\n");
    session.changeSender("shadow@example.test");
    session.addRecipient("shadow@example.test");
    session.removeRecipient("one@example.test");
    await session.endOfMessage();
    session.progress();
    return verdict;
  });
}

/** Refuses at once. */
const hasty = defineFilter({ name: "hasty" }, () => reject("550 5.7.1 Never"));

const failing = defineFilter({ name: "failing", onError: "reject" }, async (session) => {
  await session.envelopeFrom();
  throw new Error("on purpose");
});

/** What is judged for real, and what the client is refused then. */
const REAL: Readonly<Record<string, readonly [filter: Filter, refused: readonly string[]]>> = {
  "accepts at once": [() => accept(), []],
  "accepts at the end": [async (session) => (await session.endOfMessage(), accept()), []],
  "edits": [async (session) => {
    for (const header of await session.headers.getAll("To")) session.headers.update(header, "all");
    session.headers.append("X-Real", "yes");
    session.changeSender("real@example.test");
    session.addRecipient("three@example.test");
    return accept();
  }, []],
  "refuses one recipient": [async (session) => {
    for await (const one of session.envelopeRecipients()) {
      if (one.address === "one@example.test") one.reject();
    }
    return accept();
  }, ["rcpt <one@example.test>"]],
  "refuses the sender": [async (session) => (await session.envelopeFrom(), reject()), ["mail"]],
  "refuses at the end": [async (session) => (await session.endOfMessage(), reject()), ["end"]],
};

/** What the client sees of a mail, and what is delivered of it, but for what holds the time or an id. */
async function outcomeOf(mta: Mta): Promise<unknown> {
  const count = mta.delivered().length;
  const { refused, queueId } = await sendMail(mta, { message: messageOf("watched") });
  if (queueId === undefined) return { refused };
  while (mta.delivered().length === count) await delay(5);
  const mail = mta.delivered()[count]!;
  return {
    refused,
    from: mail.from.replace(/SIZE=\d+/, ""),
    to: mail.to.toSorted(),
    headers: headersOf(mail).filter(([name]) => name !== "Received"),
    body: bodyOf(mail),
  };
}

for (const [what, [real, refused]] of Object.entries(REAL)) {
  testOnEachMta(`shadows change nothing of what a filter does that ${what}`, async (mta, options) => {
    const alone = await serve(real, options);
    const expected = await outcomeOf(mta);
    await alone[Symbol.asyncDispose]();
    assertEquals(Object.keys((expected as { refused: object }).refused), [...refused]);

    const reports: ShadowReport[] = [];
    const watch = (filter: Filter) => shadow(filter, { onVerdict: (report) => reports.push(report) });
    const warnings: LogEntry[] = [];
    const serving = { ...options, onWarning: (entry: LogEntry) => void warnings.push(entry) };
    for (
      const filter of [
        compose(real, watch(meddling("rejects", reject("550 5.7.1 Never")))),
        compose(watch(meddling("discards", discard())), real),
        compose(watch(hasty), watch(meddling("holds", quarantine("never"))), real, watch(failing)),
        compose(watch(compose(hasty, meddling("accepts", accept()))), real),
      ]
    ) {
      await using _server = await serve(filter, serving);
      assertEquals(await outcomeOf(mta), expected, filter.name);
    }
    assertEquals(mta.quarantined(), {});
    // With a refusal the message is over for all: who had not made up his mind by then is not told of.
    const told = reports.map(({ name, verdict, actual }) => `${name} ${verdict.type}, not ${actual.type}`);
    const all = what !== "refuses the sender"
      ? ["accepts accept", "discards discard", "holds quarantine", "rejects reject"]
      : [];
    const actual = ["mail", "end"].includes(refused[0] ?? "") ? "reject" : "accept";
    const expectedReports = [...all, "hasty reject", "hasty reject"].map((one) => `${one}, not ${actual}`);
    assertEquals(told.toSorted(), expectedReports.toSorted());
    assertEquals(warnings.map(({ filter, message }) => `${filter}: ${message}`), [
      "failing: The shadow filter failed: on purpose",
    ]);
  });
}

testOnEachMta("a shadow alone lets all mail pass", async (mta, options) => {
  const reports: string[] = [];
  const onVerdict = ({ verdict, actual }: ShadowReport) =>
    void reports.push(`${verdict.type} ${actual.type}`);
  let before: unknown;
  {
    await using _server = await serve(() => accept(), options);
    before = await outcomeOf(mta);
  }
  for (const filter of [meddling("rejects", reject()), hasty]) {
    await using server = await serveTapped(shadow(filter, { onVerdict }), options);
    assertEquals(await outcomeOf(mta), before);
    const said = server.tap.take().flatMap((one) => one.by === "filter" ? one.reply.type : []);
    const known = ["negotiate", "continue", "skip", "accept"];
    assertEquals(said.filter((type) => !known.includes(type)), []);
  }
  assertEquals(reports, ["reject accept", "reject accept"]);
});
