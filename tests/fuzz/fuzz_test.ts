/** Random input, as much as a run of the tests can bear; scripts/fuzz.ts has more, and a fuzzer that is guided. */

import { assertEquals, property, type Random } from "../harness.ts";
import { unheard } from "../rejections.ts";
import { type CampaignName, CAMPAIGNS } from "./campaigns.ts";

/** What holds, how often it is tried, and how much of it is one case. */
const CASES: readonly (readonly [name: CampaignName, holds: string, runs: number, each: number])[] = [
  [
    "conversations",
    "A conversation of any filter has one answer to each command, and nothing accepted that a filter has not",
    12,
    25,
  ],
  ["session", "A conversation of any filter survives what real MTAs say, with mistakes", 12, 25],
  ["commands", "FilterEnd reads what MTAs say with mistakes alike at any split, and nothing is lost", 500, 1],
  ["replies", "MtaEnd reads what filters say with mistakes alike at any split, and nothing is lost", 1000, 1],
  ["texts", "Replies, macros, addresses and values of headers can be any text", 200, 1],
  ["mime", "Encoded words, address lists and parameters can be any text", 150, 1],
  ["messages", "parseMessage takes any message in any pieces", 50, 1],
];

for (const [name, holds, runs, each] of CASES) {
  const { run } = CAMPAIGNS[name];
  property(holds, { runs, timeout: 60_000 }, async (random: Random) => {
    const some = async () => {
      for (let count = each; count > 0; count--) await run(random);
    };
    // What goes on beside a case must fail unheard nowhere.
    if (each === 1) await some();
    else assertEquals(await unheard(some), []);
  });
}
