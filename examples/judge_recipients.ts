/**
 * Judges recipients one by one: some are unknown, some have too many already, and the mail goes on to the rest.
 *
 *   deno run --allow-net examples/judge_recipients.ts
 *
 * @module
 */

import { accept, defineFilter, type Filter, serve } from "@kilter/milter";

const GONE = new Set(["lancelot@example.com", "galahad@example.com"]);

/** More recipients than this are asked to come again in a mail of their own. */
const MOST = 50;

const judgeRecipients: Filter = defineFilter(
  { name: "judge-recipients", sees: ["mail", "rcpt"] },
  async (session) => {
    let taken = 0;
    for await (const recipient of session.envelopeRecipients()) {
      if (GONE.has(recipient.address.toLowerCase())) recipient.reject("550 5.1.6 He has left for the Grail");
      else if (taken >= MOST) {
        recipient.tempfail("452 4.5.3 Too many recipients, send the mail again for these");
      } else taken++;
    }
    return accept();
  },
);

export default judgeRecipients;

if (import.meta.main) {
  const server = await serve(judgeRecipients, { listen: "inet:8891@127.0.0.1" });
  await server.finished;
}
