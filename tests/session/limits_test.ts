/** Limits: what is over one is answered by the policy or disconnected, warned of, counted, and not kept. */

import {
  accept,
  compose,
  type ConversationOptions,
  discard,
  type Filter,
  type LimitHit,
  type LimitName,
  type Limits,
  type LogEntry,
  MilterError,
  reject,
  type Session,
  shadow,
} from "../../mod.ts";
import { encodeCommand, encodeMacros, Framer } from "../../src/protocol/mod.ts";
import { Conversation } from "../../src/session/conversation.ts";
import type { Outlet } from "../../src/session/outlet.ts";
import { limitsOf } from "../../src/session/limits.ts";
import { Load } from "../../src/session/load.ts";
import { Reporter } from "../../src/session/reporter.ts";
import { latin1 } from "../bytes.ts";
import { assert, assertEquals, assertRejects, assertThrows, test } from "../harness.ts";
import {
  body,
  commandOf,
  CONVERSATION,
  GREETING,
  header,
  type Line,
  mail,
  MESSAGE,
  rcpt,
  unknown,
} from "../mta_commands.ts";
import { type MtaPlayer, play, settle } from "../mta_player.ts";

const collecting: Filter = async (session) => {
  await session.body.collect();
  return accept();
};

/** An MTA before a filter with limits, and what is told of them. */
async function limited(limits: Limits, filter: Filter = collecting, options: ConversationOptions = {}) {
  const hits: LimitHit[] = [];
  const mta = await play(filter, {
    ...options,
    limits,
    observer: { limitReached: (hit) => void hits.push(hit) },
  });
  return { mta, hits };
}

/** Checks the one warning that is due, and takes it. */
function warned(mta: MtaPlayer): LogEntry {
  const [entry, ...more] = mta.takeLogs().filter(({ level }) => level !== "debug");
  assertEquals([entry?.level, more], ["warning", []]);
  assert(entry!.error instanceof MilterError && entry!.error.code === "LIMIT");
  return entry!;
}

const LONG = "x".repeat(200);

/** What a message is over, and where the policy answers. */
const MESSAGES: readonly {
  readonly limit: LimitName;
  readonly allowed: number;
  readonly lines: readonly Line[];
  readonly answer: string;
}[] = [
  {
    limit: "recipients",
    allowed: 2,
    lines: ["mail", "rcpt", "rcpt", "rcpt", ...MESSAGE.slice(2)],
    answer: "rcpt: tempfail",
  },
  {
    limit: "envelopeBytes",
    allowed: 150,
    lines: [mail(`<${LONG}>`), ...MESSAGE.slice(1)],
    answer: "mail: tempfail",
  },
  {
    limit: "envelopeBytes",
    allowed: 150,
    lines: ["mail", "rcpt", rcpt("<a@example.com>", `NOTIFY=${LONG}`), ...MESSAGE.slice(2)],
    answer: "rcpt: tempfail",
  },
  {
    limit: "envelopeBytes",
    allowed: 150,
    lines: ["mail", "rcpt", unknown(LONG), ...MESSAGE.slice(1)],
    answer: "rcpt: tempfail",
  },
  {
    limit: "headers",
    allowed: 2,
    lines: [...MESSAGE.slice(0, 4), "header", "header", "header", ...MESSAGE.slice(4)],
    answer: "endOfHeaders: tempfail",
  },
  {
    limit: "headerBytes",
    allowed: 150,
    lines: [...MESSAGE.slice(0, 4), header(`X-Long: ${LONG}`), ...MESSAGE.slice(4)],
    answer: "endOfHeaders: tempfail",
  },
];

for (const { limit, allowed, lines, answer } of MESSAGES) {
  const what = lines.find((line) => typeof line !== "string");
  const where = typeof what === "object" ? `, by ${what.type}` : "";
  test(`Message over the limit of ${limit}${where} gets the policy's answer once, and the next is judged`, async () => {
    const { mta, hits } = await limited({ [limit]: allowed });
    await using _ = mta;
    await mta.play(GREETING);
    const answers: string[] = [];
    for (const line of lines) {
      const said = await mta.say(line);
      answers.push(...said.map((reply) => `${typeof line === "string" ? line : line.type}: ${reply}`));
      if (said.includes("tempfail") && answer.startsWith("end")) break;
    }
    assertEquals(answers.find((line) => !line.endsWith("continue")), answer);
    const entry = warned(mta);
    assertEquals(hits.map((hit) => [hit.limit, hit.allowed, hit.outcome]), [[limit, allowed, "answered"]]);
    assertEquals(entry.message.includes(String(allowed)), true);
    assert(hits[0]!.message!.error === entry.error);
    await mta.say("abort");
    assertEquals((await mta.play(MESSAGE)).at(-1), "endOfMessage: accept");
  });
}

test("Message over a limit is answered by the policy of its filter, which is told so", async () => {
  let reason: unknown;
  let kept: Session | undefined;
  const filter: Filter = async (session) => {
    kept = session;
    session.headers.append("X-Half", "done");
    try {
      await session.headers.collect();
    } catch (error) {
      reason = session.signal.aborted ? session.signal.reason : error;
      throw error;
    }
    return accept();
  };
  for (
    const [policy, answer] of [[discard, "discard"], [
      () => reject("554 Big"),
      'replyCode "554 Big"',
    ]] as const
  ) {
    const codes: unknown[] = [];
    const { mta } = await limited({ headers: 1 }, filter, {
      onError: (error) => {
        codes.push(error instanceof MilterError && error.code);
        return policy();
      },
    });
    await using _ = mta;
    await mta.play([...CONVERSATION.slice(0, 6)]);
    await mta.say("header");
    assertEquals(await mta.say("endOfHeaders"), [answer]);
    assertEquals(codes, ["LIMIT"]);
    assert(reason instanceof MilterError, String(reason));
    assertEquals((await assertRejects(() => kept!.headers.collect(), MilterError)).code, "SETTLED");
    warned(mta);
  }
});

test("Message over a limit ends all filters that are composed, those that are watched too", async () => {
  const ends: string[] = [];
  const watching = (name: string): Filter => async (session) => {
    await session.headers.collect().catch((error) => {
      ends.push(`${name} ${error.code}`);
      throw error;
    });
    return accept();
  };
  const watched = shadow(watching("shadow"), { onVerdict: () => ends.push("told") });
  const { mta } = await limited({ headers: 1 }, compose(watching("one"), watching("two"), watched));
  await using _ = mta;
  await mta.play(CONVERSATION.slice(0, 6));
  await mta.say("header");
  assertEquals(await mta.say("endOfHeaders"), ["tempfail"]);
  assertEquals(ends.map((end) => end.split(" ")[0]).sort(), ["one", "shadow", "two"]);
  warned(mta);
});

/** Packets that no answer belongs to, and the limit that they are over. */
const PACKETS: readonly (readonly [limit: LimitName, allowed: number, send: (mta: MtaPlayer) => unknown])[] =
  [
    ["packetBytes", 1000, (mta) => mta.wire.write(latin1("\0\0\x04\0L"))],
    ["packetBytes", 1000, (mta) => mta.wire.write(latin1("\xff\xff\xff\xffL"))],
    ["macroBytes", 100, (mta) => mta.macros("M", { i: LONG })],
    [
      "macroBytes",
      64 * 1024,
      (mta) =>
        mta.say({
          type: "macros",
          stage: "R",
          definitions: encodeMacros(
            Object.fromEntries(Array.from({ length: 30_000 }, (_, at) => [`{m${at}}`, "v"])),
          ),
        }),
    ],
  ];

for (const [limit, allowed, send] of PACKETS) {
  test(`Peer that sends more than ${allowed} for ${limit} is disconnected`, async () => {
    const { mta, hits } = await limited({ [limit]: allowed });
    await mta.play(CONVERSATION.slice(0, 4));
    await send(mta);
    await mta.readEnd();
    await mta.wire.close();
    await mta.served;
    assertEquals(hits.map((hit) => [hit.limit, hit.allowed, hit.outcome, hit.message]), [
      [limit, allowed, "closed", undefined],
    ]);
    warned(mta);
  });
}

test("Body that is longer than collect() takes by default fails there, is warned of, and counted", async () => {
  const { mta, hits } = await limited({ collectBytes: 10 });
  await using _ = mta;
  await mta.play(CONVERSATION.slice(0, -1));
  assertEquals(await mta.say(body("0123456789")), ["tempfail"]);
  const logs = mta.takeLogs();
  assertEquals(logs.map(({ level }) => level), ["warning", "error"]);
  assertEquals(hits.map(({ limit, outcome }) => [limit, outcome]), [["collectBytes", "failed"]]);
});

test("Body that a stream makes longer than is kept is a failure of its filter", async () => {
  const { mta, hits } = await limited({ collectBytes: 10 }, (session) => {
    session.body.replace(session.body.stream());
    return accept();
  });
  await using _ = mta;
  assertEquals(
    (await mta.play([...CONVERSATION.slice(0, -1), body("0123456789"), "endOfMessage"])).at(-1),
    "body: tempfail",
  );
  assertEquals(mta.takeLogs().map(({ level }) => level), ["warning", "error"]);
  assertEquals(hits.map(({ limit }) => limit), ["collectBytes"]);
});

test("Body that is longer than the caller of collect() takes is the caller's own business", async () => {
  for (const [collectBytes, limit] of [[10, 20], [20, 10]] as const) {
    const { mta, hits } = await limited({ collectBytes }, async (session) => {
      const outcome = await session.body.collect({ limit }).catch(({ code }) => code);
      await session.endOfMessage();
      return outcome === "LIMIT" ? reject() : accept();
    });
    await using _ = mta;
    await mta.play([...CONVERSATION.slice(0, -1), body("0123456789")]);
    assertEquals(await mta.say("endOfMessage"), [limit === 10 ? "reject" : "accept"]);
    assertEquals(hits, []);
  }
});

/** Conversations that share a load, each with what was written to it. */
function sharing(limits: Limits, filter: Filter = collecting) {
  const logs: LogEntry[] = [];
  const load = new Load(limits, new Reporter({ log: (entry) => void logs.push(entry) }));
  const open = () => {
    const replies: string[] = [];
    const outlet: Outlet = {
      peer: "test",
      write: (bytes) => (replies.push(...repliesIn(bytes)), true),
      close: () => {},
      destroy: () => {},
      pause: () => {},
      resume: () => {},
    };
    const conversation = new Conversation(filter, outlet, {}, load);
    /** Says something, and gives the codes of what is answered. */
    const say = async (...lines: readonly Line[]): Promise<string> => {
      for (const line of lines) {
        conversation.receive(encodeCommand(commandOf(line)), false);
        conversation.work();
        await settle();
      }
      return replies.splice(0).join("");
    };
    return { conversation, say };
  };
  return { load, logs, open };
}

/** The codes of the replies in what was written. */
function repliesIn(bytes: Uint8Array): string[] {
  const framer = new Framer(1024 * 1024);
  framer.push(bytes);
  const codes: string[] = [];
  for (let packet = framer.next(); packet; packet = framer.next()) {
    codes.push(String.fromCharCode(packet[0]!));
  }
  return codes;
}

const ANY: Filter = async (session) => {
  await session.body.collect();
  await session.endOfMessage();
  return accept();
};

test("Load counts messages from MAIL to the verdict or their end, and what is over gets the policy's answer", async () => {
  const { load, logs, open } = sharing({ messages: 1 }, ANY);
  const [one, other] = [open(), open()];
  await one.say("negotiate", "connect", "helo");
  assertEquals(load.messages, 0);
  assertEquals(await one.say("mail"), "c");
  assertEquals(load.messages, 1);
  assertEquals(await other.say("negotiate", "connect", "helo", "mail"), "Occt");
  assertEquals(load.messages, 1);
  assertEquals(await one.say("rcpt", "data", "header", "endOfHeaders", "body", "endOfMessage"), "cccca");
  assertEquals(load.messages, 0);
  assertEquals(await other.say("abort", "mail"), "c");
  assertEquals(await one.say("abort", "mail"), "t");
  other.conversation.lose();
  assertEquals(load.messages, 0);
  // Of a limit that is hit again and again there is one line.
  assertEquals(logs.map(({ level }) => level), ["warning"]);
});

test("Load counts what is held, and gives it back when the message or the connection ends", async () => {
  const { load, open } = sharing({}, ANY);
  const one = open();
  await one.say("negotiate", ...GREETING, "mail", "rcpt", "data", "header", "endOfHeaders");
  const small = load.bytes;
  assert(small > 50 && small < 1000, String(small));
  await one.say(body("x".repeat(10_000)));
  assertEquals(load.bytes, small + 10_000);
  assertEquals(await one.say("endOfMessage"), "a");
  assertEquals(load.bytes, 0);
  await one.say("mail", "rcpt");
  assert(load.bytes > 0);
  await one.say("abort");
  assertEquals(load.bytes, 0);
  // Half a packet.
  one.conversation.receive(latin1("\0\0\x04\0L" + LONG), false);
  one.conversation.work();
  assertEquals(load.bytes, 205);
  one.conversation.lose();
  assertEquals(load.bytes, 0);
});

test("Load that holds too much lets new messages be answered by the policy, and collect() fail", async () => {
  const { logs, load, open } = sharing({ bytes: 20_000 }, ANY);
  const [one, other, third] = [open(), open(), open()];
  const begin: readonly Line[] = ["negotiate", ...GREETING, ...MESSAGE.slice(0, 5)];
  for (const { say } of [one, other]) await say(...begin);
  assertEquals(await one.say(body("x".repeat(15_000))), "c");
  assertEquals(await other.say(body("x".repeat(15_000))), "t");
  assertEquals(await one.say(body("x".repeat(3000)), body("x".repeat(1000))), "cc");
  one.conversation.receive(latin1("\0\0\x40\0B" + "x".repeat(2000)), false);
  one.conversation.work();
  assertEquals(await third.say(...begin.slice(0, 4)), "Occt");
  assert(load.bytes > 20_000);
  one.conversation.lose();
  assertEquals(await third.say("abort", "mail"), "c");
  assertEquals(logs.filter(({ level }) => level === "warning").length, 1);
});

test("Headers and recipients over a limit are not kept, however many come", async () => {
  const { load, open } = sharing({ headers: 5, recipients: 5 }, async (session) => {
    await session.endOfMessage();
    return accept();
  });
  const one = open();
  await one.say("negotiate", ...GREETING, ...MESSAGE.slice(0, 3));
  let most = 0;
  for (let count = 0; count < 60; count++) {
    await one.say("header");
    most = Math.max(most, load.bytes);
  }
  assert(most < 1200, String(most));
  await one.say("abort", "mail");
  for (let count = 0; count < 60; count++) {
    await one.say("rcpt");
    most = Math.max(most, load.bytes);
  }
  assert(most < 1200, String(most));
});

test("Limits that are none are refused", () => {
  assertThrows(() => limitsOf({ headerz: 1 } as Limits), TypeError, '"headerz"');
  for (const limit of [0, -1, NaN]) assertThrows(() => limitsOf({ headers: limit }), RangeError, "headers");
  assertEquals(limitsOf({ headers: Infinity }).headers, Infinity);
});
