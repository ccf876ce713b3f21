/**
 * Milters in TypeScript: mail filters that Postfix, Sendmail and other MTAs call while a mail comes in.
 *
 * A filter is one async function. It asks for what it wants to see and returns a verdict:
 *
 * ```ts
 * import { accept, reject, serve } from "@kilter/milter";
 *
 * await using server = await serve(async (session) => {
 *   const sender = await session.envelopeFrom();
 *   return sender.address === "black.knight@example.com" ? reject("550 5.7.1 None shall pass") : accept();
 * }, { listen: "inet:0@127.0.0.1" });
 * ```
 *
 * | Import | Holds |
 * |---|---|
 * | `@kilter/milter` | filters, and serving them |
 * | `@kilter/milter/testing` | a mail server in memory, for tests |
 * | `@kilter/milter/mime` | what is in a mail, read and written |
 * | `@kilter/milter/client` | the mail server's side: calls filters of any make |
 * | `@kilter/milter/cli` | the command `kilter` |
 * | `@kilter/milter/protocol` | the protocol, without I/O |
 * | `@kilter/milter/deno`, `/bun`, `/node` | a runtime's sockets, named outright |
 *
 * @module
 */

export { type ErrorCode, type ErrorSide, MilterError, type MilterErrorOptions } from "./src/errors.ts";
export {
  type Address,
  formatAddress,
  type InheritedSocket,
  parseAddress,
  type TcpAddress,
  type UnixAddress,
} from "./src/adapters/address.ts";
export type { StreamPair } from "./src/adapters/stream.ts";
export type { MacroStage } from "./src/protocol/macro_defaults.ts";
export type { MacroName, Macros } from "./src/protocol/macros.ts";
export type { ReplyInput, SmtpReply } from "./src/protocol/reply_text.ts";
export { serve, serveStream } from "./src/server/serve.ts";
export type { ServeOptions, Server, ShutdownOptions } from "./src/server/server.ts";
export type { Connection } from "./src/session/connection.ts";
export type { ConversationOptions } from "./src/session/conversation.ts";
export type { HeaderPlace } from "./src/session/edits/header_order.ts";
export type { Plan, PlanStep } from "./src/session/edits/plan.ts";
export type { EnvelopeAddress, Recipient, Sender } from "./src/session/envelope.ts";
export { compose, shadow, type ShadowOptions } from "./src/session/compose.ts";
export type { Declaration, EditKind, Sight } from "./src/session/declaration.ts";
export { defineFilter, type Filter } from "./src/session/filter.ts";
export type {
  AlwaysThere,
  EditMembers,
  PartOf,
  ReadingMembers,
  SessionOf,
  SessionWith,
  SightMembers,
} from "./src/session/session_of.ts";
export type { Tls } from "./src/session/tls.ts";
export type { Header } from "./src/session/header.ts";
export type { Log, LogEntry } from "./src/session/log.ts";
export type { ShadowReport } from "./src/session/member.ts";
export type { Mta, MtaProfile } from "./src/session/mta.ts";
export type {
  AcceptFailure,
  DeniedConnection,
  FilterFailure,
  LimitHit,
  LoopBlock,
  ObservedConnection,
  ObservedEvent,
  ObservedMessage,
  ObservedRecipient,
  Observer,
} from "./src/session/observer.ts";
export type { ReportOptions } from "./src/session/reporter.ts";
export type { LimitName, Limits } from "./src/session/limits.ts";
export type { OneOrMore } from "./src/session/observers.ts";
export type { ErrorPolicy } from "./src/session/policy.ts";
export type { RunnerOptions } from "./src/session/runner.ts";
export type { Timeouts } from "./src/session/timeouts.ts";
export type {
  Body,
  EnvelopeEditOptions,
  Extension,
  Greeting,
  Headers,
  Session,
} from "./src/session/session.ts";
export {
  accept,
  discard,
  quarantine,
  type Refusal,
  reject,
  tempfail,
  type Verdict,
} from "./src/session/verdict.ts";
