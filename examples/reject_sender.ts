/**
 * Refuses a sender: by the envelope, and by what the mail itself says in its From header.
 *
 *   deno run --allow-net examples/reject_sender.ts
 *
 * @module
 */

import { accept, type Filter, reject, serve } from "@kilter/milter";

// This corncob doesn't know when to stop; block him.
const BLOCKED = "black.knight@example.com";

const rejectSender: Filter = async (session) => {
  if ((await session.envelopeFrom()).address === BLOCKED) return reject();
  for await (const header of session.headers.named("From")) {
    if (header.value.includes(BLOCKED)) return reject("550 5.7.1 None shall pass");
  }
  return accept();
};

export default rejectSender;

if (import.meta.main) {
  const server = await serve(rejectSender, { listen: "inet:8891@127.0.0.1" });
  await server.finished;
}
