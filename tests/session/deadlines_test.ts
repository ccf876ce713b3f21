/** Deadlines, by a clock that the test holds: whose they are, and what becomes of who overruns them. */

import { accept, type MtaProfile } from "../../mod.ts";
import { encodeCommand } from "../../src/protocol/mod.ts";
import { Conversation, type Outlet } from "../../src/session/conversation.ts";
import { type Wait, Watch } from "../../src/session/watch.ts";
import { assertEquals, test } from "../harness.ts";

const WAIT: Wait = { events: 7, held: undefined, expecting: false, peerDone: false, profile: "unknown" };

/** What is waited for, the time until it is overdue, and whose fault that is. */
const DEADLINES:
  readonly (readonly [what: string, wait: Partial<Wait>, limit: number, side: "local" | "peer"])[] = [
    ["a filter at an event", { held: "rcpt" }, 9_000, "local"],
    ["a filter at an event with Sendmail", { held: "rcpt", profile: "sendmail" }, 9_000, "local"],
    ["a filter at an event with Postfix", { held: "rcpt", profile: "postfix" }, 28_000, "local"],
    ["a filter at the end of the message", { held: "endOfMessage" }, 290_000, "local"],
    ["a filter whose MTA has closed its side", { held: "endOfMessage", peerDone: true }, 5_000, "peer"],
    ["the rest of a packet", { expecting: true }, 60_000, "peer"],
    ["the next packet", {}, 7_210_000, "peer"],
  ];

for (const [what, wait, limit, side] of DEADLINES) {
  test(`Watch gives ${what} ${limit} ms`, () => {
    const watch = new Watch();
    const look = (now: number) => watch.look({ ...WAIT, ...wait }, now)?.side;
    assertEquals([look(1000), look(1000 + limit - 1), look(1000 + limit)], [undefined, undefined, side]);
  });
}

test("Watch takes its limits from its options, for every MTA", () => {
  for (const profile of ["postfix", "sendmail", "unknown"] satisfies MtaProfile[]) {
    const watch = new Watch({ event: 20 });
    const look = (now: number) => watch.look({ ...WAIT, held: "helo", profile }, now)?.code;
    assertEquals([look(0), look(19), look(20)], [undefined, undefined, "TIMEOUT"]);
  }
});

test("Watch starts anew with each event", () => {
  const watch = new Watch();
  const look = (events: number, now: number) => watch.look({ ...WAIT, events, held: "header" }, now)?.code;
  assertEquals([look(1, 0), look(1, 8_000), look(2, 8_500), look(2, 17_000)], Array(4).fill(undefined));
  assertEquals(look(2, 17_500), "TIMEOUT");
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
  conversation.receive(encodeCommand({ type: "quit" }));
  assertEquals(calls, ["close"]);
  for (const now of [100, 5_099]) conversation.tick(now);
  assertEquals(calls, ["close"]);
  conversation.tick(5_100);
  assertEquals(calls, ["close", "destroy"]);
});
