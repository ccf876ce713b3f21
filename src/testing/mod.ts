/**
 * An MTA in memory, for the tests of a filter: it speaks the milter protocol as Postfix or Sendmail does, follows
 * their rules for events, answers and edits, and tells what became of the message. No socket, no installed MTA; any
 * test runner on Deno, Bun and Node.
 *
 * {@linkcode deliver} delivers one message; {@linkcode testMta} holds a session for several.
 *
 * @module
 */

export { deliver, type DeliveryResult, type TestMta, testMta } from "./test_mta.ts";
export type { DeliverOptions, TestEnvelope, TestMtaOptions } from "./options.ts";
export type { LastCommand, Negotiation, SendOptions, SessionOptions, SmtpClient } from "../client/options.ts";
export type { MessageSource } from "../client/mail_source.ts";
export type {
  DeliveredHeader,
  DeliveredMessage,
  DeliveryOutcome,
  MessageResult,
  RecipientResult,
  SendResult,
  SmtpAnswer,
} from "../client/result.ts";
export type { MilterReport } from "../client/row.ts";
export type { Outcome } from "../mta/edited_message.ts";
export type { MtaName } from "../mta/mta_name.ts";
export type { DefaultAction } from "../mta/smtp_replies.ts";
