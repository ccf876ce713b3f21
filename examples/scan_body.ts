/**
 * Looks for a forbidden text in the body, and leaves the body as soon as it has found it or has seen enough: the
 * MTA then does not even send the rest.
 *
 *   deno run --allow-net examples/scan_body.ts
 *
 * @module
 */

import { accept, defineFilter, type Filter, quarantine, serve } from "@kilter/milter";

const FORBIDDEN = new TextEncoder().encode("shrubbery");

/** No more than this much of a body is looked at, in bytes. */
const ENOUGH = 1024 * 1024;

const scanBody: Filter = defineFilter(
  { name: "scan-body", sees: ["body"], edits: ["quarantine"] },
  async (session) => {
    let seen = 0;
    // The MTA cuts the body anywhere: the end of one chunk may hold the start of what is looked for.
    let tail: Uint8Array = new Uint8Array(0);
    for await (const chunk of session.body) {
      const text = new Uint8Array(tail.length + chunk.length);
      text.set(tail);
      text.set(chunk, tail.length);
      if (includes(text, FORBIDDEN)) return quarantine("The body asks for a shrubbery");
      tail = text.subarray(Math.max(0, text.length - FORBIDDEN.length + 1));
      seen += chunk.length;
      if (seen >= ENOUGH) break;
    }
    return accept();
  },
);

export default scanBody;

function includes(text: Uint8Array, part: Uint8Array): boolean {
  for (let at = text.indexOf(part[0]!); at !== -1; at = text.indexOf(part[0]!, at + 1)) {
    if (part.every((byte, index) => text[at + index] === byte)) return true;
  }
  return false;
}

if (import.meta.main) {
  const server = await serve(scanBody, { listen: "inet:8891@127.0.0.1" });
  await server.finished;
}
