/**
 * A reporter for `node --test`: a dot for a pass, a comma for a skip, and a failure in full. Node 20's own
 * "dot" keeps failures, and what a test file prints as it dies, to itself.
 */

import { inspect } from "node:util";

/** The sums at the end, which are the caller's to print. */
const SUM = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;

export default async function* dots(events) {
  for await (const { type, data } of events) {
    if (type === "test:pass") yield data.skip === undefined ? "." : ",";
    if (type === "test:fail") {
      const { name, details: { error } } = data;
      yield `!\n\n${name}\n${inspect(error?.cause ?? error)}\n\n`;
    }
    if (type === "test:stdout" || type === "test:stderr") yield data.message;
    if (type === "test:diagnostic" && !SUM.test(data.message)) yield `\n${data.message}\n`;
  }
  yield "\n";
}
