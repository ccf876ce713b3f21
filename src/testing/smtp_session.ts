import { MilterError } from "../errors.ts";
import { connectCommand, isLocal } from "../mta/client_spelling.ts";
import { type Decision, EditedMessage, type Outcome } from "../mta/edited_message.ts";
import type { Mail } from "../mta/mail.ts";
import {
  refusalText,
  type RefusingReply,
  SMTP_TEXTS,
  type SmtpContext,
  type SmtpStage,
  type SmtpTexts,
} from "../mta/smtp_replies.ts";
import { type Command, encodeText, PROTOCOL, type Reply, type Text } from "../protocol/mod.ts";
import type { Dialogue } from "./dialogue.ts";
import type { ServeFilter } from "./filter_link.ts";
import { type Answer, FilterSide, isRefusal } from "./filter_side.ts";
import type { KnownOfMessage } from "./macro_values.ts";
import { messageEvents, messageIdOf } from "./message_events.ts";
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
  /** Whether the filter is asked on; `"discarded"`: it is not, and the message will be thrown away. */
  filtering: "on" | "off" | "discarded";
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
  readonly edits: readonly Reply[];
}

/** An MTA's session with an SMTP client, of which it tells a filter. */
export class SmtpSession {
  readonly #settings: Settings;
  readonly #texts: SmtpTexts;
  readonly #dialogue: Dialogue;
  readonly #filter: FilterSide;
  /** What a client who may send nothing is told. */
  #refusal: string | undefined;
  #state: "new" | "connected" | "greeted" | "closed" = "new";
  #transaction: Transaction | undefined;
  #ids = 0;
  #last: SmtpAnswer | undefined;

  constructor(serve: ServeFilter, settings: Settings, dialogue: Dialogue) {
    this.#settings = settings;
    this.#dialogue = dialogue;
    this.#texts = SMTP_TEXTS[settings.mta];
    this.#filter = new FilterSide(serve, settings, dialogue);
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
    await this.#filter.connect();
    await this.#meet("connect", await this.#filter.ask(connectCommand(client, mta)), this.#texts.greeting);
  }

  /** The client connects and says what it calls itself, as far as it does so and has not yet. */
  async greet(): Promise<void> {
    await this.connect();
    const { helo } = this.#settings;
    if (this.#state !== "connected" || helo === undefined) return;
    this.#state = "greeted";
    this.#dialogue.client(`EHLO ${helo}`);
    await this.#meet("helo", await this.#filter.ask({ type: "helo", hostname: helo }), this.#texts.helo);
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
    const queueId = this.#settings.mta === "sendmail" ? this.#nextId() : undefined;
    const transaction: Transaction = {
      ...{ sender, recipients: [], refused: false, filtering: "on", sending: false, queueId },
    };
    this.#transaction = transaction;
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
      if (this.#tellsRefused()) {
        const refusal = { enhanced: "5.1.1", text: text.slice(text.indexOf(": ") + 2) };
        await this.#ask(command, { recipient, refusal });
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
    transaction.queueId ??= this.#nextId();
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

  /** The client sends the text, after DATA was answered with 354. */
  async message(mail: Mail): Promise<MessageEnd> {
    const { sender, recipients, queueId = "" } = this.#begun("a message");
    const { mta, client } = this.#settings;
    this.#dialogue.client(`(the message: ${mail.headers.length} headers, ${mail.body.length} bytes of body)`);
    const own = ownHeaders(this.#settings, { queueId, sender, recipients });
    const agreement = this.#filter.agreement;
    const message = new EditedMessage(mail, {
      ...{ mta, agreement, sender, recipients, queueId, own, local: isLocal(client) },
    });
    const edits: Reply[] = [];
    const known = { messageId: messageIdOf(message.headers.shown) ?? String(own.messageId) };
    const { outcome, reply } = await this.#judge(message, known, edits);
    this.#endMessage();
    return { answer: await this.#say(reply), outcome, message, edits };
  }

  /** The client takes back what it has said of a message. */
  async reset(): Promise<SmtpAnswer> {
    await this.greet();
    if (!this.open) return this.#last!;
    this.#dialogue.client("RSET");
    const transaction = this.#transaction;
    this.#transaction = undefined;
    if (this.#settings.mta === "sendmail") {
      if (transaction?.filtering === "on") this.#filter.abort("now");
    } else if (transaction !== undefined) this.#filter.abort("later");
    return await this.#say(this.#texts.reset(this.#context()));
  }

  /** The client says something that is no command of SMTP. */
  async unknown(line: string): Promise<SmtpAnswer> {
    await this.connect();
    if (!this.open) return this.#last!;
    this.#dialogue.client(line);
    // Postfix shows the first word only. Whatever the filter answers, the command is refused.
    const command = this.#settings.mta === "postfix" ? line.split(" ", 1)[0]! : line;
    const answer = await this.#ask({ type: "unknown", command });
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
      this.#state = "closed";
      this.#transaction = undefined;
      await this.#filter.close();
    } else await this.#leave();
  }

  #begun(what: string): Transaction {
    if (this.#transaction !== undefined) return this.#transaction;
    throw new MilterError("ORDER", `Cannot send ${what}: no sender was accepted`);
  }

  /** Postfix says ABORT after each message, with the next thing that it says; Sendmail does not. */
  #endMessage(): void {
    if (this.#settings.mta === "postfix") this.#filter.abort("later");
    this.#transaction = undefined;
  }

  /** Whether the filter is shown recipients whom the MTA refuses: Sendmail does not do so. */
  #tellsRefused(): boolean {
    const asked = (this.#filter.agreement.protocol & PROTOCOL.REJECTED_RECIPIENTS) !== 0;
    return asked && this.#settings.mta === "postfix";
  }

  /** Asks the filter in a message, as far as it is still asked. */
  async #ask(
    command: Command<Text>,
    known: KnownOfMessage = {},
    takeEdit?: (edit: Reply) => void,
  ): Promise<Answer> {
    const { queueId, sender, filtering = "on" } = this.#transaction ?? {};
    if (filtering !== "on") return { type: "continue" };
    return await this.#filter.ask(command, { queueId, sender, ...known }, takeEdit);
  }

  /** Takes an answer that does not refuse. */
  #take(transaction: Transaction, answer: Answer): void {
    if (answer.type !== "accept" && answer.type !== "discard") return;
    transaction.filtering = answer.type === "accept" ? "off" : "discarded";
    // Sendmail takes leave of a message whose text the filter will not see.
    const unseen = answer.type === "discard" && !transaction.sending;
    if (unseen && this.#settings.mta === "sendmail") this.#filter.abort("now");
  }

  /** Shows a text to the filter, as far as it asks, and hears what is to become of it. */
  async #judge(message: EditedMessage, known: KnownOfMessage, edits: Reply[]): Promise<Decision> {
    const transaction = this.#transaction!;
    const takeEdit = (edit: Reply) => {
      edits.push(edit);
      message.take(edit);
    };
    let skipping = false;
    for (const event of messageEvents(message, this.#filter.agreement)) {
      if (transaction.filtering !== "on") break;
      if (skipping && event.type === "body") continue;
      const answer = await this.#ask(event, known, takeEdit);
      if (isRefusal(answer)) return message.take(answer)!;
      skipping ||= answer.type === "skip";
      this.#take(transaction, answer);
    }
    if (this.#filter.failed && this.#settings.defaultAction === "quarantine") {
      message.take({ type: "quarantine", reason: encodeText("milter_default_action") });
    }
    return message.take({ type: transaction.filtering === "discarded" ? "discard" : "continue" })!;
  }

  /** Answers CONNECT or HELO: what the filter says of them is for the whole session. */
  async #meet(
    stage: "connect" | "helo",
    answer: Answer,
    text: (context: SmtpContext) => string,
  ): Promise<SmtpAnswer> {
    if (!isRefusal(answer)) {
      if (answer.type === "accept") await this.#filter.askNoMore();
      return await this.#say(text(this.#context()));
    }
    const refusal = this.#refusalText(answer, stage);
    if (stage === "helo" && refusal.startsWith("421")) return await this.#say(refusal);
    await this.#filter.askNoMore();
    if (refusal.startsWith("421")) return await this.#say(refusal);
    this.#refusal = refusal;
    const unwelcome = stage === "connect" && refusal.startsWith("5");
    return await this.#say((unwelcome ? this.#texts.unwelcome : text)(this.#context()));
  }

  #refusalText(answer: RefusingReply, stage: SmtpStage, more: Partial<SmtpContext> = {}): string {
    return refusalText[this.#settings.mta](answer, stage, this.#context(more));
  }

  #context(more: Partial<SmtpContext> = {}): SmtpContext {
    const { hostname, helo = "", mta, date } = this.#settings;
    const queueId = this.#transaction?.queueId ?? "";
    return { hostname, helo, queueId, path: "", line: "", date: mailDate(date, mta), ...more };
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
      if (this.#transaction !== undefined) this.#filter.abort("later");
      if (this.#state === "greeted") this.#filter.abort("later");
    }
    this.#state = "closed";
    this.#transaction = undefined;
    await this.#filter.quit();
  }

  #nextId(): string {
    const number = ++this.#ids;
    return this.#settings.mta === "postfix"
      ? (0x1a2b3c40000 + number).toString(16).toUpperCase()
      : `60FC0a${String(number).padStart(8, "0")}`;
  }
}
