/** The stages of a message, for tests that do something at each. */

import type { Session } from "../../mod.ts";
import type { CommandType } from "../../src/protocol/mod.ts";

/** By stage, how a filter gets to look at it. */
export const ARRIVE: Readonly<Partial<Record<CommandType, (session: Session) => Promise<unknown>>>> = {
  connect: () => Promise.resolve(),
  helo: (session) => session.helo(),
  mail: (session) => session.envelopeFrom(),
  rcpt: (session) => first(session.envelopeRecipients()),
  data: (session) => session.data(),
  header: (session) => first(session.headers),
  endOfHeaders: (session) => session.headers.collect(),
  body: (session) => first(session.body),
  endOfMessage: (session) => session.endOfMessage(),
};

/** All of them, in order. */
export const STAGES: readonly CommandType[] = Object.keys(ARRIVE) as CommandType[];

/** Goes on to a stage. */
export async function arrive(session: Session, stage: CommandType): Promise<void> {
  await ARRIVE[stage]!(session);
}

/** Everything of a loop, as `map` sees it. */
export async function collect<T, U>(items: AsyncIterable<T>, map: (item: T) => U): Promise<U[]> {
  const all: U[] = [];
  for await (const item of items) all.push(map(item));
  return all;
}

/** The first of a loop, which is left then. */
export async function first<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}
