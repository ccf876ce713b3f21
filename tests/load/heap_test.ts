/** What a filter's process keeps of the messages that it has judged: nothing. */

import { Child } from "../child.ts";
import { assertEquals, programCommand, test } from "../harness.ts";
import { grownBetween } from "./heap.ts";
import { send } from "./traffic.ts";

/** How many messages come before the first count, and between it and the second. */
const [WARM_UP, MESSAGES] = [600, 2000];

/** The classes of which each connection or each message has an object of its own, which its heap must be rid of. */
const OURS = [
  "Conversation",
  "FilterEnd",
  "Framer",
  "Run",
  "Part",
  "Memory",
  "LiveSession",
  "ReceivedHeader",
];

test("A filter's process keeps nothing of 2,000 messages of all kinds", { timeout: 240_000 }, async () => {
  await using server = new Child(programCommand(new URL("./soaked_filter.ts", import.meta.url)));
  const [, port] = await server.says(/^(\d+)\n/, "out");
  const objects = async (nth: number): Promise<Record<string, number>> => {
    server.tell("objects\n");
    const [, ...counts] = await server.says(new RegExp(`^\\d+\\n${"(.*)\\n".repeat(nth)}`), "out");
    return JSON.parse(counts.at(-1)!);
  };
  const to = { port: Number(port), connections: 8, perSecond: Infinity, onDone: () => {} };
  const pass = async (messages: number) => {
    assertEquals((await send({ ...to, messages })).wrong, []);
    // An engine that finds its roots by looking through the stack, as Bun's does, may see one of the last messages
    // there: a small one then, not one of 200 headers.
    assertEquals((await send({ ...to, messages: 100, kind: () => "small" })).wrong, []);
  };

  await pass(WARM_UP);
  const before = await objects(1);
  await pass(MESSAGES);
  const after = await objects(2);
  assertEquals(grownBetween(before, after, MESSAGES / 20), []);
  assertEquals(OURS.filter((name) => (after[name] ?? 0) > 20).map((name) => `${after[name]} ${name}`), []);
});
