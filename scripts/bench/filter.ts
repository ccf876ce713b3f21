/**
 * The filter that benchmarks measure: it asks for every event, each header by itself, and accepts. It listens where
 * it is told, or on a free port, and prints the port or the path.
 *
 *   deno run -A scripts/bench/filter.ts [answered | declared | default | slow] [address]
 *
 * @module
 */

import { argv } from "node:process";
import { setTimeout } from "node:timers/promises";
import { accept, defineFilter, type Filter, serve, type Session } from "../../mod.ts";

async function run(session: Session, lookAt?: (chunk: Uint8Array) => Promise<void>) {
  await session.helo();
  await session.envelopeFrom();
  for await (const _recipient of session.envelopeRecipients());
  await session.data();
  for await (const _header of session.headers);
  for await (const chunk of session.body) if (lookAt !== undefined) await lookAt(chunk);
  await session.endOfMessage();
  return accept();
}

const FILTERS: Record<string, Filter> = {
  /** Negotiates nothing by itself: a function is a filter. */
  default: (session) => run(session),
  /** Answers every event by itself. */
  answered: defineFilter({
    answers: ["connect", "helo", "mail", "rcpt", "data", "headers", "body", "unknown"],
  }, (session) => run(session)),
  /** Leaves all answers but the last to negotiation. */
  declared: defineFilter({ answers: [] }, (session) => run(session)),
  /** The same, and takes its time for each chunk of the body, which the MTA does not wait for. */
  slow: defineFilter({ answers: [] }, (session) => run(session, () => setTimeout(1))),
};

const [, , name = "answered", listen = "127.0.0.1:0"] = argv;
const server = await serve(FILTERS[name]!, {
  listen,
  onListen: (address) => console.log("port" in address ? address.port : address.path),
});
await server.finished;
