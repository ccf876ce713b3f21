/** Rule 10: several filters on one message, side by side; and filters that are only watched. */

import {
  accept,
  compose,
  defineFilter,
  discard,
  type Filter,
  MilterError,
  quarantine,
  reject,
  type Session,
  shadow,
  type ShadowReport,
  tempfail,
} from "../../mod.ts";
import { PROTOCOL } from "../../src/protocol/mod.ts";
import { assert, assertEquals, assertRejects, assertThrows, test } from "../harness.ts";
import { deferred } from "../deferred.ts";
import { CONVERSATION, GREETING, header, MESSAGE, rcpt } from "../mta_commands.ts";
import { play, settle } from "../mta_player.ts";
import { arrive, STAGES } from "./stages.ts";

const POSTFIX = { v: "Postfix 3.7.11" } as const;

/** A filter that adds a header at each stage, and accepts. */
function stamp(name: string): Filter {
  return defineFilter({ name }, async (session) => {
    for (const stage of STAGES) await arrive(session, stage);
    session.headers.append("X-Stamp", name);
    return accept();
  });
}

test("compose accepts when all accept, with the edits of all in the order of the list", async () => {
  await using mta = await play(compose(stamp("a"), () => accept(), stamp("b"), stamp("c")));
  await mta.macros("C", POSTFIX);
  assertEquals((await mta.play(CONVERSATION)).filter((line) => !/: (continue|skip)$/.test(line)), [
    'endOfMessage: addHeader "X-Stamp" " a"',
    'endOfMessage: addHeader "X-Stamp" " b"',
    'endOfMessage: addHeader "X-Stamp" " c"',
    "endOfMessage: accept",
  ]);
});

test("compose answers an event when each filter has asked on or returned", async () => {
  const [first, second] = [deferred(), deferred()];
  const waitAt = (gate: Promise<void>): Filter => async (session) => {
    await session.envelopeFrom();
    await gate;
    await session.endOfMessage();
    return accept();
  };
  await using mta = await play(compose(waitAt(first.promise), waitAt(second.promise), () => accept()));
  await mta.play(GREETING);
  let answered = false;
  const answer = mta.say("mail").finally(() => answered = true);
  first.resolve();
  await settle();
  assertEquals(answered, false);
  second.resolve();
  assertEquals(await answer, ["continue"]);
  assertEquals((await mta.play(MESSAGE.slice(1))).at(-1), "endOfMessage: accept");
});

/** Verdicts that end a message at once, and the answer that carries each. */
const ENDINGS = [
  [reject("550 5.7.1 No"), 'replyCode "550 5.7.1 No"'],
  [tempfail(), "tempfail"],
  [discard(), "discard"],
] as const;

for (const [verdict, answer] of ENDINGS) {
  test(`compose lets the first ${verdict.type} win, which ends the others`, async () => {
    const ends: string[] = [];
    const waiting = (name: string) =>
      defineFilter({ name }, async (session) => {
        session.signal.addEventListener("abort", () => ends.push(`${name} aborts`));
        session.headers.append("X-Never", "sent");
        try {
          await session.endOfMessage();
          return accept();
        } catch (error) {
          ends.push(`${name}: ${error instanceof MilterError ? error.code : error}`);
          throw error;
        } finally {
          ends.push(`${name} ends`);
        }
      });
    const judge = defineFilter({ name: "judge" }, async (session) => {
      await session.envelopeFrom();
      return verdict;
    });
    await using mta = await play(compose(waiting("a"), judge, waiting("b")));
    assertEquals(await mta.play(CONVERSATION), ["connect: continue", "helo: continue", `mail: ${answer}`]);
    await settle();
    assertEquals(ends.toSorted(), ["a aborts", "a ends", "a: SETTLED", "b aborts", "b ends", "b: SETTLED"]);
  });
}

test("compose lets one filter accept early while another sees all of the message", async () => {
  const seen: string[] = [];
  const early = defineFilter({ name: "early" }, (session) => {
    session.addRecipient("archive@example.com");
    return accept();
  });
  await using mta = await play(compose(early, async (session) => {
    for (const stage of STAGES) seen.push(stage) && await arrive(session, stage);
    return quarantine("why not");
  }));
  assertEquals((await mta.play(CONVERSATION)).slice(-3), [
    'endOfMessage: addRecipient "<archive@example.com>"',
    'endOfMessage: quarantine "why not"',
    "endOfMessage: accept",
  ]);
  assertEquals(seen, [...STAGES]);
});

test("compose makes edits as if they were said one filter after the other", async () => {
  const first: Filter = async (session) => {
    const [from, subject] = await session.headers.collect();
    session.headers.delete(subject!);
    session.headers.update(from!, "first");
    session.changeSender("first@example.com");
    session.removeRecipient("user@example.com");
    session.body.replace("first");
    session.headers.insert("X-First", "1", "start");
    return accept();
  };
  const second: Filter = async (session) => {
    const [from, subject, last] = await session.headers.collect();
    session.headers.update(subject!, "gone");
    session.headers.insert("X-Second", "2", { after: subject! });
    session.headers.insert("X-Third", "3", 2);
    session.headers.delete(from!);
    session.headers.update(last!, "second");
    session.changeSender("second@example.com");
    session.addRecipient("user@example.com");
    session.headers.insert("X-Second", "1", "start");
    return accept();
  };
  const lines = ["From: a", "Subject: b", "X-Last: c"].map(header);
  const message = [...GREETING, "mail", "rcpt", "data", ...lines, "endOfHeaders"] as const;
  await using mta = await play(compose(first, second));
  await mta.macros("C", POSTFIX);
  await mta.play(message);
  assertEquals(await mta.say("endOfMessage"), [
    'changeSender "<second@example.com>"',
    'changeHeader 1 "X-Last" " second"',
    'changeHeader 1 "Subject" ""',
    'changeHeader 1 "From" ""',
    'insertHeader 1 "X-Second" " 2"',
    'insertHeader 1 "X-Third" " 3"',
    'insertHeader 0 "X-First" " 1"',
    'insertHeader 0 "X-Second" " 1"',
    'replaceBody "first"',
    "accept",
  ]);
});

/** What becomes of a message one of whose filters fails, by the policies. */
const POLICIES = [
  { own: undefined, server: undefined, answer: "connect: tempfail" },
  { own: "reject", server: undefined, answer: "connect: reject" },
  { own: undefined, server: "reject", answer: "connect: reject" },
  { own: "accept", server: "reject", answer: "endOfMessage: accept" },
  {
    own: () => reject("550 5.7.1 Broken"),
    server: "accept",
    answer: 'connect: replyCode "550 5.7.1 Broken"',
  },
] as const;

for (const { own, server, answer } of POLICIES) {
  test(`compose answers for a filter that fails by its onError ${own ?? "none"} before ${server ?? "none"}`, async () => {
    const broken = defineFilter({ name: "broken", ...own === undefined ? {} : { onError: own } }, () => {
      throw new Error("oops");
    });
    const options = server === undefined ? {} : { onError: server };
    await using mta = await play(compose(stamp("a"), broken), options);
    assertEquals((await mta.play(CONVERSATION)).at(-1), answer);
    const logged = mta.takeLogs().map(({ message, filter }) => [message, filter]);
    assertEquals(logged, [["The filter failed: oops", "broken"]]);
  });
}

test("compose ends the filter that holds an event too long, and no other", async () => {
  const slow = defineFilter({ name: "slow", onError: "accept" }, async (session) => {
    await session.envelopeFrom();
    await new Promise((resolve) => session.signal.addEventListener("abort", resolve));
    return reject();
  });
  await using mta = await play(compose(slow, stamp("a")), { timeouts: { event: 20 } });
  assertEquals((await mta.play(CONVERSATION)).at(-1), "endOfMessage: accept");
  assertEquals(mta.takeLogs().filter(({ level }) => level === "error").map(({ filter }) => filter), ["slow"]);
});

test("compose asks the MTA for what its filters need together", async () => {
  const silent = PROTOCOL.NR_CONNECT | PROTOCOL.NR_HELO | PROTOCOL.NR_MAIL;
  const cases: readonly (readonly [Filter, actions: number, without: number, silent: number])[] = [
    [
      compose(
        defineFilter({ sees: ["mail"], answers: [], edits: ["sender"] }, accept),
        defineFilter({ sees: ["helo"], edits: ["body"] }, accept),
      ),
      0x042,
      PROTOCOL.NO_CONNECT | PROTOCOL.NO_RCPT | PROTOCOL.NO_HEADERS | PROTOCOL.NO_BODY,
      PROTOCOL.NR_MAIL,
    ],
    [
      compose(
        defineFilter({ sees: ["mail"], edits: [] }, accept),
        compose(accept, defineFilter({ sees: [], edits: [] }, accept)),
      ),
      0x0ff,
      0,
      PROTOCOL.NR_HEADER,
    ],
  ];
  for (const [filter, actions, without, noReply] of cases) {
    await using mta = await play(filter);
    const { agreement } = mta;
    assertEquals(agreement.actions, actions);
    assertEquals(agreement.protocol & without, without);
    assertEquals(agreement.protocol & (silent | PROTOCOL.NR_HEADER), noReply);
  }
});

test("compose keeps each filter to the edits that it has declared", async () => {
  const codes: string[] = [];
  const idle = defineFilter({ name: "idle", edits: ["body"] }, (session) => {
    // The types would not let it pass.
    const { headers } = session as Session;
    codes.push(assertThrows(() => headers.append("X-New", "v"), MilterError).code);
    return accept();
  });
  await using mta = await play(compose(stamp("a"), idle));
  await mta.play(CONVERSATION);
  assertEquals(codes, ["NOT_AGREED"]);
});

test("compose lets one filter read the body that another leaves, and skips it when all have", async () => {
  const sizes: number[] = [];
  const reads: Filter = async (session) => {
    let size = 0;
    for await (const chunk of session.body) size += chunk.length;
    sizes.push(size);
    return accept();
  };
  const leaves: Filter = async (session) => {
    for await (const _chunk of session.body) break;
    await session.endOfMessage();
    return accept();
  };
  const [before, chunks] = [CONVERSATION.slice(0, -2), ["body", "body", "endOfMessage"] as const];
  await using one = await play(compose(leaves, reads));
  await one.play(before);
  assertEquals(await one.play(chunks), ["body: continue", "body: continue", "endOfMessage: accept"]);
  await using two = await play(compose(leaves, leaves));
  await two.play(before);
  assertEquals((await two.play(chunks))[0], "body: skip");
  assertEquals(sizes, [14]);
});

test("compose aborts all filters with the message, and runs them anew for the next", async () => {
  const codes: string[] = [];
  const waits: Filter = async (session) => {
    await session.envelopeFrom();
    const error = await assertRejects(() => session.data(), MilterError);
    codes.push(error.code);
    return accept();
  };
  await using mta = await play(compose(waits, waits));
  await mta.play([...GREETING, "mail", "abort"]);
  await settle();
  assertEquals(codes, ["ABORTED", "ABORTED"]);
  await mta.play(["mail", "abort"]);
  await settle();
  assertEquals(codes.length, 4);
});

test("compose refuses what is no filter", () => {
  assertThrows(() => compose(), TypeError, "Cannot compose: no filter is given");
  assertThrows(() => compose(accept, "b" as unknown as Filter), TypeError, "the filter is no function");
  assertThrows(() => compose(accept)({} as Session), TypeError, "can only be served");
});

// Filters that are only watched

test("shadow: nothing comes of a filter's verdict and edits, and both are told", async () => {
  const reports: ShadowReport[] = [];
  const strict = defineFilter({ name: "strict" }, async (session) => {
    for await (const recipient of session.envelopeRecipients()) recipient.reject();
    session.headers.append("X-Strict", "yes");
    session.quarantine("strict");
    await session.endOfMessage();
    assertEquals(session.progress(), false);
    return reject("550 5.7.1 No");
  });
  const onVerdict = (report: ShadowReport) => void reports.push(report);
  for (const filter of [compose(accepting, shadow(strict, { onVerdict })), shadow(strict, { onVerdict })]) {
    await using mta = await play(filter);
    await mta.macros("C", POSTFIX);
    const answers = await mta.play(CONVERSATION);
    assertEquals(answers.filter((line) => !/: (continue|skip)$/.test(line)), ["endOfMessage: accept"]);
    await settle();
    const [report] = reports.splice(0);
    assertEquals([report?.name, report?.verdict.type, report?.actual.type], ["strict", "reject", "accept"]);
    assertEquals(report?.plan.explain(), '1. add header X-Strict: "yes"\n2. quarantine: strict');
  }
});

const accepting = async (session: Pick<Session, "endOfMessage">) => {
  await session.endOfMessage();
  return accept();
};

test("compose says a refusal where its filter answers, whatever the others do", async () => {
  const late = defineFilter({ name: "late", sees: ["mail"], answers: [] }, async (session) => {
    await session.envelopeFrom();
    return reject();
  });
  const early = defineFilter({ name: "early", sees: ["mail", "data"] }, async (session) => {
    await session.data();
    return accept();
  });
  await using mta = await play(compose(late, early));
  assertEquals(await mta.play(CONVERSATION), ["mail: continue", "data: continue", "endOfMessage: reject"]);
});

test("compose answers the end of the headers for a filter that judges there, whatever the others answer", async () => {
  const late = defineFilter({ name: "late", answers: [], edits: [] }, accepting);
  const bare: Filter = async (session) => {
    await session.headers.collect();
    return reject();
  };
  await using mta = await play(compose(late, bare));
  assertEquals((await mta.play(CONVERSATION)).at(-1), "endOfHeaders: reject");
});

test("compose leaves each filter the macros that the MTA would have told it alone", async () => {
  const asks = defineFilter({ macros: { mail: ["{client_addr}"], connect: ["{client_ptr}"] } }, accept);
  await using mta = await play(compose(asks, () => accept()));
  const [connect, mail] = [0, 2].map((stage) =>
    mta.agreement.macros.find((list) => list.stage === stage)?.names
  );
  for (const name of ["{client_ptr}", "j", "_", "v", "daemon_name", "if_addr"]) {
    assert(connect?.includes(name), name);
  }
  for (const name of ["{client_addr}", "i", "auth_authen", "mail_addr"]) assert(mail?.includes(name), name);
});

test("compose shows recipients whom the MTA has refused to the filter that asks for them, and to no other", async () => {
  const seen: string[] = [];
  const lists = (name: string, rejectedRecipients: boolean) =>
    defineFilter({ name, rejectedRecipients }, async (session) => {
      for await (const { address } of session.envelopeRecipients()) seen.push(`${name} ${address}`);
      return accept();
    });
  await using mta = await play(compose(lists("all", true), lists("taken", false)));
  await mta.play([...GREETING, "mail"]);
  await mta.macros("R", { "{rcpt_mailer}": "error" });
  assertEquals(await mta.say(rcpt("<no@example.com>")), ["continue"]);
  await mta.macros("R", { "{rcpt_mailer}": "local" });
  assertEquals(await mta.say(rcpt("<yes@example.com>")), ["continue"]);
  await mta.play(["data"]);
  await settle();
  assertEquals(seen.toSorted(), ["all no@example.com", "all yes@example.com", "taken yes@example.com"]);
});

test("shadow: an MTA is not refused for an edit that a filter would have made", async () => {
  const edits = defineFilter({ edits: ["quarantine", "body"] }, accepting);
  await using mta = await play(compose(accepting, shadow(edits)), { actions: 0 });
  assertEquals((await mta.play(CONVERSATION)).at(-1), "endOfMessage: accept");
});

test("shadow: a mail that is accepted early goes on to its end for it", async () => {
  const reports: ShadowReport[] = [];
  const reads: Filter = async (session) => {
    const body = await session.body.collect();
    return body.length === 14 ? reject() : tempfail();
  };
  const watched = shadow(reads, { onVerdict: (report) => reports.push(report) });
  await using mta = await play(compose(() => accept(), watched, watched));
  const [before, chunks] = [CONVERSATION.slice(0, -2), ["body", "body", "endOfMessage"] as const];
  assertEquals((await mta.play(before)).at(-1), "endOfHeaders: continue");
  assertEquals(await mta.play(chunks), ["body: continue", "body: continue", "endOfMessage: accept"]);
  await settle();
  assertEquals(reports.map(({ verdict, actual }) => [verdict.type, actual.type]), [
    ["reject", "accept"],
    ["reject", "accept"],
  ]);
});

test("shadow: a mail that is accepted early is accepted as soon as all that look on are done", async () => {
  const short: Filter = async (session) => {
    await session.envelopeFrom();
    return reject();
  };
  await using mta = await play(compose(() => accept(), shadow(short, { onVerdict: () => {} })));
  assertEquals(await mta.play(CONVERSATION), ["connect: continue", "helo: continue", "mail: accept"]);
});

test("shadow: a filter's failure costs no mail, and is logged", async () => {
  const broken = defineFilter({ name: "broken", onError: "reject" }, async (session) => {
    await session.data();
    throw new Error("oops");
  });
  await using mta = await play(shadow(broken));
  assertEquals((await mta.play(CONVERSATION)).at(-1), "endOfMessage: accept");
  const logged = mta.takeLogs().map(({ level, message, filter }) => [level, message, filter]);
  assertEquals(logged, [["warning", "The shadow filter failed: oops", "broken"]]);
});

test("shadow: a filter that takes too long is left behind", async () => {
  const slow = defineFilter({ name: "slow" }, async (session) => {
    await session.envelopeFrom();
    await new Promise((resolve) => session.signal.addEventListener("abort", resolve));
    return reject();
  });
  await using mta = await play(compose(stamp("a"), shadow(slow)), { timeouts: { event: 20 } });
  assertEquals((await mta.play(CONVERSATION)).at(-1), "endOfMessage: accept");
  assert(mta.takeLogs().every(({ level }) => level === "warning"));
});

test("shadow: a message that is refused before the filter was done is not told", async () => {
  const reports: ShadowReport[] = [];
  const codes: string[] = [];
  const late: Filter = async (session) => {
    const error = await assertRejects(() => session.endOfMessage(), MilterError);
    codes.push(error.code);
    return accept();
  };
  await using mta = await play(compose(
    async (session) => {
      await session.envelopeFrom();
      return reject();
    },
    shadow(late, { onVerdict: (report) => reports.push(report) }),
  ));
  assertEquals((await mta.play(CONVERSATION)).at(-1), "mail: reject");
  await settle();
  assertEquals([codes, reports], [["SETTLED"], []]);
});

test("shadow: a sample of the messages is looked at", async () => {
  let runs = 0;
  const count: Filter = () => {
    runs++;
    return accept();
  };
  for (const [sample, least, most] of [[0, 0, 0], [1, 40, 40], [0.5, 5, 35]] as const) {
    runs = 0;
    await using mta = await play(compose(accepting, shadow(count, { sample })));
    await mta.play(GREETING);
    for (let message = 0; message < 40; message++) await mta.play(MESSAGE);
    assert(runs >= least && runs <= most, `${runs} of 40 at ${sample}`);
  }
  for (const sample of [-1, 2, NaN]) {
    assertThrows(() => shadow(count, { sample }), RangeError, "its sample must be from 0 to 1");
  }
});

test("shadow: an onVerdict that fails is logged", async () => {
  const onVerdict = () => {
    throw new Error("oops");
  };
  await using mta = await play(shadow(accepting, { onVerdict }));
  assertEquals((await mta.play(CONVERSATION)).at(-1), "endOfMessage: accept");
  await settle();
  assertEquals(mta.takeLogs().map(({ message }) => message), ["onVerdict failed: oops"]);
});
