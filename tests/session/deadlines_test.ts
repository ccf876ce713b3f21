/** Deadlines, by a clock that the test holds: whose they are, and what becomes of who overruns them. */

import {
  accept,
  type Filter,
  type LogEntry,
  MilterError,
  type MtaProfile,
  type Session,
  type Timeouts,
  type Verdict,
} from "../../mod.ts";
import { encodeCommand, encodeMacros, encodeText, Macros } from "../../src/protocol/mod.ts";
import { Conversation } from "../../src/session/conversation.ts";
import type { Outlet } from "../../src/session/outlet.ts";
import { checkTimeouts } from "../../src/session/timeouts.ts";
import { type Wait, Watch } from "../../src/session/watch.ts";
import { deferred } from "../deferred.ts";
import { assert, assertEquals, assertThrows, delay, test } from "../harness.ts";
import { commandOf, CONVERSATION, GREETING, type Line, MESSAGE } from "../mta_commands.ts";
import { play, settle } from "../mta_player.ts";

/** What an MTA tells of itself with CONNECT. */
function macrosOf(version: string): Macros {
  return Macros.none.define("C", encodeText(`v\0${version}\0`));
}

const MTAS: Readonly<Record<MtaProfile, Macros>> = {
  postfix: macrosOf("Postfix 3.7.11"),
  sendmail: macrosOf("8.17.1.9"),
  unknown: Macros.none,
};

const WAIT: Wait = {
  events: 7,
  held: undefined,
  expecting: false,
  peerDone: false,
  spent: undefined,
  macros: MTAS.unknown,
};

/** What a look gives: whose fault it is, or that it is time for a PROGRESS. */
function lookAt(watch: Watch, wait: Partial<Wait>, now: number): string | undefined {
  const found = watch.look({ ...WAIT, ...wait }, now);
  return typeof found === "object" ? found.side : found;
}

/** What is waited for, the time until it is overdue, and whose fault that is. */
const DEADLINES:
  readonly (readonly [what: string, wait: Partial<Wait>, limit: number, side: "local" | "peer"])[] = [
    ["a filter at an event", { held: "rcpt" }, 9_000, "local"],
    ["a filter at an event with Sendmail", { held: "rcpt", macros: MTAS.sendmail }, 9_000, "local"],
    ["a filter at an event with Postfix", { held: "rcpt", macros: MTAS.postfix }, 28_000, "local"],
    ["a filter at the end of the message", { held: "endOfMessage" }, 290_000, "local"],
    ["a filter whose MTA has closed its side", { held: "endOfMessage", peerDone: true }, 5_000, "peer"],
    ["the rest of a packet", { expecting: true }, 60_000, "peer"],
    ["the next packet", {}, 7_210_000, "peer"],
  ];

for (const [what, wait, limit, side] of DEADLINES) {
  test(`Watch gives ${what} ${limit} ms`, () => {
    const watch = new Watch({ progress: Infinity });
    const look = (now: number) => lookAt(watch, wait, now);
    assertEquals([look(1000), look(1000 + limit - 1), look(1000 + limit)], [undefined, undefined, side]);
  });
}

test("Watch takes its limits from its options, for every MTA", () => {
  for (const macros of Object.values(MTAS)) {
    const watch = new Watch({ event: 20 });
    const look = (now: number) => lookAt(watch, { held: "helo", macros }, now);
    assertEquals([look(0), look(19), look(20)], [undefined, undefined, "local"]);
  }
});

test("Watch starts anew with each event", () => {
  const watch = new Watch();
  const look = (events: number, now: number) => lookAt(watch, { events, held: "header" }, now);
  assertEquals([look(1, 0), look(1, 7_999), look(2, 8_000), look(2, 16_998)], Array(4).fill(undefined));
  assertEquals(look(2, 16_999), "local");
});

test("Watch never gives a filter more than its time, however late an event is first seen", () => {
  for (const came of [1, 500, 999]) {
    const watch = new Watch();
    let answered = Infinity;
    for (let now = 0; now <= 20_000; now += 1000) {
      const found = lookAt(watch, now < came ? {} : { events: 8, held: "rcpt" }, now);
      if (found === "local") answered = Math.min(answered, now);
    }
    assert(answered - came <= 9_000, `${answered - came}`);
    assert(answered - came >= 8_000, `${answered - came}`);
  }
});

test("Watch has the MTA told at the end of a message that the filter is at work, in time for each", () => {
  const told = (profile: MtaProfile, wait: Partial<Wait> = {}) => {
    const watch = new Watch();
    const times: number[] = [];
    for (let now = 0; now < 290_000; now += 1000) {
      if (lookAt(watch, { held: "endOfMessage", macros: MTAS[profile], ...wait }, now) === "progress") {
        times.push(now);
      }
    }
    return times;
  };
  // Sendmail gives up after 10 s of silence, Postfix after 300 s.
  const times = told("sendmail");
  assertEquals(times.slice(0, 3), [5_000, 10_000, 15_000]);
  assertEquals(times.at(-1), 285_000);
  assertEquals(told("unknown"), times);
  assertEquals(told("postfix"), [145_000]);
  assertEquals(told("sendmail", { peerDone: true }), []);
  assertEquals(told("sendmail", { held: undefined }), []);
});

test("Watch has nobody told before the end of a message, where no MTA takes it", () => {
  const watch = new Watch({ event: Infinity });
  for (let now = 0; now < 100_000; now += 1000) {
    assertEquals(lookAt(watch, { held: "body", macros: MTAS.sendmail }, now), undefined);
  }
});

test("Watch counts what a filter takes over a message in all, if that is limited", () => {
  const watch = new Watch({ message: 5_000 });
  const look = (spent: number, now: number) => lookAt(watch, { held: "rcpt", spent }, now);
  assertEquals([look(0, 0), look(4_999, 1000), look(5_000, 2000)], [undefined, undefined, "local"]);
});

test("Watch tells what is left of the time, and has it that of the next event while nothing is held", () => {
  const watch = new Watch({ event: 10_000, endOfMessage: 20_000, message: 25_000 });
  const left = (wait: Partial<Wait>, now: number) => watch.remaining({ ...WAIT, ...wait }, now);
  lookAt(watch, {}, 1000);
  assertEquals(left({}, 1500), 10_000);
  assertEquals(left({ events: 8, held: "rcpt" }, 2000), 9_000);
  assertEquals(left({ events: 8, held: "rcpt" }, 5000.5), 5_999);
  assertEquals(left({ events: 9, held: "endOfMessage", spent: 1000 }, 5000.5), 20_000);
  assertEquals(left({ events: 9, held: "endOfMessage", spent: 24_000 }, 6000), 1000);
  assertEquals(left({ events: 9, held: "endOfMessage", spent: 26_000 }, 7000), 0);
});

test("Timeouts that are none are refused", () => {
  assertThrows(() => checkTimeouts({ evnet: 7 } as Timeouts), TypeError, '"evnet"');
  for (const event of [0, -1, NaN]) assertThrows(() => checkTimeouts({ event }), RangeError, "event");
  checkTimeouts({ event: Infinity }); // does not throw
});

test("Conversation that has ended destroys the connection of a peer that does not take its last answers", () => {
  const calls: string[] = [];
  const outlet: Outlet = {
    peer: "test",
    write: () => false,
    close: () => void calls.push("close"),
    destroy: () => void calls.push("destroy"),
    pause: () => {},
    resume: () => {},
  };
  const conversation = new Conversation(() => accept(), outlet, { log: () => {} });
  conversation.receive(encodeCommand({ type: "quit" }), false);
  assertEquals(calls, []);
  conversation.work();
  assertEquals(calls, ["close"]);
  for (const now of [100, 5_099]) conversation.tick(now);
  assertEquals(calls, ["close"]);
  conversation.tick(5_100);
  assertEquals(calls, ["close", "destroy"]);
});

test("Conversation looks at what has come before it leaves an MTA that seems to be silent", async () => {
  const calls: string[] = [];
  const outlet: Outlet = {
    peer: "test",
    write: (bytes) => (calls.push(String.fromCharCode(bytes[4]!)), true),
    close: () => void calls.push("close"),
    destroy: () => {},
    pause: () => {},
    resume: () => {},
  };
  const filter = async (session: Session) => {
    await session.endOfMessage();
    return accept();
  };
  const conversation = new Conversation(filter, outlet, { log: () => {} });
  const take = (line: Line) => conversation.receive(encodeCommand(commandOf(line)), false);
  for (const line of ["negotiate", ...GREETING] as const) {
    take(line);
    conversation.work();
    await settle();
  }
  conversation.finish(50);
  conversation.tick(0);
  calls.length = 0;
  take("mail"); // The end of its turn has not come.
  conversation.tick(1_000);
  assertEquals(calls, ["t"]);
  for (const now of [2_000, 3_000]) conversation.tick(now);
  assertEquals(calls, ["t", "close"]);
});

test("Conversation whose outlet fails is closed, and tells why", () => {
  const calls: string[] = [];
  const outlet: Outlet = {
    peer: "test",
    write: () => {
      throw new Error("no such socket");
    },
    close: () => void calls.push("close"),
    destroy: () => {},
    pause: () => {},
    resume: () => {},
  };
  const log = ({ level, message }: LogEntry) => void calls.push(`${level}: ${message}`);
  const conversation = new Conversation(() => accept(), outlet, { log });
  conversation.receive(encodeCommand(commandOf("negotiate")), false);
  conversation.work();
  assertEquals(calls, ["warning: Closed a connection: no such socket", "close"]);
});

const POSTFIX = { v: "Postfix 3.7.11", j: "mx.example.com" };
const SENDMAIL = { v: "8.17.1.9", j: "mx.example.com" };

test("Filter that takes its time at the end of a message has the MTA told so, and is answered for in the end", async () => {
  await using mta = await play(async (session) => {
    await session.endOfMessage();
    return new Promise<Verdict>(() => {});
  }, { timeouts: { endOfMessage: 100, progress: 20 } });
  const answers = await mta.play(CONVERSATION);
  assertEquals(answers.at(-1), "endOfMessage: tempfail");
  const told = answers.filter((answer) => answer === "endOfMessage: progress").length;
  assert(told >= 1 && told <= 5, String(told));
  mta.takeLogs();
});

/** A conversation by the test's own clock, and what is written in it. */
function begin(filter: Filter, macros: Readonly<Record<string, string>>) {
  const written: Uint8Array[] = [];
  const outlet: Outlet = {
    peer: "test",
    write: (bytes) => (written.push(bytes), true),
    close: () => {},
    destroy: () => {},
    pause: () => {},
    resume: () => {},
  };
  const conversation = new Conversation(filter, outlet, { log: () => {} });
  const say = async (line: Line) => {
    conversation.receive(encodeCommand(commandOf(line)), false);
    conversation.work();
    await settle();
  };
  const definitions = encodeMacros(macros);
  const lines: Line[] = ["negotiate", { type: "macros", stage: "C", definitions }, ...CONVERSATION];
  /** The codes of what was written since this was asked last. */
  const answers = () => written.splice(0).map((bytes) => String.fromCharCode(bytes[4]!)).join("");
  return { conversation, answers, say, lines };
}

test("Filter that says that it is at work has its time anew with Postfix, and not with Sendmail", async () => {
  for (const [macros, answer] of [[POSTFIX, ""], [SENDMAIL, "t"]] as const) {
    let session: Session | undefined;
    const { conversation, answers, say, lines } = begin(async (given) => {
      session = given;
      await session.endOfMessage();
      return new Promise<Verdict>(() => {});
    }, macros);
    for (const line of lines) await say(line);
    for (const now of [0, 144_000]) conversation.tick(now);
    answers();
    assertEquals(session!.progress(), true);
    assertEquals(answers(), "p");
    conversation.tick(145_000);
    answers();
    conversation.tick(290_000);
    assertEquals(answers().replaceAll("p", ""), answer);
    conversation.lose();
  }
});

test("Filter that takes too long over a message in all is answered for, were it quick with each event", async () => {
  const filter: Filter = async (session) => {
    for await (const _ of session.envelopeRecipients()) await delay(100);
    await session.endOfMessage();
    return accept();
  };
  await using mta = await play(filter, { timeouts: { message: 500 } });
  assertEquals((await mta.play(CONVERSATION)).at(-1), "endOfMessage: accept");
  const answers: string[] = [];
  await mta.say("mail");
  while (answers.at(-1) !== "tempfail") answers.push(...await mta.say("rcpt"));
  assert(answers.length >= 2 && answers.length <= 6, String(answers.length));
  const [entry] = mta.takeLogs();
  assert(entry?.error instanceof MilterError && entry.error.code === "TIMEOUT");
  await mta.say("abort");
  await delay(120); // The filter wakes for the last time.
});

test("Session tells how long its filter may go on, and that nothing is left when the message is over", async () => {
  const left: number[] = [];
  let late = () => NaN;
  await using mta = await play(async (session) => {
    late = () => session.remaining();
    left.push(session.remaining());
    await session.envelopeFrom();
    await delay(30);
    left.push(session.remaining());
    await session.endOfMessage();
    left.push(session.remaining());
    return accept();
  }, { timeouts: { event: 10_000, endOfMessage: 50_000 } });
  await mta.play(CONVERSATION);
  const [first, second, third] = left as [number, number, number];
  assert(first > 8_000 && first <= 10_000, String(first));
  assert(second > 8_000 && second <= 9_972, String(second));
  assert(third > 48_000 && third <= 50_000, String(third));
  assert(left.every(Number.isInteger));
  assertEquals(late(), 0);
});

/** What ends a message behind events that are not answered. */
const BEHIND = ["abort", "mail", "quit"] as const;

for (const ending of BEHIND) {
  test(`Filter that holds an event hears of ${ending} behind events that are not answered`, async () => {
    const reasons: unknown[] = [];
    const told = deferred();
    await using mta = await play(async (session) => {
      for await (const _ of session.headers) {
        await new Promise<void>((resolve) => {
          session.signal.addEventListener("abort", () => {
            reasons.push(session.signal.reason);
            resolve();
            told.resolve();
          });
        });
      }
      return accept();
    }, { timeouts: { event: 60_000, packet: 100 } });
    await mta.play([...GREETING, ...MESSAGE.slice(0, 4)]);
    for (const line of ["header", "header"] as const) assertEquals(await mta.say(line), []);
    const said = mta.say(ending);
    await told.promise;
    const [reason] = reasons;
    assert(reason instanceof MilterError && reason.code === "ABORTED");
    assertEquals(await said, ending === "mail" ? ["continue"] : []);
    if (ending === "quit") await mta.served;
    else if (ending === "mail") await mta.say("abort");
  });
}

test("Filter that holds an event is left alone by what comes behind one that is answered", async () => {
  const { promise, resolve } = deferred();
  let aborted = false;
  await using mta = await play(async (session) => {
    session.signal.addEventListener("abort", () => aborted = true);
    for await (const _ of session.headers) await promise;
    await session.endOfMessage();
    return accept();
  }, { timeouts: { event: 60_000, packet: 20 } });
  await mta.play([...GREETING, ...MESSAGE.slice(0, 4)]);
  const end = mta.say("endOfHeaders");
  // Long enough for several looks.
  await delay(60);
  assertEquals(aborted, false);
  resolve();
  assertEquals(await end, ["continue"]);
  assertEquals((await mta.play(["body", "endOfMessage"])).at(-1), "endOfMessage: accept");
});
