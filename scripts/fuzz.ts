/** Fuzzers, for as long as there is patience: `deno task fuzz`. The tests run a bit of the same. */

import { parseArgs } from "node:util";
import process from "node:process";
import { CAMPAIGNS } from "../tests/fuzz/campaigns.ts";
import { Random } from "../tests/harness.ts";
import { Growth } from "./fuzz/growth.ts";

const NAMES: readonly string[] = Object.keys(CAMPAIGNS);

const HELP = `Tries random input until something fails, and tells the seed that repeats it.

  deno task fuzz [--seed n] [--runs n] [what …]

Without a name all are tried, in turn:

${Object.entries(CAMPAIGNS).map(([name, { about }]) => `  ${name.padEnd(13)}  ${about}`).join("\n")}

  --seed n   the first run's; the next has the next. Default: the time
  --runs n   how often each is tried. Default: 10000

Each run makes mistakes in what tests/transcripts has of real MTAs and filters. What must hold is in tests/fuzz:
judge.ts, conversations.ts, streams.ts, texts.ts, mime.ts. The growth of memory is that of the heap after a
collection, over the second half of the runs so far.

Guided by the coverage of the code, by Jazzer.js: scripts/fuzz/guided.ts --help.`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      seed: { type: "string" },
      runs: { type: "string", default: "10000" },
      help: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const [seed, runs] = [Number(values.seed ?? Date.now() >>> 0), Number(values.runs)];
  const unknown = positionals.find((name) => !NAMES.includes(name));
  if (unknown !== undefined || !Number.isSafeInteger(seed) || !Number.isSafeInteger(runs)) {
    console.error(unknown === undefined ? "A seed and runs are whole numbers." : `There is no "${unknown}".`);
    console.error(`\n${HELP}`);
    return 2;
  }
  // Most errors are as they should be, and their traces cost more than all the rest.
  if (runs > 1) Error.stackTraceLimit = 3;
  let unhandled: unknown;
  process.on("unhandledRejection", (error) => unhandled ??= error);
  for (const [name, campaign] of Object.entries(CAMPAIGNS)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    const began = performance.now();
    const growth = new Growth(runs);
    let tried = 0;
    const report = (run: number) => {
      const seconds = Math.round((performance.now() - began) / 1000);
      console.log(`${name}: ${run} runs, ${tried} ${campaign.unit}, ${seconds} s, ${growth}`);
    };
    console.log(`${name}: seed ${seed}, ${runs} runs`);
    for (let run = 0; run < runs; run++) {
      try {
        tried += await campaign.run(new Random(seed + run));
        if (unhandled !== undefined) throw unhandled;
      } catch (error) {
        console.error(`deno task fuzz --seed ${seed + run} --runs 1 ${name} repeats this:`, error);
        return 1;
      }
      growth.note(run);
      if ((run + 1) % 50_000 === 0) report(run + 1);
    }
    report(runs);
  }
  return 0;
}

process.exitCode = await main();
