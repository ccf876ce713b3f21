/**
 * Random conversations with random filters, by the rules and against them, as long as there is patience:
 *
 *     deno run -A scripts/fuzz.ts [--seed n] [--runs n]
 *
 * Ends at the first that breaks a rule, and tells the seed that repeats it. The tests run the same, a bit of it.
 */

import { parseArgs } from "node:util";
import process from "node:process";
import { blunder, converse, type Tally } from "../tests/fuzz/conversations.ts";
import { Random } from "../tests/harness.ts";

const { values } = parseArgs({
  options: { seed: { type: "string" }, runs: { type: "string", default: "10000" } },
});

const first: number = Number(values.seed ?? Date.now() >>> 0);
const runs: number = Number(values.runs);
const tally: Tally = { conversations: 0, commands: 0, replies: 0 };
let unhandled: unknown;
process.on("unhandledRejection", (error) => unhandled ??= error);

console.log(`seed ${first}, ${runs} runs`);
const began: number = performance.now();
for (let run = 0; run < runs; run++) {
  const seed = first + run;
  try {
    await converse(new Random(seed), tally);
    await blunder(new Random(seed), tally);
    if (unhandled !== undefined) throw unhandled;
  } catch (error) {
    console.error(`deno run -A scripts/fuzz.ts --seed ${seed} --runs 1 repeats this:`, error);
    process.exit(1);
  }
  if ((run + 1) % 2000 === 0) report();
}
report();

function report(): void {
  const { conversations, commands, replies } = tally;
  const memory = Math.round(process.memoryUsage().rss / 1024 / 1024);
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(
    `${seconds} s: ${conversations} conversations, ${commands} commands, ${replies} replies, ${memory} MB`,
  );
}
