import type { Outcome } from "../mta/edited_message.ts";
import { foldsOf, type Mail, sameName } from "../mta/mail.ts";
import type { MtaName } from "../mta/mta_name.ts";
import { sentBytes } from "../mta/sent_mail.ts";
import type { Reply } from "../protocol/replies.ts";
import { decodeText, encodeText } from "../wire/text.ts";
import type { MilterReport } from "./row.ts";

/** What an SMTP client is told. */
export interface SmtpAnswer {
  /** Three digits. */
  readonly code: number;
  /** The enhanced status code: `"5.7.1"`. */
  readonly enhanced: string | undefined;
  /** The text without codes, a `\n` between lines. */
  readonly text: string;
  /** The whole answer as it is sent, a `\n` between lines: `"550 5.7.1 Command rejected"`. */
  readonly full: string;
}

/** What became of a recipient. */
export interface RecipientResult {
  /** The address that the client named, without `<>`. */
  readonly address: string;
  /** Refused by itself, or what became of the message. */
  readonly outcome: DeliveryOutcome;
  /** What the client was told of this recipient: the refusal, or the answer to the message. */
  readonly reply: SmtpAnswer;
}

/** What becomes of a message; `"aborted"` if the client has vanished before. */
export type DeliveryOutcome = Outcome | "aborted";

/** A header of a message that was delivered. */
export interface DeliveredHeader {
  /** The name as it was written. */
  readonly name: string;
  /** The value without the space after the colon; folds are `\n`. */
  readonly value: string;
}

/**
 * A message as it was delivered, or is held. One thing that MTAs do is left out: Sendmail writes the addresses in
 * headers anew, Postfix completes those without a domain.
 */
export interface DeliveredMessage {
  /** The bytes, CRLF at the end of each line, as the MTA sends them on. */
  readonly bytes: Uint8Array;
  /** The same as text, a `\n` at the end of each line. */
  readonly text: string;
  /** All headers in order, the MTA's own included. */
  readonly headers: readonly DeliveredHeader[];
  /** The body as text, a `\n` at the end of each line. */
  readonly body: string;
  /** The value of the first header of that name; its case does not matter. */
  get(name: string): string | undefined;
  /** The values of all headers of that name, in order. */
  getAll(name: string): readonly string[];
}

/** What became of the text of a message. */
export interface MessageResult {
  /** `"accepted"` also for a message that has lost its recipients by edits. */
  readonly outcome: DeliveryOutcome;
  /** What the client is told at last. */
  readonly reply: SmtpAnswer;
  /** The message as delivered, or as it is held; `undefined` if it is neither. */
  readonly message: DeliveredMessage | undefined;
  /** As `message`, but as it would have been delivered without the edits. */
  unedited(): DeliveredMessage | undefined;
  /** Who it is from when it is delivered: the client's sender, or a milter's. */
  readonly sender: string;
  /** Who it is delivered to after all edits, or will be when it is released; empty if to nobody. */
  readonly deliveredTo: readonly string[];
  /** Why the message is held; `undefined` if it is not. */
  readonly quarantine: string | undefined;
  /** The edits as the milters sent them, in order. */
  readonly edits: readonly Reply[];
  /** What each milter said, in order: its edits, and why it was done without. */
  readonly milters: readonly MilterReport[];
  /** The milter that refused the message, or discarded it; `undefined` if none did. */
  readonly decidedBy: string | undefined;
}

/** What became of a message. */
export interface SendResult extends MessageResult {
  /** The recipients that the client named, each with what became of it. */
  readonly recipients: readonly RecipientResult[];
  /**
   * All that was said, for a person to read: between client and MTA (`C:`, `S:`), and between MTA and milter (`>`,
   * `<`, with its number where there are several); what went wrong stands at its place (`!`).
   */
  readonly conversation: string;
}

/** An answer from its lines, CRLF between them. */
export function answerOf(full: string): SmtpAnswer {
  const lines = full.split("\r\n");
  const [, code = "", enhanced] = /^(\d{3})[ -](\d\.\d{1,3}\.\d{1,3})?/.exec(lines[0]!) ?? [];
  const codes = code.length + 1 + (enhanced === undefined ? 0 : enhanced.length + 1);
  return {
    code: Number(code),
    enhanced,
    text: lines.map((line) => line.slice(codes)).join("\n"),
    full: lines.join("\n"),
  };
}

/** What a refusal makes of whom it refuses. */
export function outcomeOf({ code }: SmtpAnswer): "rejected" | "tempfailed" {
  return code < 500 ? "tempfailed" : "rejected";
}

/** A mail as it was delivered. Its text is made when it is looked at. */
export function deliveredMessage(mail: Mail, mta: MtaName): DeliveredMessage {
  const bytes = sentBytes(mail, mta);
  const headers = mail.headers.map(({ name, value }) => ({
    name: decodeText(name),
    value: foldsOf(value).map(decodeText).join("\n").replace(/^ /, ""),
  }));
  const getAll = (name: string) => {
    const wanted = encodeText(name);
    return headers.filter((_, at) => sameName(mail.headers[at]!.name, wanted)).map(({ value }) => value);
  };
  return {
    bytes,
    get text() {
      return decodeText(bytes).replaceAll("\r\n", "\n");
    },
    headers,
    get body() {
      return decodeText(mail.body).replaceAll("\r\n", "\n");
    },
    get: (name) => getAll(name)[0],
    getAll,
  };
}
