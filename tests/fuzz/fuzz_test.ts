/** Random conversations, as many as a run of the tests can bear; scripts/fuzz.ts has more. */

import { assertEquals, property } from "../harness.ts";
import { unheard } from "../rejections.ts";
import { blunder, converse, type Tally } from "./conversations.ts";

const tally: Tally = { conversations: 0, commands: 0, replies: 0 };

property("Conversation of any filter answers each command once, and accepts nothing that a filter has not", {
  runs: 300,
  timeout: 60_000,
}, async (random) => {
  assertEquals(await unheard(() => converse(random, tally)), []);
});

property("Conversation of any filter survives what real MTAs say, with mistakes", {
  runs: 200,
  timeout: 60_000,
}, async (random) => {
  assertEquals(await unheard(() => blunder(random, tally)), []);
});
