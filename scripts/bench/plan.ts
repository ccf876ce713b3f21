/**
 * Plans edits of messages of several sizes, every second header edited, and prints the times in milliseconds as JSON.
 *
 *   deno run -A scripts/bench/plan.ts 1000 4000
 *
 * @module
 */

import { argv } from "node:process";
import { Edits } from "../../src/session/edits/edits.ts";
import { planEdits } from "../../src/session/edits/planner.ts";
import { type Header, ReceivedHeader } from "../../src/session/header.ts";

const encoder = new TextEncoder();

function letter(size: number): Header[] {
  return Array.from(
    { length: size },
    (_, at) => new ReceivedHeader(encoder.encode(`X-Name-${at % 50}`), encoder.encode(` value ${at}`)),
  );
}

/** Says what is wished of a letter, and plans it: milliseconds for both. */
function plan(headers: readonly Header[]): number {
  const started = performance.now();
  const edits = new Edits({ headers, utf8: false });
  for (let at = 0; at < headers.length; at += 2) {
    const header = headers[at]!;
    if (at % 8 === 0) edits.updateHeader(header, `changed ${at}`);
    else if (at % 8 === 2) edits.deleteHeader(header);
    else if (at % 8 === 4) edits.addHeader("X-New", `new ${at}`, { after: header });
    else edits.addHeader("X-New", `new ${at}`, "end");
  }
  const { steps } = planEdits(edits, {
    agreement: { type: "negotiate", version: 6, actions: 0x1ff, protocol: 0, macros: [] },
    profile: "postfix",
    recipients: [],
  });
  const time = performance.now() - started;
  if (steps.length !== headers.length / 2) {
    throw new Error(`${steps.length} steps for ${headers.length} headers`);
  }
  return time;
}

const times = argv.slice(2).map(Number).map((size) => {
  const rounds = Array.from({ length: 15 }, () => plan(letter(size))).sort((a, b) => a - b);
  return { size, first: rounds.at(-1), median: rounds[7] };
});
console.log(JSON.stringify(times));
