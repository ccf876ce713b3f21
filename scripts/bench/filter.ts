/**
 * The filter that benchmarks measure: it asks for every event, each header by itself, answers all of them, and
 * accepts. With `declared` it leaves all answers but the last to negotiation instead.
 *
 *   deno run -A scripts/bench/filter.ts [declared] PORT
 *
 * @module
 */

import process from "node:process";
import { accept, defineFilter, serve, type Session } from "../../mod.ts";

async function run(session: Session) {
  await session.helo();
  await session.envelopeFrom();
  for await (const _recipient of session.envelopeRecipients());
  await session.data();
  for await (const _header of session.headers);
  for await (const _chunk of session.body);
  await session.endOfMessage();
  return accept();
}

const all = defineFilter({
  answers: ["connect", "helo", "mail", "rcpt", "data", "headers", "body", "unknown"],
}, run);
const declared = defineFilter({ answers: [] }, run);

const server = await serve(process.argv.includes("declared") ? declared : all, {
  listen: `127.0.0.1:${process.argv.at(-1)}`,
  onListen: () => console.log("listening"),
});
await server.finished;
