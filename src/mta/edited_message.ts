import { ACTION, PROTOCOL } from "../protocol/flags.ts";
import type { Agreement, Reply } from "../protocol/replies.ts";
import { decodeText } from "../wire/text.ts";
import { Envelope, type Party } from "./envelope.ts";
import type { HeaderList, OwnValues } from "./header_list.ts";
import { concat } from "../wire/concat.ts";
import { withCrlf } from "./lines.ts";
import type { Mail, MailField } from "./mail.ts";
import type { MtaName } from "./mta_name.ts";
import { PostfixHeaders } from "./postfix_headers.ts";
import { SendmailHeaders } from "./sendmail_headers.ts";
import { refusalText, SMTP_TEXTS, type SmtpContext } from "./smtp_replies.ts";

/** What becomes of a message. */
export type Outcome = "accepted" | "rejected" | "tempfailed" | "discarded" | "quarantined";

/** How the end of a message is decided. */
export interface Decision {
  readonly outcome: Outcome;
  /** What the SMTP client sees, lines of one reply with CRLF between. */
  readonly reply: string;
}

/** What of the agreement with a filter edits depend on. */
export type EditingAgreement = Pick<Agreement, "actions" | "protocol">;

/** What an edited message depends on. */
export interface EditedMessageOptions {
  readonly mta: MtaName;
  /** What was agreed with the filter, the first one if there are several. */
  readonly agreement: EditingAgreement;
  readonly sender: Party;
  readonly recipients: readonly Party[];
  /** The id that the client is told. `"4ZX0000000"` by default. */
  readonly queueId?: string;
  /** The values of the headers that the MTA makes itself. */
  readonly own?: OwnValues;
  /** Whether the client is on the MTA's own machine: only for those Postfix makes headers; `true` by default. */
  readonly local?: boolean;
}

/**
 * A message at its end, while a filter edits it and an MTA keeps the book by its own rules. Neither MTA checks
 * much: what it takes without a word is taken here too.
 */
export class EditedMessage {
  readonly headers: HeaderList;
  readonly envelope: Envelope;
  readonly #options: EditedMessageOptions;
  #agreement: EditingAgreement;
  #received: Mail;
  #body: Uint8Array[] | undefined;
  /** Whether a piece of a new body came last, or something after it. */
  #bodyState: "none" | "open" | "closed" = "none";
  /** Whether the filter that edits has replaced the body. */
  #replaced = false;
  #quarantine: string | undefined;
  #broken = false;

  constructor(mail: Mail, options: EditedMessageOptions) {
    const { mta, agreement, sender, recipients, own = {}, local = true } = options;
    this.#options = options;
    this.#agreement = agreement;
    this.#received = mail;
    const list = { leadingSpace: keepsSpace(agreement), own, local };
    const fields = receivedFields(mail, mta);
    this.headers = mta === "postfix" ? new PostfixHeaders(fields, list) : new SendmailHeaders(fields, list);
    this.envelope = new Envelope(mta, sender, recipients);
  }

  /** Why the message is to be held; `undefined` if it is not. */
  get quarantine(): string | undefined {
    return this.#quarantine;
  }

  /** The message as it is now, with all edits so far. */
  get mail(): Mail {
    const body = this.#body === undefined ? this.#received.body : withCrlf(concat(this.#body));
    return { mailboxLine: undefined, headers: this.headers.delivered(), body };
  }

  /** The body has come, of a message of which the headers came before it. */
  receiveBody(body: Uint8Array): void {
    this.#received = { ...this.#received, body };
  }

  /** From here on another filter edits, with which this was agreed. */
  editedBy(agreement: EditingAgreement): void {
    this.#agreement = agreement;
    this.headers.editedBy(keepsSpace(agreement));
    this.#bodyState = "none";
    this.#replaced = false;
  }

  /** The message as it would be delivered without any edit. */
  get unedited(): Mail {
    return new EditedMessage(this.#received, this.#options).mail;
  }

  /** Takes an edit, or the verdict: then tells what is decided. */
  take(reply: Reply): Decision | undefined {
    if (reply.type !== "replaceBody" && this.#bodyState === "open") this.#bodyState = "closed";
    switch (reply.type) {
      case "progress":
        return undefined;
      case "addHeader":
        return void this.headers.add(reply.name, reply.value);
      case "insertHeader":
        return void this.headers.insert(reply.index, reply.name, reply.value);
      case "changeHeader":
        return void this.headers.change(reply.index, reply.name, reply.value);
      case "replaceBody":
        return void this.#replaceBody(reply.chunk);
      case "changeSender":
        return void this.envelope.changeSender(decodeText(reply.address), textOf(reply.arguments));
      case "addRecipient":
        return void this.envelope.addRecipient(decodeText(reply.address));
      case "addRecipientWithArguments":
        return void this.envelope.addRecipient(decodeText(reply.address), textOf(reply.arguments));
      case "removeRecipient":
        return void this.envelope.removeRecipient(decodeText(reply.address));
      case "quarantine":
        this.#quarantine = decodeText(reply.reason);
        return undefined;
      default:
        return this.#decide(reply);
    }
  }

  #replaceBody(chunk: Uint8Array): void {
    const { mta } = this.#options;
    // Postfix wants all pieces together; Sendmail checks for this edit alone that it was agreed on.
    this.#broken ||= mta === "postfix"
      ? this.#bodyState === "closed"
      : (this.#agreement.actions & ACTION.CHANGE_BODY) === 0;
    this.#bodyState = "open";
    // The first piece of each filter takes the place of the body, whoever has made that.
    if (!this.#replaced) this.#body = [];
    this.#replaced = true;
    this.#body!.push(chunk);
  }

  #decide(reply: Reply): Decision {
    const { mta, queueId = "4ZX0000000" } = this.#options;
    // Sendmail names a sender whom a filter has changed.
    const path = this.envelope.senderChanged ? `<${this.envelope.sender.address}>` : "";
    const context: SmtpContext = { hostname: "", path, helo: "", line: "", date: "", queueId };
    const texts = SMTP_TEXTS[mta];
    if (this.#broken) return { outcome: "tempfailed", reply: texts.broken(context) };
    switch (reply.type) {
      case "reject":
      case "tempfail":
      case "replyCode": {
        const text = refusalText[mta](reply, "message", context);
        return { outcome: text.startsWith("4") ? "tempfailed" : "rejected", reply: text };
      }
      case "discard":
        return { outcome: "discarded", reply: texts.message(context) };
      default:
        return {
          outcome: this.#quarantine === undefined ? "accepted" : "quarantined",
          reply: texts.message(context),
        };
    }
  }
}

function keepsSpace({ protocol }: EditingAgreement): boolean {
  return (protocol & PROTOCOL.LEADING_SPACE) !== 0;
}

/** The fields of a message as an MTA has them: each makes something else of the line from a mailbox. */
export function receivedFields({ mailboxLine, headers }: Mail, mta: MtaName): readonly MailField[] {
  if (mailboxLine === undefined || mta === "sendmail") return headers;
  return [{ name: X_MAILBOX_LINE, value: concat([SPACE, mailboxLine]) }, ...headers];
}

const X_MAILBOX_LINE: Uint8Array = new TextEncoder().encode("X-Mailbox-Line");
const SPACE: Uint8Array = Uint8Array.of(0x20);

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && decodeText(bytes);
}
