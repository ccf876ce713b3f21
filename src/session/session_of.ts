import type { Declaration, EditKind, Sight } from "./declaration.ts";
import type { Body, Headers, Session } from "./session.ts";

/** What every filter has, whatever it declares. */
type Always =
  | ("macros" | "mta" | "signal" | "queueId" | "authenticatedUser" | "tls")
  | ("endOfMessage" | "plan" | "progress");

/** What a filter has of the session for each thing that it sees. */
interface Seen {
  readonly connect: "connection";
  readonly helo: "helo";
  readonly mail: "envelopeFrom" | "extension";
  readonly rcpt: "envelopeRecipients" | "extension";
  readonly data: "data";
  readonly headers: "headers";
  readonly body: "body";
  readonly unknown: "extension";
}

/** What it has for each thing that it edits. */
interface Edited {
  readonly headers: "headers";
  readonly body: "body";
  readonly sender: "changeSender";
  readonly recipients: "addRecipient" | "removeRecipient";
  readonly quarantine: "quarantine";
}

/** What of the headers, or the body, is for reading; the rest is for editing. */
type Reading = typeof Symbol.asyncIterator | "collect" | "get" | "getAll" | "named" | "stream";

/** The part of `T` for a filter that sees it, edits it, or both. */
type PartOf<T, Name extends string, S, E> = Pick<
  T,
  | (Name extends S ? Extract<keyof T, Reading> : never)
  | (Name extends E ? Exclude<keyof T, Reading> : never)
>;

type SeesOf<D extends Declaration> = D["sees"] extends readonly (infer S extends Sight)[] ? S : Sight;
type EditsOf<D extends Declaration> = D["edits"] extends readonly (infer E extends EditKind)[] ? E : EditKind;

type SessionWith<S extends Sight, E extends EditKind> =
  & Pick<Session, Exclude<Always | Seen[S] | Edited[E], "headers" | "body">>
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
export type SessionOf<D extends Declaration> = SessionWith<SeesOf<D>, EditsOf<D>>;
