import type { CommandType } from "../protocol/commands.ts";
import type { Reply } from "../protocol/replies.ts";
import { buildReply, formatReply, type ReplyInput, type SmtpReply } from "../protocol/reply_text.ts";
import { hasControl } from "../wire/text.ts";

/** What becomes of a message: the value that a filter returns. Made by the functions beside it. */
export type Verdict =
  | { readonly type: "accept" }
  | { readonly type: "reject"; readonly reply?: SmtpReply | undefined }
  | { readonly type: "tempfail"; readonly reply?: SmtpReply | undefined }
  | { readonly type: "discard" }
  | { readonly type: "quarantine"; readonly reason: string };

/** The two verdicts that refuse: also for a single recipient. */
export type Refusal = Extract<Verdict, { readonly type: "reject" | "tempfail" }>;

const ACCEPT: Verdict = Object.freeze({ type: "accept" });
const DISCARD: Verdict = Object.freeze({ type: "discard" });

/** Deliver the message, with the edits that were made. */
export function accept(): Verdict {
  return ACCEPT;
}

/**
 * Refuse for good. The SMTP client sees the reply, or the MTA's own words if there is none.
 *
 * What is not ASCII is sent as `?` to a client that has not asked for SMTPUTF8 (RFC 6531).
 *
 * @throws {TypeError | RangeError} if the reply cannot be sent: see {@linkcode buildReply}.
 *
 * @example
 * ```ts
 * import { reject } from "@kilter/milter";
 *
 * reject();
 * reject("None shall pass"); // 550 5.7.1 None shall pass
 * reject("554 5.6.0 We do not take\nsuch attachments here");
 * reject({ code: 552, enhanced: "5.2.2", text: "Mailbox 100% full" }); // "%" needs no care
 * ```
 */
export function reject(reply?: ReplyInput): Refusal {
  return Object.freeze({ type: "reject", reply: reply === undefined ? undefined : buildReply(reply, 5) });
}

/**
 * Refuse for now: the client tries again later.
 *
 * @throws {TypeError | RangeError} if the reply cannot be sent: see {@linkcode buildReply}.
 */
export function tempfail(reply?: ReplyInput): Refusal {
  return Object.freeze({ type: "tempfail", reply: reply === undefined ? undefined : buildReply(reply, 4) });
}

/** Tell the client that the message was taken, and deliver it to nobody. */
export function discard(): Verdict {
  return DISCARD;
}

/**
 * Take the message, but hold it for a person to look at: Postfix's hold queue, Sendmail's quarantine.
 *
 * @throws {TypeError} if the reason is empty or more than one line.
 */
export function quarantine(reason: string): Verdict {
  return Object.freeze({ type: "quarantine", reason: checkReason(reason) });
}

/** A reason for a quarantine goes into a line of the MTA's log and queue file. */
export function checkReason(reason: string): string {
  if (typeof reason !== "string" || reason.trim() === "") {
    throw new TypeError("Cannot quarantine: the reason is empty");
  }
  if (hasControl(reason)) {
    throw new TypeError("Cannot quarantine: the reason holds a control character");
  }
  return reason;
}

const IN_MESSAGE = ["mail", "rcpt", "data", "header", "endOfHeaders", "body", "endOfMessage"] as const;
const IN_CONNECTION = ["connect", "helo", ...IN_MESSAGE] as const;

/**
 * The commands that a verdict may answer; at others it is held.
 *
 * An accept or discard would be for the whole connection at CONNECT and HELO, or be ignored: both wait for
 * MAIL, so that the next message of the connection is judged too. No verdict answers an unknown command.
 */
const ANSWERS: Readonly<Record<Verdict["type"], readonly CommandType[]>> = {
  accept: IN_MESSAGE,
  reject: IN_CONNECTION,
  tempfail: IN_CONNECTION,
  discard: IN_MESSAGE,
  quarantine: ["endOfMessage"],
};

/** Whether a verdict may be the answer to this command. */
export function mayAnswer(verdict: Verdict, command: CommandType): boolean {
  return ANSWERS[verdict.type].includes(command);
}

/** Whether the edits of a message are made if this is its verdict. */
export function carriesEdits(verdict: Verdict): boolean {
  return verdict.type === "accept" || verdict.type === "quarantine";
}

/** The reply that carries a verdict; a quarantine is an edit, and an accept. */
export function replyOf(verdict: Verdict, client: { readonly utf8: boolean }): Reply {
  switch (verdict.type) {
    case "reject":
    case "tempfail":
      if (verdict.reply === undefined) return { type: verdict.type };
      return { type: "replyCode", text: formatReply(verdict.reply, client) };
    case "discard":
      return { type: "discard" };
    default:
      return { type: "accept" };
  }
}

/** Whether a filter, which may be JavaScript, returned a verdict. */
export function isVerdict(value: unknown): value is Verdict {
  if (typeof value !== "object" || value === null || !("type" in value)) return false;
  return typeof value.type === "string" && Object.hasOwn(ANSWERS, value.type) &&
    (value.type !== "quarantine" || ("reason" in value && typeof value.reason === "string"));
}
