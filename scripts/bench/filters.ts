/** The filters that benchmarks measure: they ask for every event, each header by itself, and accept. */

import { setTimeout } from "node:timers/promises";
import { accept, defineFilter, type Filter, type Session } from "../../mod.ts";
import type { FilterName } from "./contenders.ts";

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

/** By what they do: see {@linkcode FilterName}. */
export const FILTERS: Readonly<Record<FilterName, Filter>> = {
  default: (session) => run(session),
  answered: defineFilter({
    answers: ["connect", "helo", "mail", "rcpt", "data", "headers", "body", "unknown"],
  }, (session) => run(session)),
  end: defineFilter({ answers: [] }, (session) => run(session)),
  slow: defineFilter({ answers: [] }, (session) => run(session, () => setTimeout(1))),
};

/** What `kilter serve` serves. */
const served: Filter = FILTERS.answered;
export default served;
