/** Rules 1 and 2: asking for what comes next answers what came before, and what has passed is remembered. */

import { accept, defineFilter, type Filter, MilterError, reject, type Session } from "../../mod.ts";
import type { CommandType } from "../../src/protocol/mod.ts";
import { assert, assertEquals, assertMatch, assertRejects, assertStrictEquals, test } from "../harness.ts";
import { body, CONVERSATION, GREETING, header, type Line, MESSAGE, rcpt, unknown } from "../mta_commands.ts";
import { play, settle } from "../mta_player.ts";
import { arrive, collect, first, STAGES } from "./stages.ts";

/** An MTA that lets every event be answered, single headers too. */
const ANSWERS_ALL = { protocol: 0 };

/** All that a filter can answer. */
const ALL = ["connect", "helo", "mail", "rcpt", "data", "headers", "body", "unknown"] as const;

test("Session answers an event with continue when the filter asks for the next, and not before", async () => {
  const go: (() => void)[] = [];
  await using mta = await play(async (session) => {
    for (const stage of STAGES.slice(1)) {
      await new Promise<void>((resolve) => go.push(resolve));
      await arrive(session, stage);
    }
    return accept();
  }, ANSWERS_ALL);

  for (const line of CONVERSATION.slice(0, -1)) {
    let answered = false;
    const answer = mta.say(line).finally(() => answered = true);
    await settle();
    assert(!answered, `${line} was answered before the filter asked on`);
    go.shift()!();
    assertEquals(await answer, ["continue"]);
  }
  assertEquals(await mta.say("endOfMessage"), ["accept"]);
});

test("Session lets pass what nobody asks for", async () => {
  const passed = (last: number) => CONVERSATION.slice(0, last).map((line) => `${line}: continue`);
  for (const [index, stage] of STAGES.entries()) {
    const judge = async (session: Session) => {
      await arrive(session, stage);
      return reject();
    };
    await using mta = await play(defineFilter({ answers: ALL }, judge), ANSWERS_ALL);
    const answers = await mta.play(CONVERSATION);
    assertEquals(answers.slice(0, index + 1), [...passed(index), `${stage}: reject`]);
  }
});

test("Session gives greeting, envelope and headers again to who asks late, and to all", async () => {
  const ask = (session: Session) =>
    Promise.all([
      session.helo().then((greeting) => greeting?.hostname),
      session.envelopeFrom().then((sender) => sender.address),
      collect(session.envelopeRecipients(), (recipient) => recipient.address),
      collect(session.headers, (header) => header.name),
      session.headers.get("subject").then((header) => header?.value),
      session.headers.getAll("x-a").then((headers) => headers.map((header) => header.value)),
      collect(session.headers.named("X-A", "x-b"), (header) => header.value),
    ]);
  const answers: unknown[] = [];
  await using mta = await play(async (session) => {
    answers.push(await ask(session));
    await session.endOfMessage();
    answers.push(...await Promise.all([ask(session), ask(session)]));
    return accept();
  });
  await mta.play([
    ...GREETING,
    ...["mail", rcpt("<a@example.com>"), rcpt("<b@example.com>"), "data"] as const,
    ...["header", header("X-A: 1"), header("X-B: 2"), header("x-a: 3")] as const,
    ...["endOfHeaders", "body", "endOfMessage"] as const,
  ]);
  const expected = [
    "client.example",
    "sender@example.com",
    ["a@example.com", "b@example.com"],
    ["Subject", "X-A", "X-B", "x-a"],
    "A test",
    ["1", "3"],
    ["1", "2", "3"],
  ];
  assertEquals(answers, [expected, expected, expected]);
});

/** What can be waited for at once. */
const WAITS: readonly ((session: Session) => Promise<unknown>)[] = [
  (session) => session.helo(),
  (session) => session.envelopeFrom(),
  (session) => session.extension("RCPT"),
  (session) => session.data(),
  (session) => session.headers.get("Subject"),
  (session) => session.headers.collect(),
  (session) => session.body.collect(),
  (session) => session.endOfMessage(),
];

/** Ways to wait for several things at once. */
const TOGETHER: readonly (readonly [how: string, wait: (session: Session) => Promise<unknown>])[] = [
  ["all at once", (session) => Promise.all(WAITS.map((wait) => wait(session)))],
  ["backwards", (session) => Promise.all(WAITS.toReversed().map((wait) => wait(session)))],
  [
    "loops side by side",
    (session) =>
      Promise.all([
        collect(session.headers, String),
        collect(session.envelopeRecipients(), String),
        session.body.collect(),
      ]),
  ],
  [
    "a loop over headers that is left, beside a wait",
    (session) => Promise.all([session.endOfMessage(), first(session.headers)]),
  ],
  [
    "a loop over recipients that is left, beside a wait",
    (session) => Promise.all([session.endOfMessage(), first(session.envelopeRecipients())]),
  ],
  [
    "a loop over the body that is left, beside a wait",
    (session) => Promise.all([session.endOfMessage(), first(session.body)]),
  ],
  [
    "a loop over headers that throws, beside a wait",
    async (session) => {
      const end = session.endOfMessage();
      await assertRejects(async () => {
        for await (const { name } of session.headers) throw new Error(name);
      });
      await end;
    },
  ],
];

for (const [how, wait] of TOGETHER) {
  test(`Session answers all who wait together: ${how}`, { timeout: 5000 }, async () => {
    const filter: Filter = async (session) => {
      await wait(session);
      return accept();
    };
    await using mta = await play(filter);
    const answers = await mta.play([...CONVERSATION.slice(0, -2), body("1"), body("2"), "endOfMessage"]);
    assertEquals(answers.at(-1), "endOfMessage: accept");
    await using again = await play(filter, ANSWERS_ALL);
    assertEquals((await again.play(CONVERSATION)).at(-1), "endOfMessage: accept");
  });
}

/** What can no longer come, and by when it is too late. */
const TOO_LATE:
  readonly (readonly [what: string, by: CommandType, ask: (session: Session) => Promise<unknown>])[] = [
    ["a chunk of the body", "endOfMessage", (session) => first(session.body)],
    ["the whole body", "endOfMessage", (session) => session.body.collect()],
    ["the body as a stream", "endOfMessage", (session) => session.body.stream().getReader().read()],
    ["an unknown command", "header", (session) => session.extension("NOOP")],
    ["a second MAIL", "header", async (session) => {
      await session.extension("MAIL");
      await session.extension("MAIL");
    }],
  ];

for (const [what, by, ask] of TOO_LATE) {
  test(`Session fails a late question for ${what} with PASSED, and at once`, async () => {
    const codes: string[] = [];
    await using mta = await play(async (session) => {
      await arrive(session, by);
      codes.push((await assertRejects(() => ask(session), MilterError)).code);
      return accept();
    });
    assertMatch((await mta.play(CONVERSATION)).at(-1)!, /^endOf(Headers|Message): accept$/);
    assertEquals(codes, ["PASSED"]);
  });
}

/** What can be read item by item. */
const READ: readonly (readonly [what: string, by: (session: Session) => AsyncIterable<unknown>])[] = [
  ["recipients", (session) => session.envelopeRecipients()],
  ["headers", (session) => session.headers],
  ["headers of a name", (session) => session.headers.named("Subject")],
  ["body", (session) => session.body],
];

for (const [what, by] of READ) {
  test(`Session ends the wait of a reader of ${what} who leaves, and keeps nothing for it`, async () => {
    const found: unknown[] = [];
    await using mta = await play(async (session) => {
      const reader = by(session)[Symbol.asyncIterator]();
      const item = reader.next();
      const end = session.endOfMessage();
      await reader.return!();
      found.push(await item, await reader.next());
      await end;
      return accept();
    }, ANSWERS_ALL);
    assertEquals((await mta.play(CONVERSATION)).at(-1), "endOfMessage: accept");
    assertEquals(found, Array(2).fill({ done: true, value: undefined }));
  });
}

test("Session says of a filter that takes too long if a reader neither asks on nor returns", async () => {
  for (const [what, by] of READ) {
    await using mta = await play(async (session) => {
      by(session)[Symbol.asyncIterator]().next();
      await session.endOfMessage();
      return accept();
    }, { ...ANSWERS_ALL, timeouts: { event: 40 } });
    const answers = mta.play([...CONVERSATION.slice(0, -3), header("Subject: x"), ...CONVERSATION.slice(-3)]);
    assertMatch((await answers).at(-1)!, /: tempfail$/);
    const [entry] = mta.takeLogs();
    assertMatch(
      entry!.message,
      /^The filter failed: Cannot wait for the filter: it held \w+ for \d+ ms, for a reader that neither asks on/,
      what,
    );
  }
});

test("Session ends the wait for what did not come with the message, before its verdict", async () => {
  const waits: [string, (session: Session) => Promise<unknown>][] = [
    ["an extension", (session) => session.extension("NOOP")],
    ["a third RCPT", async (session) => {
      for (let nth = 0; nth < 3; nth++) await session.extension("RCPT");
    }],
  ];
  for (const [what, wait] of waits) {
    let code: string | undefined;
    await using mta = await play(async (session) => {
      code = (await assertRejects(() => wait(session), MilterError)).code;
      return accept();
    });
    assertEquals((await mta.play(CONVERSATION)).at(-1), "endOfHeaders: accept", what);
    assertEquals(code, "PASSED", what);
  }
});

test("Session tells of commands that the MTA does not know, each once to who asks for them", async () => {
  const seen: unknown[] = [];
  await using mta = await play(async (session) => {
    for (const name of ["noop", "X-FOO", "NOOP"]) {
      const { name: found, arguments: words, raw } = await session.extension(name);
      seen.push([found, words, String.fromCharCode(...raw)]);
    }
    return reject();
  });
  assertEquals(
    await mta.play([
      ...GREETING,
      unknown("NOOP 1"),
      unknown("VRFY nobody"),
      unknown("x-foo a  b"),
      unknown("NOOP 2"),
      "mail",
    ]),
    [
      "connect: continue",
      "helo: continue",
      ...Array(4).fill("unknown: continue"),
      "mail: reject",
    ],
  );
  assertEquals(seen, [["NOOP", ["1"], "NOOP 1"], ["X-FOO", ["a", "b"], "x-foo a  b"], [
    "NOOP",
    ["2"],
    "NOOP 2",
  ]]);
});

test("Session gives MAIL and RCPT as written by extension()", async () => {
  const seen: unknown[] = [];
  await using mta = await play(async (session) => {
    for (const name of ["MAIL", "RCPT", "RCPT"]) {
      const { name: found, arguments: words, raw } = await session.extension(name);
      seen.push([found, words, String.fromCharCode(...raw)]);
    }
    return accept();
  });
  await mta.play([
    ...GREETING,
    { type: "mail", address: "<A@b>", arguments: ["size=9", "BODY=8BITMIME"] },
    rcpt("<c@d>"),
    rcpt("<e@f>", "NOTIFY=NEVER"),
  ]);
  assertEquals(seen, [
    ["MAIL", ["<A@b>", "size=9", "BODY=8BITMIME"], "MAIL <A@b> size=9 BODY=8BITMIME"],
    ["RCPT", ["<c@d>"], "RCPT <c@d>"],
    ["RCPT", ["<e@f>", "NOTIFY=NEVER"], "RCPT <e@f> NOTIFY=NEVER"],
  ]);
});

test("Session knows no greeting of a client that sends none", async () => {
  const greetings: unknown[] = [];
  await using mta = await play(async (session) => {
    greetings.push(await session.helo());
    return accept();
  });
  assertEquals(await mta.play(["connect", "mail"]), ["connect: continue", "mail: accept"]);
  assertEquals(greetings, [undefined]);
});

test("Session keeps client and greeting for all messages of a connection", async () => {
  const seen: [unknown, string | undefined][] = [];
  await using mta = await play(async (session) => {
    seen.push([session.connection, (await session.helo())?.hostname]);
    return accept();
  });
  await mta.play(GREETING);
  for (let nth = 0; nth < 3; nth++) await mta.play(MESSAGE);
  const [[connection]] = seen as [[Session["connection"], string]];
  assertEquals([connection.host, connection.family, connection.address, connection.port], [
    "client.example",
    "inet",
    "192.0.2.1",
    4321,
  ]);
  assertEquals(seen.length, 3);
  for (const [same, hostname] of seen) {
    assertStrictEquals(same, connection);
    assertEquals(hostname, "client.example");
  }
});

test("Session starts its first run at CONNECT and each later one at MAIL", async () => {
  const starts: (string | undefined)[] = [];
  let line: Line = "negotiate";
  await using mta = await play(() => {
    starts.push(line as string);
    return accept();
  });
  for (
    const next of [...CONVERSATION, ...MESSAGE, "abort", "abort", "unknown", "helo", ...MESSAGE] as const
  ) {
    line = next;
    await mta.say(next);
  }
  assertEquals(starts, ["connect", "mail", "mail"]);
});
