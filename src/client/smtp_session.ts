import { MilterError } from "../errors.ts";
import { connectCommand, isLocal } from "../mta/client_spelling.ts";
import { type Decision, EditedMessage, type Outcome } from "../mta/edited_message.ts";
import {
  refusalText,
  type RefusingReply,
  SMTP_TEXTS,
  type SmtpContext,
  type SmtpStage,
  type SmtpTexts,
} from "../mta/smtp_replies.ts";
import type { Command } from "../protocol/commands.ts";
import { PROTOCOL } from "../protocol/flags.ts";
import type { Agreement } from "../protocol/replies.ts";
import type { Text } from "../wire/text.ts";
import type { Dialogue } from "./dialogue.ts";
import { IncomingMail, type MessageSource } from "./mail_source.ts";
import { isRefusal, type Milter } from "./milter.ts";
import { type MilterReport, MilterRow, type RowAnswer } from "./row.ts";
import type { KnownOfMessage } from "./macro_values.ts";
import { messageIdOf } from "./message_events.ts";
import type { ClientParty, Settings } from "./options.ts";
import { mailDate, ownHeaders } from "./own_headers.ts";
import { answerOf, type SmtpAnswer } from "./result.ts";

/** A message that a client has begun. */
interface Transaction {
  readonly sender: ClientParty;
  /** Those who were accepted. */
  readonly recipients: ClientParty[];
  /** Whether others were refused. */
  refused: boolean;
  /** Whether the message will be thrown away: nobody is asked of it any more. */
  discarded: boolean;
  /** Whether the client may send the text. */
  sending: boolean;
  queueId: string | undefined;
}

/** What became of the text of a message. */
export interface MessageEnd {
  readonly answer: SmtpAnswer;
  readonly outcome: Outcome;
  /** The message with all edits. */
  readonly message: EditedMessage;
  /** What each milter said. */
  readonly milters: readonly MilterReport[];
  /** The one that refused or discarded. */
  readonly decidedBy: string | undefined;
}

/** How far a client has come. */
export type SessionState = "new" | "connected" | "greeted" | "closed";

/** An MTA's session with an SMTP client, of which it tells its milters. */
export class SmtpSession {
  readonly #settings: Settings;
  readonly #texts: SmtpTexts;
  readonly #dialogue: Dialogue;
  readonly #row: MilterRow;
  /** What a client who may send nothing is told. */
  #refusal: string | undefined;
  #state: SessionState = "new";
  #transaction: Transaction | undefined;
  #last: SmtpAnswer | undefined;

  constructor(milters: readonly Milter[], settings: Settings, dialogue: Dialogue) {
    this.#settings = settings;
    this.#dialogue = dialogue;
    this.#texts = SMTP_TEXTS[settings.mta];
    this.#row = new MilterRow(milters, settings, dialogue);
  }

  /** How far the client has come. */
  get state(): SessionState {
    return this.#state;
  }

  /** Connects to the milters before the client comes. */
  async reach(): Promise<void> {
    await this.#row.connect();
  }

  /** What the milters said of the message in progress, or of the last one. */
  get reports(): readonly MilterReport[] {
    return this.#row.reports;
  }

  /** The milter that refused or discarded last, of the client or of the message. */
  get decidedBy(): string | undefined {
    return this.#row.decidedBy;
  }

  /** Whether client and MTA are connected. */
  get open(): boolean {
    return this.#state === "connected" || this.#state === "greeted";
  }

  /** Whether a sender was named whose message is not over. */
  get busy(): boolean {
    return this.#transaction !== undefined;
  }

  /** The last answer to the client. */
  get last(): SmtpAnswer | undefined {
    return this.#last;
  }

  /**
   * The client connects, if it has not yet.
   *
   * @throws {MilterError} `CONNECTION` if the session is over.
   */
  async connect(): Promise<void> {
    if (this.#state === "closed") {
      throw new MilterError("CONNECTION", "Cannot speak SMTP: the connection is closed");
    }
    if (this.#state !== "new") return;
    this.#state = "connected";
    const { mta, client } = this.#settings;
    this.#dialogue.client(`(connects from ${client.name ?? "no name"} [${client.address ?? "no address"}])`);
    if (mta === "sendmail") await this.#row.connect();
    await this.#meet(
      "connect",
      await this.#row.askOfClient(connectCommand(client, mta)),
      this.#texts.greeting,
    );
  }

  /** The client connects and says what it calls itself, as far as it does so and has not yet. */
  async greet(): Promise<void> {
    await this.connect();
    const { helo } = this.#settings;
    if (this.#state !== "connected" || helo === undefined) return;
    this.#state = "greeted";
    this.#dialogue.client(`EHLO ${helo}`);
    await this.#meet("helo", await this.#row.askOfClient({ type: "helo", hostname: helo }), this.#texts.helo);
  }

  /** The client names the sender; a message that it has begun before is taken back. */
  async mail(sender: ClientParty): Promise<SmtpAnswer> {
    await this.greet();
    if (!this.open) return this.#last!;
    if (this.#transaction !== undefined) await this.reset();
    const { path } = sender;
    this.#dialogue.client([`MAIL FROM:${path}`, ...sender.arguments].join(" "));
    if (this.#refusal !== undefined) return await this.#say(this.#refusal);
    // Sendmail gives the message an id at once, Postfix when it has a recipient.
    const queueId = this.#settings.mta === "sendmail" ? this.#settings.nextId() : undefined;
    const transaction: Transaction = {
      ...{ sender, recipients: [], refused: false, discarded: false, sending: false, queueId },
    };
    this.#transaction = transaction;
    this.#row.begin();
    const answer = await this.#ask({ type: "mail", address: path, arguments: sender.arguments });
    if (isRefusal(answer)) {
      this.#endMessage();
      return await this.#say(this.#refusalText(answer, "mail", { path }));
    }
    this.#take(transaction, answer);
    return await this.#say(this.#texts.mail(this.#context({ path })));
  }

  /** The client names a recipient. */
  async rcpt(recipient: ClientParty): Promise<SmtpAnswer> {
    const transaction = this.#begun("RCPT");
    const { path } = recipient;
    this.#dialogue.client([`RCPT TO:${path}`, ...recipient.arguments].join(" "));
    const command: Command<Text> = { type: "rcpt", address: path, arguments: recipient.arguments };
    if (this.#settings.unknownRecipients.has(recipient.address)) {
      transaction.refused = true;
      const text = this.#texts.noSuchUser(this.#context({ path }));
      // Sendmail does not show them to a filter.
      if (this.#settings.mta === "postfix") {
        const refusal = { enhanced: "5.1.1", text: text.slice(text.indexOf(": ") + 2) };
        await this.#ask(command, { recipient, refusal }, asksForRefused);
      }
      return await this.#say(text);
    }
    const answer = await this.#ask(command, { recipient });
    if (isRefusal(answer)) {
      transaction.refused = true;
      return await this.#say(this.#refusalText(answer, "rcpt", { path }));
    }
    this.#take(transaction, answer);
    transaction.recipients.push(recipient);
    transaction.queueId ??= this.#settings.nextId();
    return await this.#say(this.#texts.rcpt(this.#context({ path })));
  }

  /** The client wants to send the text. */
  async data(): Promise<SmtpAnswer> {
    const transaction = this.#begun("DATA");
    this.#dialogue.client("DATA");
    if (transaction.recipients.length === 0) {
      const text = transaction.refused ? this.#texts.noneLeft : this.#texts.noRecipients;
      return await this.#say(text(this.#context()));
    }
    const answer = await this.#ask({ type: "data" }, { recipients: transaction.recipients.length });
    if (isRefusal(answer)) return await this.#say(this.#refusalText(answer, "data"));
    this.#take(transaction, answer);
    transaction.sending = true;
    return await this.#say(this.#texts.data(this.#context()));
  }

  /**
   * The client sends the text, after DATA was answered with 354.
   *
   * @throws {MilterError} `LIMIT` if it is over the limit; what its stream fails with: the message is over then.
   */
  async message(source: MessageSource): Promise<MessageEnd> {
    const { sender, recipients, queueId = "" } = this.#begun("a message");
    const { mta, client, maxMessage } = this.#settings;
    let mail: IncomingMail | undefined;
    try {
      mail = await IncomingMail.open(source, maxMessage);
      this.#dialogue.client(`(the message, with ${mail.head.headers.length} headers)`);
      const own = ownHeaders(this.#settings, { queueId, sender, recipients });
      const message = new EditedMessage(mail.head, {
        ...{ mta, agreement: NOTHING_AGREED, sender, recipients, queueId, own, local: isLocal(client) },
      });
      const known = { messageId: messageIdOf(message.headers.shown) ?? String(own.messageId) };
      const { outcome, reply } = await this.#judge(message, mail, known);
      this.#endMessage();
      const milters = this.#row.reports;
      return { answer: await this.#say(reply), outcome, message, milters, decidedBy: this.#row.decidedBy };
    } catch (error) {
      this.#dialogue.note(`the client fails: ${error instanceof Error ? error.message : error}`);
      this.#row.abort("now", "those in it");
      this.#transaction = undefined;
      throw error;
    } finally {
      await mail?.cancel();
    }
  }

  /** The client takes back what it has said of a message. */
  async reset(): Promise<SmtpAnswer> {
    await this.greet();
    if (!this.open) return this.#last!;
    this.#dialogue.client("RSET");
    const transaction = this.#transaction;
    this.#transaction = undefined;
    if (transaction !== undefined) this.#abort();
    return await this.#say(this.#texts.reset(this.#context()));
  }

  /** The client says something that is no command of SMTP. */
  async unknown(line: string): Promise<SmtpAnswer> {
    await this.connect();
    if (!this.open) return this.#last!;
    this.#dialogue.client(line);
    // Postfix shows the first word only. Whatever the filter answers, the command is refused.
    const command = this.#settings.mta === "postfix" ? line.split(" ", 1)[0]! : line;
    const event = { type: "unknown", command } as const;
    const answer = this.#transaction === undefined ? await this.#row.askApart(event) : await this.#ask(event);
    if (isRefusal(answer)) return await this.#say(this.#refusalText(answer, "unknown"));
    return await this.#say(this.#texts.unknown(this.#context({ line })));
  }

  /** The client takes leave. */
  async quit(): Promise<SmtpAnswer> {
    await this.connect();
    if (!this.open) return this.#last!;
    this.#dialogue.client("QUIT");
    const answer = this.#tell(this.#texts.quit(this.#context()));
    await this.#leave();
    return answer;
  }

  /** The client is gone. While it sends a text, Sendmail closes without a word to the filter. */
  async vanish(): Promise<void> {
    await this.connect();
    if (!this.open) return;
    this.#dialogue.client("(vanishes)");
    if (this.#transaction?.sending && this.#settings.mta === "sendmail") {
      await this.close();
    } else await this.#leave();
  }

  /** All is over, without a word to anybody. */
  async close(): Promise<void> {
    this.#state = "closed";
    this.#transaction = undefined;
    await this.#row.close();
  }

  #begun(what: string): Transaction {
    if (this.#transaction !== undefined) return this.#transaction;
    throw new MilterError("ORDER", `Cannot send ${what}: no sender was accepted`);
  }

  /** The message has no verdict, and will have none. Postfix tells all with what comes next. */
  #abort(): void {
    if (this.#settings.mta === "postfix") this.#row.abort("later");
    else this.#row.abort("now", "those in it");
  }

  /** Postfix says ABORT after each message, with the next thing that it says; Sendmail does not. */
  #endMessage(): void {
    if (this.#settings.mta === "postfix") this.#row.abort("later");
    this.#transaction = undefined;
  }

  /** Asks the milters of the message, as far as they are still asked. */
  async #ask(
    command: Command<Text>,
    known: KnownOfMessage = {},
    concerns?: (agreement: Agreement) => boolean,
  ): Promise<RowAnswer> {
    const { queueId, sender, discarded } = this.#transaction!;
    if (discarded) return { type: "continue" };
    return await this.#row.ask(command, { queueId, sender, ...known }, concerns);
  }

  /** Takes an answer that does not refuse. */
  #take(transaction: Transaction, answer: RowAnswer): void {
    if (answer.type !== "discard") return;
    transaction.discarded = true;
    // Sendmail takes leave of a message whose text the milters will not see.
    if (this.#settings.mta === "sendmail") this.#row.abort("now", "those in it");
  }

  /** Shows a text to the milters, as far as they ask, and hears what is to become of it. */
  async #judge(message: EditedMessage, mail: IncomingMail, known: KnownOfMessage): Promise<Decision> {
    const { queueId, sender, discarded } = this.#transaction!;
    const answer = discarded
      ? { type: "discard" } as const
      : await this.#row.judge(message, mail, { queueId, sender, ...known });
    // Sendmail tells those to whom it has not shown it.
    if (answer.type !== "continue" && this.#settings.mta === "sendmail") {
      this.#row.abort("now", "those in it");
    }
    return message.take(answer)!;
  }

  /** Answers CONNECT or HELO: what the filter says of them is for the whole session. */
  async #meet(
    stage: "connect" | "helo",
    answer: RowAnswer,
    text: (context: SmtpContext) => string,
  ): Promise<SmtpAnswer> {
    if (!isRefusal(answer)) return await this.#say(text(this.#context()));
    const refusal = this.#refusalText(answer, stage);
    if (stage === "helo" && refusal.startsWith("421")) return await this.#say(refusal);
    await this.#row.askNoMore();
    if (refusal.startsWith("421")) return await this.#say(refusal);
    this.#refusal = refusal;
    const unwelcome = stage === "connect" && refusal.startsWith("5");
    return await this.#say((unwelcome ? this.#texts.unwelcome : text)(this.#context()));
  }

  #refusalText(answer: RefusingReply, stage: SmtpStage, more: Partial<SmtpContext> = {}): string {
    return refusalText[this.#settings.mta](answer, stage, this.#context(more));
  }

  #context(more: Partial<SmtpContext> = {}): SmtpContext {
    const { hostname, helo = "", mta, now } = this.#settings;
    const queueId = this.#transaction?.queueId ?? "";
    return { hostname, helo, queueId, path: "", line: "", date: mailDate(now(), mta), ...more };
  }

  /** Answers the client; 421 closes the connection. */
  async #say(text: string): Promise<SmtpAnswer> {
    const answer = this.#tell(text);
    if (answer.code === 421) await this.#leave();
    return answer;
  }

  #tell(text: string): SmtpAnswer {
    this.#dialogue.server(text);
    return this.#last = answerOf(text);
  }

  /** The client's connection has ended, and with it that to the filter. Postfix ends message and greeting apart. */
  async #leave(): Promise<void> {
    if (this.#settings.mta === "postfix") {
      if (this.#transaction !== undefined) this.#row.abort("later");
      if (this.#state === "greeted") this.#row.abort("later");
    }
    this.#state = "closed";
    this.#transaction = undefined;
    await this.#row.quit();
  }
}

const NOTHING_AGREED: Pick<Agreement, "actions" | "protocol"> = { actions: 0, protocol: 0 };

/** Whether a milter wants to hear of recipients whom the MTA refuses. */
function asksForRefused({ protocol }: Agreement): boolean {
  return (protocol & PROTOCOL.REJECTED_RECIPIENTS) !== 0;
}
