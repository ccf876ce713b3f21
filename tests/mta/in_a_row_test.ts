/**
 * `compose(a, b, c)` in front of one MTA, and a, b and c in a row in front of another: the same mail gives the same
 * replies and the same delivery, save where one filter would have to see what another has done.
 */

import process from "node:process";
import {
  accept,
  compose,
  defineFilter,
  discard,
  type ErrorPolicy,
  type Filter,
  type LogEntry,
  quarantine,
  reject,
  serve,
  type Session,
  type Sight,
  tempfail,
  type Verdict,
} from "../../mod.ts";
import { callMilters, type SmtpAnswer } from "../../src/client/mod.ts";
import { assertEquals, delay, Random } from "../harness.ts";
import { BODY, deliver, HEADERS, messageOf, open, type Refused } from "./mail.ts";
import { type Mta, startMta } from "./mta.ts";
import { testOnEachMta } from "./on_each_mta.ts";
import { SmtpClient } from "./smtp_client.ts";
import { bodyOf, headersOf, subjectOf } from "./smtp_sink.ts";

const RUNS = 30;
const FIRST_SEED = Number(process.env["KILTER_SEED"] ?? 1);

/** A mail that was delivered, as far as it does not depend on time and place. */
interface Delivered {
  readonly from: string;
  readonly to: readonly string[];
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** What became of a mail. */
interface Result {
  readonly refused: Refused;
  readonly end: "refused" | "held" | "dropped" | Delivered;
}

type Three = readonly [Filter, Filter, Filter];

/** Two MTAs of a kind: one calls three filters, the other calls one. */
class BothWays {
  readonly #row: Mta;
  readonly #one: Mta;
  /** What was logged, and not asked for yet. */
  readonly #logs: Record<"row" | "one", LogEntry[]> = { row: [], one: [] };

  constructor(row: Mta, one: Mta) {
    this.#row = row;
    this.#one = one;
  }

  /** Sends a mail of this subject past three filters, in a row and as one. */
  async send(subject: string, three: Three): Promise<{ readonly row: Result; readonly one: Result }> {
    const log = (of: "row" | "one") => (entry: LogEntry) => {
      if (entry.level !== "debug") this.#logs[of].push(entry);
    };
    const [a, b, c] = three;
    const [forA, forB, forC] = this.#row.milters;
    await using _a = await serve(a, { listen: forA!, log: log("row") });
    await using _b = await serve(b, { listen: forB!, log: log("row") });
    await using _c = await serve(c, { listen: forC!, log: log("row") });
    await using _all = await serve(compose(a, b, c), { listen: this.#one.milter, log: log("one") });
    const [row, one] = await Promise.all([resultOf(this.#row, subject), resultOf(this.#one, subject)]);
    // Our own MTA, with the same three filters in a row.
    const logged = this.#logs.row.length;
    assertEquals(await resultOfOurs(this.#row, subject), row, `our client: ${subject}`);
    this.#logs.row.length = logged;
    return { row, one };
  }

  /** The subjects of the mails that each has delivered. */
  delivered(): (string | undefined)[][] {
    return [this.#row, this.#one].map((mta) => mta.delivered().map(subjectOf));
  }

  /** What was logged of failures since it was last asked for. */
  takeLogs(): Record<"row" | "one", string[]> {
    const told = (logs: LogEntry[]) => logs.splice(0).map(({ filter, message }) => `${filter}: ${message}`);
    return { row: told(this.#logs.row), one: told(this.#logs.one) };
  }
}

/** Sends a mail, and waits until it is known what has become of it. */
async function resultOf(mta: Mta, subject: string): Promise<Result> {
  const message = messageOf(subject, BODY, [["X-One", "1"], ["X-Two", "2"], ...HEADERS, ["X-One", "3"]]);
  const client = SmtpClient.to(mta.smtp);
  const { greeting: _, ...opening } = await open(client);
  const outcome = await deliver(client, { message });
  await client.quit();
  const refused = { ...opening, ...outcome.refused };
  if (outcome.queueId === undefined) return { refused, end: "refused" };
  if (outcome.queueId in mta.quarantined()) return { refused, end: "held" };
  if (subject.startsWith("discard")) return { refused, end: "dropped" };
  const mail = await mta.delivery(subject);
  const addressOf = (line: string) => line.split(" ")[0]!;
  return {
    refused,
    end: {
      from: addressOf(mail.from),
      to: mail.to.map(addressOf).sort(),
      headers: headersOf(mail).filter(([name]) => name !== "Received"),
      body: bodyOf(mail),
    },
  };
}

/** The same by our own MTA, which calls the filters over the same sockets, by the rules of that MTA. */
async function resultOfOurs({ name, milters }: Mta, subject: string): Promise<Result> {
  await using session = await callMilters(milters, {
    mta: name,
    client: { name: "localhost", address: "127.0.0.1" },
    helo: "client.example.test",
    hostname: "mx.example.test",
  });
  const message = messageOf(subject, BODY, [["X-One", "1"], ["X-Two", "2"], ...HEADERS, ["X-One", "3"]]);
  const refused: Record<string, string> = {};
  const passed = (what: string, { code, full }: SmtpAnswer) => {
    if (code >= 400) refused[what] = full;
    return code < 400;
  };
  const ended: Result = { refused, end: "refused" };
  if (!passed("mail", await session.mail("<sender@example.test>"))) return ended;
  let recipients = 0;
  for (const to of ["<one@example.test>", "<two@example.test>"]) {
    if (passed(`rcpt ${to}`, await session.rcpt(to))) recipients++;
  }
  if (recipients === 0 || !passed("data", await session.data())) return ended;
  const result = await session.message(message);
  if (!passed("end", result.reply)) return ended;
  if (result.outcome === "quarantined") return { refused, end: "held" };
  if (result.message === undefined) return { refused, end: "dropped" };
  const { headers, body } = result.message;
  return {
    refused,
    end: {
      from: `<${result.sender}>`,
      to: result.deliveredTo.map((address) => `<${address}>`).sort(),
      headers: headers.filter(({ name }) => name !== "Received").map(({ name, value }) => [name, value]),
      body: body.replaceAll("\n", "\r\n"),
    },
  };
}

function testBothWays(name: string, body: (ways: BothWays) => Promise<void>): void {
  testOnEachMta(name, async (row) => {
    await using one = await startMta(row.name);
    const ways = new BothWays(row, one);
    await body(ways);
    assertEquals(one.complaints(), []);
    assertEquals(ways.takeLogs(), { row: [], one: [] });
  }, { filters: 3 });
}

/** A filter that does this when the headers have come, and accepts. */
function editing(name: string, edit: (session: Session) => unknown): Filter {
  return defineFilter({ name }, async (session) => {
    await session.headers.collect();
    await edit(session);
    return accept();
  });
}

const IDLE = editing("idle", () => {});

/** Filters that do things to the same mail, by what they do. */
const EDITS: Readonly<Record<string, Three>> = {
  "headers of different names": [
    editing("a", ({ headers }) => headers.append("X-A", "1")),
    editing("b", async ({ headers }) => {
      for (const header of await headers.getAll("X-One")) headers.delete(header);
    }),
    editing("c", async ({ headers }) => headers.update((await headers.get("X-Two"))!, "changed")),
  ],
  "headers of the same name": [
    editing("a", ({ headers }) => headers.append("X-Stamp", "a")),
    editing("b", ({ headers }) => headers.append("X-Stamp", "b")),
    editing("c", ({ headers }) => headers.append("X-Stamp", "c")),
  ],
  "headers at the top": [
    editing("a", ({ headers }) => headers.insert("X-Top", "a", "start")),
    editing("b", ({ headers }) => headers.insert("X-Top", "b", "start")),
    editing("c", ({ headers }) => headers.insert("X-Other", "c", "start")),
  ],
  "headers at one place": [
    editing("a", async ({ headers }) => headers.insert("X-A", "a", { after: (await headers.get("X-Two"))! })),
    IDLE,
    editing("c", async ({ headers }) => headers.insert("X-C", "c", { after: (await headers.get("X-Two"))! })),
  ],
  "headers that another deletes": [
    editing("a", async ({ headers }) => headers.delete((await headers.get("X-Two"))!)),
    editing("b", async ({ headers }) => {
      for (const header of await headers.getAll("X-Two")) headers.update(header, "in vain");
    }),
    editing("c", async ({ headers }) => {
      for (const header of await headers.getAll("X-Two")) headers.delete(header);
    }),
  ],
  "the body, the headers and the sender": [
    editing("a", ({ body }) => body.replace("new\r\n")),
    editing("b", async ({ headers }) => headers.update((await headers.get("To"))!, "all@example.test")),
    editing("c", (session) => session.changeSender("c@example.test")),
  ],
  "the sender and the body again": [
    editing("a", (session) => (session.changeSender("a@example.test"), session.body.replace("a\r\n"))),
    editing("b", (session) => (session.changeSender("b@example.test"), session.body.replace("b\r\n"))),
    editing("c", (session) => session.changeSender("c@example.test")),
  ],
  "the recipients": [
    editing("a", (session) => session.addRecipient("three@example.test")),
    editing("b", (session) => session.removeRecipient("one@example.test")),
    editing("c", (session) => session.addRecipient("four@example.test")),
  ],
  "recipients of each other": [
    editing("a", (session) => session.addRecipient("three@example.test")),
    editing("b", (session) => session.removeRecipient("three@example.test")),
    editing("c", (session) => session.removeRecipient("two@example.test")),
  ],
};

testBothWays("compose makes the edits of three filters in a row", async (ways) => {
  for (const [what, three] of Object.entries(EDITS)) {
    const { row, one } = await ways.send(what, three);
    assertEquals(one, row, what);
    assertEquals(typeof row.end, "object", what);
  }
});

/** How a filter gets as far as a stage. */
const STAGES: Readonly<Record<string, (session: Session) => unknown>> = {
  helo: (session) => session.helo(),
  mail: (session) => session.envelopeFrom(),
  rcpt: async (session) => {
    for await (const { address } of session.envelopeRecipients()) if (address === "two@example.test") return;
  },
  data: (session) => session.data(),
  headers: (session) => session.headers.collect(),
  body: (session) => session.body.collect(),
  end: (session) => session.endOfMessage(),
};

/** Three filters, the one at this place other than its neighbours, who add their names. */
function threeWith(place: number, filter: Filter): Three {
  const neighbour = (name: string) => editing(name, ({ headers }) => headers.append("X-Passed", name));
  const three = ["a", "b", "c"].map((name, at) => at === place ? filter : neighbour(name));
  return three as unknown as Three;
}

/** A filter that judges at a stage. */
function judging(stage: string, verdict: Verdict): Filter {
  return defineFilter({ name: "judge" }, async (session) => {
    await STAGES[stage]!(session);
    return verdict;
  });
}

/** Verdicts, what becomes of the mail, and the stages at which they are given. */
const VERDICTS: readonly (readonly [verdict: Verdict, end: Result["end"], stages: readonly string[]])[] = [
  [reject("550 5.7.1 No"), "refused", Object.keys(STAGES)],
  [tempfail(), "refused", ["mail", "rcpt", "end"]],
  [discard(), "dropped", ["mail", "headers", "end"]],
  [quarantine("let a person see it"), "held", ["mail", "headers", "end"]],
];

for (const [verdict, end, stages] of VERDICTS) {
  const name = verdict.type;
  testBothWays(`compose takes a ${name} of any of three filters as three in a row do`, async (ways) => {
    for (const stage of stages) {
      for (const place of [0, 1, 2]) {
        const what = `${name} at ${stage} by filter ${place}`;
        const { row, one } = await ways.send(what, threeWith(place, judging(stage, verdict)));
        assertEquals(one, row, what);
        assertEquals(row.end, end, what);
      }
    }
    await ways.send("the last", [IDLE, IDLE, IDLE]);
    assertEquals(ways.delivered(), [["the last"], ["the last"]]);
  });
}

testBothWays("compose refuses the recipients that three filters in a row do", async (ways) => {
  const refusing = (name: string, refused: string) =>
    defineFilter({ name }, async (session) => {
      for await (const one of session.envelopeRecipients()) {
        if (one.address === refused) one.reject(`550 5.1.1 Not by ${name}`);
      }
      session.headers.append("X-Passed", name);
      return accept();
    });
  for (const place of [0, 1, 2]) {
    const { row, one } = await ways.send(
      `rcpt ${place}`,
      threeWith(place, refusing("judge", "one@example.test")),
    );
    assertEquals(one, row);
    assertEquals(Object.keys(row.refused), ["rcpt <one@example.test>"]);
  }
  const two: Three = [refusing("a", "one@example.test"), IDLE, refusing("c", "two@example.test")];
  const { row, one } = await ways.send("rcpt all", two);
  assertEquals(one, row);
  assertEquals(Object.keys(row.refused), ["rcpt <one@example.test>", "rcpt <two@example.test>"]);
});

testBothWays("compose has a filter fail by its own policy, as three in a row do", async (ways) => {
  const policies: readonly (readonly [name: string, policy: ErrorPolicy, delivered: boolean])[] = [
    ["tempfail", "tempfail", false],
    ["accept", "accept", true],
    ["reject", "reject", false],
    ["function", () => reject("554 5.3.0 Broken"), false],
  ];
  for (const [name, onError, delivered] of policies) {
    for (const stage of ["mail", "end"]) {
      const failing = defineFilter({ name: "failing", onError }, async (session) => {
        session.headers.append("X-Never", "sent");
        await STAGES[stage]!(session);
        throw new Error("on purpose");
      });
      for (const place of [0, 1, 2]) {
        const what = `${name} at ${stage} by filter ${place}`;
        const { row, one } = await ways.send(what, threeWith(place, failing));
        assertEquals(one, row, what);
        assertEquals(typeof row.end, delivered ? "object" : "string", what);
        const logs = ["failing: The filter failed: on purpose"];
        assertEquals(ways.takeLogs(), { row: logs, one: logs }, what);
      }
    }
  }
});

/** The sights that bring a filter to each stage. */
const SEEN_AT: Readonly<Record<string, readonly Sight[]>> = {
  helo: ["helo"],
  mail: ["mail"],
  rcpt: ["rcpt"],
  data: ["data"],
  headers: ["headers"],
  body: ["body"],
  end: [],
};

const SIGHTS: readonly Sight[] = ["connect", "helo", "mail", "rcpt", "data", "headers", "body"];

/** A filter that declares this and that, edits something of its own, and judges the mail or accepts it. */
function randomFilter(random: Random, name: string, judges: boolean): Filter {
  const [verdict, , stages] = judges ? random.pick(JUDGING) : ACCEPTING;
  const stage = random.pick(stages);
  const sees = [...new Set([...SEEN_AT[stage]!, ...SIGHTS.filter(() => random.chance(0.3))])];
  const edit = random.pick(OWN_EDITS);
  return defineFilter(random.chance(0.2) ? { name } : { name, sees }, async (session) => {
    edit(session as Session, name);
    await STAGES[stage]!(session as Session);
    return verdict;
  });
}

const ACCEPTING: (typeof VERDICTS)[number] = [accept(), "dropped", Object.keys(STAGES)];

/** Verdicts whose end can be told at once, where they are said and not held. */
const JUDGING: typeof VERDICTS = VERDICTS.filter(([{ type }]) => type !== "discard")
  .map(([verdict, end, stages]) => [verdict, end, stages.filter((stage) => stage !== "rcpt")]);

/** Edits that do not depend on those of others. */
const OWN_EDITS: readonly ((session: Session, name: string) => void)[] = [
  () => {},
  ({ headers }, name) => void headers.append("X-Stamp", name),
  ({ headers }, name) => void headers.insert(`X-${name}`, name, "start"),
  ({ headers }, name) => void headers.insert(`X-${name}`, name, "belowReceived"),
  ({ body }, name) => body.replace(`${name}\r\n`),
  (session, name) => session.changeSender(`${name}@example.test`),
  (session, name) => session.addRecipient(`${name}@example.test`),
  (session) => session.removeRecipient("two@example.test"),
];

testBothWays("compose does what three random filters in a row do", async (ways) => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
    const random = new Random(seed);
    const judge = random.below(6); // none of the three in half of the cases
    const [a, b, c] = ["a", "b", "c"].map((name, at) => randomFilter(random, name, at === judge));
    const { row, one } = await ways.send(`seed ${seed}`, [a!, b!, c!]);
    assertEquals(one, withoutSender(row), `seed ${seed}`);
  }
});

/** Sendmail names the sender in a refusal if a filter in a row before has changed it. */
function withoutSender({ refused: { end, ...refused }, ...result }: Result): Result {
  const text = end?.replace(/^(550 5\.7\.1 )<[abc]@example\.test>\.\.\. /, "$1");
  return { ...result, refused: text === undefined ? refused : { ...refused, end: text } };
}

testBothWays(
  "compose and three in a row say a refusal where its filter answers",
  async (ways) => {
    const held = defineFilter({ name: "held", sees: ["mail"], answers: [] }, async (session) => {
      await session.envelopeFrom();
      return reject();
    });
    const late = defineFilter({ name: "late", sees: ["data"] }, async (session) => {
      await session.data();
      return accept();
    });
    const { row, one } = await ways.send("soon", [held, late, IDLE]);
    assertEquals([Object.keys(row.refused), Object.keys(one.refused)], [["end"], ["end"]]);
  },
);

testOnEachMta("compose has a refusal win over a quarantine, three in a row do in Sendmail", async (row) => {
  await using one = await startMta(row.name);
  const three: Three = [judging("end", quarantine("let a person see it")), judging("end", reject()), IDLE];
  const results = await new BothWays(row, one).send("held or not", three);
  assertEquals(results.one.end, "refused");
  // Postfix asks no other filter once a message is held.
  assertEquals(results.row.end, row.name === "postfix" ? "held" : "refused");
}, { filters: 3 });

testBothWays("compose, unlike three in a row, shows no filter the edits of another", async (ways) => {
  const { row, one } = await ways.send("edits unseen", [
    editing("a", (session) => {
      session.headers.append("X-New", "1");
      session.body.replace("new\r\n");
    }),
    editing("b", async ({ headers }) => {
      for (const header of await headers.getAll("X-New")) headers.update(header, "seen");
    }),
    editing("c", async (session) => {
      const body = new TextDecoder().decode(await session.body.collect());
      session.headers.append("X-Body", JSON.stringify(body));
    }),
  ]);
  const added = ({ end }: Result) => (end as Delivered).headers.slice(-2);
  assertEquals(added(row), [["X-New", "seen"], ["X-Body", '"new\\r\\n"']]);
  assertEquals(added(one), [["X-New", "1"], ["X-Body", JSON.stringify(BODY)]]);
});

testBothWays(
  "compose, unlike three in a row, shows all filters a recipient that one refuses",
  async (ways) => {
    const refusing = defineFilter({ name: "refusing" }, async (session) => {
      for await (const one of session.envelopeRecipients()) {
        if (one.address === "one@example.test") one.reject();
      }
      return accept();
    });
    const listing = defineFilter({ name: "listing" }, async (session) => {
      for await (const { address } of session.envelopeRecipients()) session.headers.append("X-To", address);
      return accept();
    });
    const { row, one } = await ways.send("recipients seen", [refusing, IDLE, listing]);
    const listed = ({ end }: Result) =>
      (end as Delivered).headers.flatMap(([name, value]) => name === "X-To" ? value : []);
    assertEquals(listed(row), ["two@example.test"]);
    assertEquals(listed(one), ["one@example.test", "two@example.test"]);
  },
);

testBothWays(
  "compose takes the refusal that comes first in time, three in a row that of the first",
  async (ways) => {
    const waits: Promise<void>[] = [];
    const refusing = (name: string, after: number) =>
      defineFilter({ name }, async (session) => {
        await session.envelopeFrom();
        if (after > 0) {
          waits.push(delay(after));
          await waits.at(-1);
        }
        return reject(`550 5.7.1 No, says ${name}`);
      });
    const says = ({ refused }: Result) => refused.mail?.replace("<sender@example.test>... ", "");
    const alike = await ways.send("alike", [refusing("a", 0), IDLE, refusing("c", 0)]);
    assertEquals([says(alike.row), says(alike.one)], ["550 5.7.1 No, says a", "550 5.7.1 No, says a"]);
    const slow = await ways.send("slow", [refusing("a", 100), IDLE, refusing("c", 0)]);
    assertEquals([says(slow.row), says(slow.one)], ["550 5.7.1 No, says a", "550 5.7.1 No, says c"]);
    // Of single messages, the first filter in a row sees all before the next sees any.
    const later = [
      judging("end", reject("550 5.7.1 No, says a")),
      IDLE,
      judging("headers", tempfail()),
    ] as const;
    const stages = await ways.send("stages", later);
    assertEquals(stages.row.refused.end?.slice(0, 3), "550");
    assertEquals(stages.one.refused.end?.slice(0, 3), "451");
    await Promise.all(waits);
  },
);
