import type { Declaration, EditKind, Sight } from "./declaration.ts";
import type { Body, Headers, Session } from "./session.ts";

/** What every filter has of the session, whatever it declares. */
export type AlwaysThere =
  | ("macros" | "mta" | "signal" | "queueId" | "authenticatedUser" | "tls")
  | ("endOfMessage" | "plan" | "progress" | "remaining");

/** What a filter has of the session for each thing that it sees. */
export interface SightMembers {
  /** The client. */
  readonly connect: "connection";
  /** Its greeting. */
  readonly helo: "helo";
  /** The sender, also as MAIL was written. */
  readonly mail: "envelopeFrom" | "extension";
  /** The recipients, also as RCPT was written. */
  readonly rcpt: "envelopeRecipients" | "extension";
  /** DATA. */
  readonly data: "data";
  /** The headers, for reading. */
  readonly headers: "headers";
  /** The body, for reading. */
  readonly body: "body";
  /** Commands that the MTA does not know. */
  readonly unknown: "extension";
}

/** What a filter has of the session for each thing that it edits. */
export interface EditMembers {
  /** The headers, for editing. */
  readonly headers: "headers";
  /** The body, for editing. */
  readonly body: "body";
  /** The sender of the envelope. */
  readonly sender: "changeSender";
  /** The recipients of the envelope. */
  readonly recipients: "addRecipient" | "removeRecipient";
  /** Whether the message is held. */
  readonly quarantine: "quarantine";
}

/** What of the headers, or the body, is for reading; the rest is for editing. */
export type ReadingMembers = typeof Symbol.asyncIterator | "collect" | "get" | "getAll" | "named" | "stream";

/** The part of `T`, the headers or the body, for a filter that sees it, edits it, or both. */
export type PartOf<T, Name extends string, S, E> = Pick<
  T,
  | (Name extends S ? Extract<keyof T, ReadingMembers> : never)
  | (Name extends E ? Exclude<keyof T, ReadingMembers> : never)
>;

/** The session of a filter that sees and edits these. */
export type SessionWith<S extends Sight, E extends EditKind> =
  & Pick<Session, Exclude<AlwaysThere | SightMembers[S] | EditMembers[E], "headers" | "body">>
  & ("headers" extends S | E ? { readonly headers: PartOf<Headers, "headers", S, E> } : unknown)
  & ("body" extends S | E ? { readonly body: PartOf<Body, "body", S, E> } : unknown)
  & ("headers" extends S ? "body" extends S ? Pick<Session, "message"> : unknown : unknown);

/**
 * The session of a filter with this declaration: what it does not see or edit is not there.
 *
 * @example
 * ```ts
 * import { accept, defineFilter, type SessionOf } from "@kilter/milter";
 *
 * const declaration = { sees: ["headers"], edits: ["headers"] } as const;
 *
 * async function strip(session: SessionOf<typeof declaration>, name: string) {
 *   for (const header of await session.headers.getAll(name)) session.headers.delete(header);
 * }
 *
 * export default defineFilter(declaration, async (session) => {
 *   await strip(session, "X-Spam");
 *   // `session.body` would not compile here.
 *   return accept();
 * });
 * ```
 */
export type SessionOf<D extends Declaration> = SessionWith<
  D["sees"] extends readonly (infer S extends Sight)[] ? S : Sight,
  D["edits"] extends readonly (infer E extends EditKind)[] ? E : EditKind
>;
