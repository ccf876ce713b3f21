/**
 * An MTA in memory, for the tests of a filter: it speaks the milter protocol as Postfix or Sendmail does, follows
 * their rules for events, answers and edits, and tells what became of the message. No socket, no installed MTA; any
 * test runner on Deno, Bun and Node.
 *
 * {@linkcode deliver} delivers one message; {@linkcode testMta} holds a session for several.
 *
 * @module
 */

export { deliver, type TestMta, testMta } from "./test_mta.ts";
export type {
  DeliverOptions,
  LastCommand,
  TestClient,
  TestEnvelope,
  TestMtaOptions,
  TestOffer,
} from "./options.ts";
export type {
  DeliveredHeader,
  DeliveredMessage,
  DeliveryOutcome,
  DeliveryResult,
  RecipientResult,
  SmtpAnswer,
} from "./result.ts";
export type { Outcome } from "../mta/edited_message.ts";
export type { MtaName } from "../mta/mta_name.ts";
export type { DefaultAction } from "../mta/smtp_replies.ts";
