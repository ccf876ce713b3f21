/**
 * The MTA's side: calling milters of any make, OpenDKIM, Rspamd, ClamAV or one's own, from a program that has a mail.
 *
 * {@linkcode send} shows one message to milters; {@linkcode callMilters} holds the session of an SMTP client;
 * {@linkcode MilterPool} keeps such sessions for many messages; {@linkcode connect} speaks with one milter, command by
 * command.
 *
 * ```ts
 * import { send } from "@kilter/milter/client";
 *
 * const sendSigned = async (eml: Uint8Array) => {
 *   const { outcome, reply, message } = await send("inet:8891@127.0.0.1", eml, {
 *     from: "arthur@example.com",
 *     to: "zoot@example.org",
 *   });
 *   if (outcome !== "accepted") throw new Error(reply.full);
 *   return message?.bytes;
 * };
 * ```
 *
 * @module
 */

export { callMilters, connect, send } from "./connect.ts";
export type { ClientTimeouts } from "./link.ts";
export type { MessageSource } from "./mail_source.ts";
export type { Answer, EndAnswer, MilterSession } from "./milter_session.ts";
export type { MtaSession } from "./mta_session.ts";
export type {
  CallOptions,
  LastCommand,
  Negotiation,
  SendOptions,
  SessionOptions,
  SmtpClient,
  SmtpEnvelope,
} from "./options.ts";
export { MilterPool, type PoolOptions } from "./pool.ts";
export type {
  DeliveredHeader,
  DeliveredMessage,
  DeliveryOutcome,
  MessageResult,
  RecipientResult,
  SendResult,
  SmtpAnswer,
} from "./result.ts";
export type { MilterReport } from "./row.ts";
export type { Outcome } from "../mta/edited_message.ts";
export type { MtaName } from "../mta/mta_name.ts";
export type { DefaultAction } from "../mta/smtp_replies.ts";
