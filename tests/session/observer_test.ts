/** What an observer is told of connections, messages, verdicts and failures. */

import {
  accept,
  compose,
  defineFilter,
  type Filter,
  type FilterFailure,
  type LogEntry,
  type LoopBlock,
  MilterError,
  type ObservedMessage,
  type Observer,
  quarantine,
  reject,
  serve,
  shadow,
} from "../../mod.ts";
import { assert, assertEquals, assertRejects, assertStrictEquals, delay, test } from "../harness.ts";
import { body, CONVERSATION, GREETING, type Line, mail, MESSAGE, rcpt } from "../mta_commands.ts";
import { type MtaPlayer, play, type PlayOptions, settle } from "../mta_player.ts";
import { unheard } from "../rejections.ts";

const METHODS: readonly (keyof Observer)[] = [
  "connectionOpened",
  "connectionClosed",
  "messageBegan",
  "eventAnswered",
  "verdictReached",
  "messageEnded",
  "filterFailed",
  "logged",
];

/** An observer that notes what it is told, by the methods that matter to a test. */
function noting(...methods: readonly (keyof Observer)[]) {
  const told: { readonly event: keyof Observer; readonly fact: unknown }[] = [];
  const observer = Object.fromEntries(
    methods.map((event) => [event, (fact: unknown) => void told.push({ event, fact })]),
  ) as Observer;
  const events = () => told.map(({ event }) => event);
  const facts = <T>(event: keyof Observer) =>
    told.filter((one) => one.event === event).map(({ fact }) => fact as T);
  return { observer, events, facts, messages: () => facts<ObservedMessage>("messageEnded") };
}

/** Plays a conversation to its end before an observer that hears all. */
async function observe(
  filter: Filter,
  lines: (mta: MtaPlayer) => Promise<unknown>,
  options: PlayOptions = {},
) {
  const notes = noting(...METHODS);
  {
    await using mta = await play(filter, { ...options, observer: notes.observer });
    await lines(mta);
    mta.takeLogs();
  }
  return notes;
}

const judge: Filter = async (session) => {
  for await (const recipient of session.envelopeRecipients()) {
    if (recipient.address.startsWith("no")) recipient.reject();
  }
  session.headers.append("X-Seen", "yes");
  await session.body.collect();
  await session.endOfMessage();
  return accept();
};

test("Observer sees a message from its connection to its end, with all that is known of it", async () => {
  const { events, facts, messages } = await observe(judge, async (mta) => {
    await mta.play(GREETING);
    await mta.macros("M", { i: "4bXyZ12345" });
    await mta.play(["mail", "rcpt", rcpt("<no@example.com>"), ...MESSAGE.slice(2)]);
  });
  assertEquals(events().filter((event) => event !== "eventAnswered"), [
    "connectionOpened",
    "messageBegan",
    "verdictReached",
    "messageEnded",
    "connectionClosed",
  ]);
  assertEquals(facts<{ type: string }>("eventAnswered").map(({ type }) => type), [
    ...["connect", "helo", "mail", "rcpt", "rcpt", "data", "header", "endOfHeaders", "body", "endOfMessage"],
  ]);
  const [message] = messages();
  assert(message !== undefined);
  assertEquals([message.client.address, message.helo, message.queueId], [
    "192.0.2.1",
    "client.example",
    "4bXyZ12345",
  ]);
  assertEquals(message.sender?.address, "sender@example.com");
  assertEquals(message.recipients.map(({ address, refusal }) => [address, refusal?.type]), [
    ["user@example.com", undefined],
    ["no@example.com", "reject"],
  ]);
  assertEquals([message.headers, message.bodyBytes, message.stage], [1, 7, "endOfMessage"]);
  assertEquals([message.verdict, message.error], [accept(), undefined]);
  assertEquals(message.edits.map(({ reply }) => reply.type), ["insertHeader"]);
});

test("Observer is given one object for a connection, and one for each message, which fills in", async () => {
  const objects = new Set<unknown>();
  const verdicts: unknown[] = [];
  const note = (message: ObservedMessage) => {
    for (const object of [message, message.connection]) objects.add(object);
    verdicts.push(message.verdict?.type);
  };
  const observer: Observer = {
    connectionOpened: (connection) => void objects.add(connection),
    messageBegan: note,
    messageEnded: note,
    connectionClosed: (connection) => void objects.add(connection).add(connection.messages),
  };
  {
    await using mta = await play(judge, { observer });
    await mta.play([...CONVERSATION, ...MESSAGE]);
    await mta.play(MESSAGE);
  }
  assertEquals(objects.size, 4);
  assert(objects.has(2));
  assertEquals(verdicts, [undefined, "accept", undefined, "accept"]);
});

test("Observer can tell how much of a message's time its filter took", async () => {
  const { messages, facts } = await observe(async (session) => {
    await session.envelopeFrom();
    await delay(40);
    await session.data();
    return reject();
  }, async (mta) => {
    await mta.play([...GREETING, "mail"]);
    await delay(40);
    await mta.play(["rcpt", "data"]);
  });
  const [message] = messages();
  // A timer may be a millisecond early.
  assert(message!.filterTime >= 38, `filterTime ${message!.filterTime}`);
  assert(message!.duration >= message!.filterTime + 38, `duration ${message!.duration}`);
  const mail = facts<{ type: string; duration: number }>("eventAnswered").find(({ type }) => type === "mail");
  assert(mail!.duration >= 38, `mail ${mail!.duration}`);
});

/** Where a message ends, and what is told of it. */
const ENDS: readonly {
  readonly what: string;
  readonly filter: Filter;
  readonly lines: readonly Line[];
  readonly verdict: string | undefined;
  readonly error?: string;
  readonly stage: string;
}[] = [
  {
    what: "its answer at MAIL",
    filter: () => reject(),
    lines: CONVERSATION.slice(0, 1),
    verdict: "reject",
    stage: "connect",
  },
  {
    what: "its answer among the recipients",
    filter: async (session) => (await session.data(), reject()),
    lines: CONVERSATION.slice(0, 5),
    verdict: "reject",
    stage: "data",
  },
  {
    what: "an ABORT",
    filter: judge,
    lines: [...CONVERSATION.slice(0, 4), "abort"],
    verdict: undefined,
    error: "ABORTED",
    stage: "rcpt",
  },
  {
    what: "a new MAIL",
    filter: judge,
    lines: [...CONVERSATION.slice(0, 5), "mail", "abort"],
    verdict: undefined,
    error: "ABORTED",
    stage: "data",
  },
  {
    what: "an ABORT before a verdict could be said",
    filter: (session) => {
      session.headers.append("X-New", "v");
      return accept();
    },
    lines: [...CONVERSATION.slice(0, 4), "abort"],
    verdict: "accept",
    error: "ABORTED",
    stage: "rcpt",
  },
];

for (const { what, filter, lines, verdict, error, stage } of ENDS) {
  test(`Observer is told once that a message has ended: ${what}`, async () => {
    const { messages, events } = await observe(filter, async (mta) => {
      for (const line of lines) await mta.say(line);
    });
    const [message] = messages();
    const began = events().filter((event) => event === "messageBegan").length;
    const ended = events().filter((event) => event === "messageEnded").length;
    assertEquals([began, ended], what === "a new MAIL" ? [2, 2] : [1, 1]);
    assertEquals([message!.verdict?.type, message!.stage], [verdict, stage]);
    assertEquals(message!.error instanceof MilterError ? message!.error.code : message!.error, error);
    assertEquals(message!.edits, []);
    const { duration } = message!;
    await delay(2);
    assertEquals(message!.duration, duration);
  });
}

test("Observer is told of no message where a client only says hello, whatever was thought of it", async () => {
  for (const filter of [judge, accept]) {
    const { events } = await observe(filter, (mta) => mta.play(GREETING));
    assertEquals(new Set(events()), new Set(["connectionOpened", "eventAnswered", "connectionClosed"]));
  }
});

test("Observer is told of a client that is refused once, though every command is", async () => {
  const { messages, events } = await observe(() => reject(), async (mta) => {
    for (const line of CONVERSATION.slice(0, 4)) await mta.say(line);
  });
  const [message, ...more] = messages();
  assertEquals([message!.verdict?.type, more], ["reject", []]);
  assertEquals(events().indexOf("verdictReached"), events().indexOf("messageBegan") + 1);
});

test("Observer is told what a filter failed by, and what the policy has answered", async () => {
  const boom = new Error("boom");
  const filter = defineFilter({ name: "breaks" }, async (session) => {
    await session.data();
    throw boom;
  });
  const { facts, messages } = await observe(filter, (mta) => mta.play(CONVERSATION));
  const [failure] = facts<FilterFailure>("filterFailed");
  assertStrictEquals(failure!.error, boom);
  assertStrictEquals(failure!.message, messages()[0]);
  assertEquals([failure!.filter, failure!.watched], ["breaks", false]);
  const [message] = messages();
  assertEquals([message!.verdict?.type, message!.filter, message!.error], ["tempfail", "breaks", boom]);
});

test("Observer is told which filter gave the verdict, and of a shadow that failed", async () => {
  const watch = async (session: Parameters<Filter>[0]) => {
    await session.endOfMessage();
    return accept();
  };
  const first = defineFilter({ name: "first" }, watch);
  const second = defineFilter({ name: "second" }, async (session) => {
    await session.endOfMessage();
    return reject();
  });
  const broken = defineFilter({ name: "broken" }, () => Promise.reject(new Error("boom")));
  const all = await observe(compose(first, second), (mta) => mta.play(CONVERSATION));
  assertEquals(all.messages()[0]!.filter, "second");
  const both = await observe(compose(first, watch), (mta) => mta.play(CONVERSATION));
  assertEquals([both.messages()[0]!.filter, both.messages()[0]!.verdict], [undefined, accept()]);
  const tried = await observe(
    compose(first, shadow(broken, { onVerdict: () => {} })),
    (mta) => mta.play(CONVERSATION),
  );
  const failures = tried.facts<FilterFailure>("filterFailed");
  assertEquals(failures.map(({ filter, watched }) => [filter, watched]), [["broken", true]]);
  assertEquals([tried.messages()[0]!.filter, tried.messages()[0]!.error], ["first", undefined]);
});

test("Observer sees a quarantine among the edits, and no more of the body than was sent", async () => {
  const { messages } = await observe(
    async (session) => {
      for await (const _ of session.body) break;
      await session.endOfMessage();
      return quarantine("odd");
    },
    (mta) => mta.play([...CONVERSATION.slice(0, -1), body("more\r\n"), "endOfMessage"]),
    { protocol: 0 },
  );
  const [message] = messages();
  assertEquals(message!.edits.map(({ reply }) => reply.type), ["quarantine"]);
  assertEquals(message!.bodyBytes, 13);
});

test("Observer is told why a connection was closed, if it was not in peace", async () => {
  const broken = noting("connectionClosed");
  const mta = await play(judge, { observer: broken.observer });
  mta.wire.write(Uint8Array.of(0, 0, 0, 0));
  await mta.readEnd();
  await mta.wire.close();
  await mta.served;
  const [closed] = broken.facts<{ error: unknown; duration: number }>("connectionClosed");
  assert(closed!.error instanceof MilterError && closed!.error.code === "FRAME");
  const { duration } = closed!;
  await delay(2);
  assertEquals(closed!.duration, duration);
  const peaceful = await observe(judge, (mta) => mta.play(CONVERSATION));
  assertEquals(peaceful.facts<{ error: unknown }>("connectionClosed")[0]!.error, undefined);
});

/** Ways in which an observer fails. */
const FAULTS: readonly (() => unknown)[] = [
  () => {
    throw new Error("disk full");
  },
  () => Promise.reject(new Error("disk full")),
];

test("Observer that throws, or whose promise fails, is logged and harms nothing", async () => {
  for (const fault of FAULTS) {
    for (const event of METHODS.filter((method) => method !== "logged" && method !== "filterFailed")) {
      const entries: LogEntry[] = [];
      const errors = await unheard(async () => {
        const observer = { [event]: fault } as Observer;
        await using mta = await play(judge, { observer, log: (entry) => void entries.push(entry) });
        assertEquals((await mta.play(CONVERSATION)).at(-1), "endOfMessage: accept");
      });
      assertEquals(errors, []);
      assert(entries.length > 0, event);
      assert(entries.every(({ message }) => message === `The observer failed: ${event}: disk full`));
    }
  }
});

test("Observer takes the place of the console for the log, and stands beside a log that is given", async () => {
  const kept = [console.error, console.warn];
  const lines: unknown[] = [];
  console.error = console.warn = (line: unknown) => void lines.push(line);
  const told: LogEntry[] = [];
  const observer: Observer = { logged: (entry) => void told.push(entry) };
  const failing: Filter = () => Promise.reject(new Error("boom"));
  try {
    const server = await serve(failing, { listen: "inet:0@127.0.0.1", observer });
    await server.shutdown();
    for (const log of [undefined, (entry: LogEntry) => void lines.push(entry)]) {
      // `undefined` stands for an option that is left out.
      const options = { log, observer } as PlayOptions;
      await using mta = await play(failing, options);
      await mta.say("connect");
    }
  } finally {
    [console.error, console.warn] = kept as [typeof console.error, typeof console.warn];
  }
  assertEquals(told.map(({ message }) => message), Array(2).fill("The filter failed: boom"));
  assertStrictEquals(lines[0], told[1]);
  assertEquals(lines.length, 1);
});

test("Several observers are told alike, also where one before them fails", async () => {
  const notes = noting("messageEnded");
  await using mta = await play(judge, {
    observer: [{ messageEnded: FAULTS[0]! as () => void }, {}, notes.observer],
  });
  await mta.play(CONVERSATION);
  assertEquals(notes.messages().length, 1);
  assertEquals(mta.takeLogs().length, 1);
});

test("Observer keeps what it is by `this`", async () => {
  class Counter implements Observer {
    messages = 0;
    messageEnded(): void {
      this.messages++;
    }
  }
  const observer = new Counter();
  await using mta = await play(judge, { observer });
  await mta.play(CONVERSATION);
  await mta.play(MESSAGE);
  await settle();
  assertEquals(observer.messages, 2);
});

test("Observer that is none is refused before anything is served", async () => {
  for (const observer of [null, "log", 7, [undefined]] as unknown as Observer[]) {
    await assertRejects(() => serve(accept, { listen: "inet:0@127.0.0.1", observer }), TypeError, "observer");
  }
});

test("Observer is told that a filter has kept the process busy, and at which message", async () => {
  const blocks: LoopBlock[] = [];
  const filter: Filter = async (session) => {
    const { address } = await session.envelopeFrom();
    if (address !== "slow@example.com") return accept();
    const until = performance.now() + 900;
    while (performance.now() < until);
    return accept();
  };
  const observer: Observer = { loopBlocked: (block) => void blocks.push(block) };
  // Deadlines are looked at each 100 ms.
  await using mta = await play(filter, { observer, timeouts: { packet: 400 } });
  await mta.play([...GREETING, "mail"]);
  await mta.say("abort");
  await mta.say(mail("<slow@example.com>"));
  await delay(150);
  const block = blocks.find(({ message }) => message?.sender?.address === "slow@example.com");
  assert(
    block !== undefined && block.duration >= 700,
    JSON.stringify(blocks.map(({ duration }) => duration)),
  );
  mta.takeLogs();
});
