/** What becomes of a mail, and what its client sees, when a filter gives a verdict at each stage. */

import {
  accept,
  discard,
  type Filter,
  quarantine,
  reject,
  serve,
  type ServeOptions,
  type Session,
  tempfail,
  type Verdict,
} from "../../mod.ts";
import { assertEquals } from "../harness.ts";
import { messageOf, type Outcome, type Refused, sendMail } from "./mail.ts";
import type { Mta, MtaName } from "./mta.ts";
import { testOnEachMta } from "./on_each_mta.ts";
import { subjectOf } from "./smtp_sink.ts";

/** How a filter gets as far as a stage. */
const STAGES: Record<string, (session: Session) => unknown> = {
  connect: () => {},
  helo: (session) => session.helo(),
  mail: (session) => session.envelopeFrom(),
  rcpt: (session) => first(session.envelopeRecipients()),
  data: (session) => session.data(),
  header: (session) => first(session.headers),
  endOfHeaders: (session) => session.headers.collect(),
  body: (session) => first(session.body),
  endOfMessage: (session) => session.endOfMessage(),
};

async function first(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items) break;
}

/** What a refusal says: in the greeting, to MAIL after one at `connect` or `helo`, to later commands. */
type Says = Record<"greeting" | "connect" | "helo" | "mail" | "rcpt" | "data" | "end", string | undefined>;

/** A refusal says the same thing everywhere, but for what is said here. */
function says(usual: string, unusual: Partial<Says> = {}): Says {
  const { greeting, ...others } = unusual;
  return {
    greeting,
    connect: usual,
    helo: usual,
    mail: usual,
    rcpt: usual,
    data: usual,
    end: usual,
    ...others,
  };
}

/**
 * The tables of what was seen. Sendmail loses a text given at CONNECT, and sets the address, here `<@>`, before
 * one of code 550.
 */
const REFUSALS: Record<string, Record<MtaName, Says> & { readonly verdict: Verdict }> = {
  "reject()": {
    verdict: reject(),
    postfix: says("550 5.7.1 Command rejected", {
      greeting: "554 mx.example.test ESMTP not accepting connections",
    }),
    sendmail: says("550 5.7.1 Command rejected", {
      greeting: "554 mx.example.test ESMTP not accepting messages",
      connect: "550 5.0.0 Command rejected",
      helo: "550 5.0.0 Command rejected",
      mail: "550 5.7.1 <@>... Command rejected",
      rcpt: "550 5.7.1 <@>... Command rejected",
      end: "554 5.7.1 Command rejected",
    }),
  },
  "reject with a text": {
    verdict: reject("550 5.7.0 No.\nNot even 100%."),
    postfix: says("550-5.7.0 No.\n550 5.7.0 Not even 100%.", {
      greeting: "554 mx.example.test ESMTP not accepting connections",
    }),
    sendmail: says("550-5.7.0 No.\n550 5.7.0 Not even 100%.", {
      greeting: "554 mx.example.test ESMTP not accepting messages",
      connect: "550 5.0.0 Command rejected",
      mail: "550-5.7.0 <@>... No.\n550 5.7.0 Not even 100%.",
      rcpt: "550-5.7.0 <@>... No.\n550 5.7.0 Not even 100%.",
    }),
  },
  "tempfail()": {
    verdict: tempfail(),
    postfix: says("451 4.7.1 Service unavailable - try again later"),
    sendmail: says("451 4.3.2 Please try again later"),
  },
  "tempfail with a text": {
    verdict: tempfail("452 4.2.2 100% full\n%s"),
    postfix: says("452-4.2.2 100% full\n452 4.2.2 %s"),
    sendmail: says("452-4.2.2 100% full\n452 4.2.2 %s", { connect: "451 4.3.2 Please try again later" }),
  },
};

/** What the client of a mail to two recipients sees of a refusal at a stage. */
function refusedAt(stage: string, says: Says): Refused {
  switch (stage) {
    case "connect":
      return { ...says.greeting && { greeting: says.greeting }, mail: says.connect! };
    case "helo":
      return { mail: says.helo! };
    case "mail":
      return { mail: says.mail!.replace("<@>", "<sender@example.test>") };
    case "rcpt":
      return {
        "rcpt <one@example.test>": says.rcpt!.replace("<@>", "<one@example.test>"),
        "rcpt <two@example.test>": says.rcpt!.replace("<@>", "<two@example.test>"),
      };
    case "data":
      return { data: says.data! };
    default:
      return { end: says.end! };
  }
}

/** One mail for each stage, with the verdict given there, and then one that is accepted. */
async function judgeAtEachStage(
  mta: Mta,
  options: ServeOptions,
  verdict: Verdict,
): Promise<Record<string, Outcome>> {
  let filter: Filter = accept;
  await using _server = await serve((session) => filter(session), options);
  const outcomes: Record<string, Outcome> = {};
  for (const [stage, reach] of Object.entries(STAGES)) {
    filter = async (session) => {
      await reach(session);
      return verdict;
    };
    outcomes[stage] = await sendMail(mta, { message: messageOf(stage) });
  }
  filter = accept;
  await sendMail(mta, { message: messageOf("the last") });
  await mta.delivery("the last");
  return outcomes;
}

function mapValues<A, B>(record: Record<string, A>, change: (value: A, key: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));
}

const NOTHING: Record<string, Refused> = mapValues(STAGES, () => ({}));

for (const [name, { verdict, ...says }] of Object.entries(REFUSALS)) {
  testOnEachMta(`${name} at each stage is what the client sees`, async (mta, options) => {
    const outcomes = await judgeAtEachStage(mta, options, verdict);
    assertEquals(
      mapValues(outcomes, ({ refused }) => refused),
      mapValues(STAGES, (_, stage) => refusedAt(stage, says[mta.name])),
    );
    assertEquals(mta.delivered().map(subjectOf), ["the last"]);
  });
}

testOnEachMta("accept() at each stage delivers the mail", async (mta, options) => {
  const outcomes = await judgeAtEachStage(mta, options, accept());
  assertEquals(mapValues(outcomes, ({ refused }) => refused), NOTHING);
  for (const stage in STAGES) await mta.delivery(stage);
  assertEquals(mta.delivered().length, Object.keys(STAGES).length + 1);
});

testOnEachMta(
  "discard() at each stage is a success to the client, and delivers nothing",
  async (mta, options) => {
    const outcomes = await judgeAtEachStage(mta, options, discard());
    assertEquals(mapValues(outcomes, ({ refused }) => refused), NOTHING);
    assertEquals(mta.delivered().map(subjectOf), ["the last"]);
  },
);

testOnEachMta(
  "quarantine() at each stage is a success to the client, and holds the mail",
  async (mta, options) => {
    const outcomes = await judgeAtEachStage(mta, options, quarantine("let a person see it"));
    assertEquals(mapValues(outcomes, ({ refused }) => refused), NOTHING);
    assertEquals(mta.delivered().map(subjectOf), ["the last"]);
    assertEquals(
      Object.keys(mta.quarantined()).sort(),
      Object.values(outcomes).map(({ queueId }) => queueId!).sort(),
    );
  },
);
