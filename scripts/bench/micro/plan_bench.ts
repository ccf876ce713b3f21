/** Planning the edits of messages of several sizes, every second header edited. */

import { Edits } from "../../../src/session/edits/edits.ts";
import { planEdits } from "../../../src/session/edits/planner.ts";
import { type Header, ReceivedHeader } from "../../../src/session/header.ts";
import { Slice } from "../../../src/wire/slice.ts";
import { encodeText } from "../../../src/wire/text.ts";

const slice = (text: string) => new Slice(encodeText(text));

function letter(size: number): Header[] {
  return Array.from(
    { length: size },
    (_, at) => new ReceivedHeader(slice(`X-Name-${at % 50}`), slice(` value ${at}`)),
  );
}

/** Says what is wished of a letter, and plans it. */
function plan(headers: readonly Header[]): void {
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
  if (steps.length !== headers.length / 2) {
    throw new Error(`${steps.length} steps for ${headers.length} headers`);
  }
}

for (const size of [1_000, 4_000, 16_000]) {
  Deno.bench(`plan: edits of ${size / 2} of ${size} headers`, (bench) => {
    // A header is decoded when it is first looked at: each call gets a new letter.
    const headers = letter(size);
    bench.start();
    plan(headers);
    bench.end();
  });
}
