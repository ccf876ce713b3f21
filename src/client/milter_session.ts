import { MilterError } from "../errors.ts";
import { connectCommand } from "../mta/client_spelling.ts";
import type { Command, CommandType } from "../protocol/commands.ts";
import { PROTOCOL } from "../protocol/flags.ts";
import { encodeMacros } from "../protocol/macros.ts";
import type { Agreement, Reply } from "../protocol/replies.ts";
import { parseReply, type SmtpReply } from "../protocol/reply_text.ts";
import { concat } from "../wire/concat.ts";
import { encodeText, type Text } from "../wire/text.ts";
import type { Dialogue } from "./dialogue.ts";
import type { KnownOfMessage } from "./macro_values.ts";
import type { MessageSource } from "./mail_source.ts";
import { bodyEvents } from "./message_events.ts";
import type { Heard, Milter, MilterAnswer } from "./milter.ts";
import { LiveMtaSession } from "./mta_session.ts";
import {
  checkClient,
  checkLine,
  checkParty,
  type SendOptions,
  type Settings,
  type SmtpClient,
} from "./options.ts";
import type { SendResult } from "./result.ts";

/** What a milter answers. */
export type Answer =
  /** `"accept"` and `"discard"` are for the message, before MAIL for the connection; `"skip"` for the rest of the body. */
  | { readonly type: "continue" | "accept" | "discard" | "skip" }
  /** A refusal, with the milter's own words if it has any. At RCPT it is for that recipient. */
  | { readonly type: "reject" | "tempfail"; readonly reply: SmtpReply | undefined };

/** What a milter answers to the end of a message. */
export interface EndAnswer {
  /** The verdict; `"continue"` accepts here. */
  readonly answer: Answer;
  /** Its edits, in the order in which it sent them: they hold if the message is not refused. */
  readonly edits: readonly Reply[];
}

/**
 * A connection to one milter, in the words of the protocol: made by {@linkcode connect}.
 *
 * Each command resolves with the milter's answer: `"continue"` where the milter has negotiated the command or its
 * answer away. CONNECT and HELO go out by themselves, by the options, if they were not said before MAIL; macros go
 * out as the MTA of the options tells them. Several messages can follow each other. Disposing of it takes leave.
 *
 * What the milter does wrong fails the call with a {@linkcode MilterError}, and closes the connection: `CONNECTION`,
 * `TIMEOUT`, and `FRAME`, `MESSAGE`, `ORDER`, `NOT_AGREED`, which name the rule that was broken. `ORDER` with the side
 * `"local"` says that the command may not come here.
 */
export interface MilterSession extends AsyncDisposable {
  /** The milter's address. */
  readonly name: string;
  /** What was agreed with it. */
  readonly agreement: Agreement;
  /** All that was said so far, for a person to read. */
  readonly conversation: string;
  /** CONNECT: who connects, by default as the options say. */
  connect(client?: SmtpClient): Promise<Answer>;
  /** HELO: what the client calls itself, by default as the options say. */
  helo(hostname?: string): Promise<Answer>;
  /** MAIL: the sender, with or without `<>`, and arguments after it. It ends a message that is under way. */
  mail(from: string): Promise<Answer>;
  /** RCPT: a recipient, written as the sender is. */
  rcpt(to: string): Promise<Answer>;
  /** DATA: all recipients were named. */
  data(): Promise<Answer>;
  /** A header: its value as it stands after the colon and a space, folds as `\n`. */
  header(name: Text, value: Text): Promise<Answer>;
  /** The end of the headers. */
  endOfHeaders(): Promise<Answer>;
  /**
   * A piece of the body, with CRLF line ends, cut as was agreed; or all of it from a stream, which is read no faster
   * than the milter takes it. It stops at the first answer that is not `"continue"`: `"skip"` says that the milter
   * wants no more of it.
   */
  body(piece: Text | ReadableStream<Uint8Array>): Promise<Answer>;
  /** The end of the message; says the end of the headers first if that was not said. */
  end(): Promise<EndAnswer>;
  /** A command of SMTP that the MTA does not know. */
  unknown(line: string): Promise<Answer>;
  /** Tells macros for the next command of that type, beside those that go out by themselves. */
  macros(command: CommandType, values: Readonly<Record<string, string>>): void;
  /** Ends the message that is under way, without a verdict. */
  abort(): void;
  /**
   * Sends a whole message as an MTA does, and tells what becomes of it: with the answers to the client, and the
   * message with the edits made by the MTA's rules.
   *
   * @throws {TypeError} if an option is none.
   * @throws {MilterError} as all commands; `LIMIT` if the message is over the limit; what a stream fails with.
   */
  send(message: MessageSource, options: SendOptions): Promise<SendResult>;
  /** Takes leave, and closes. */
  quit(): Promise<void>;
}

/** {@linkcode MilterSession} on a milter that is connected. */
export class LiveMilterSession implements MilterSession {
  readonly #milter: Milter;
  readonly #settings: Settings;
  readonly #dialogue: Dialogue;
  readonly #whole: LiveMtaSession;
  /** What is known of the message under way. */
  #known: KnownOfMessage = {};
  #introduced = new Set<"connect" | "helo">();
  #inHeaders = false;
  #over = false;

  constructor(milter: Milter, settings: Settings, dialogue: Dialogue) {
    this.#milter = milter;
    this.#settings = settings;
    this.#dialogue = dialogue;
    this.#whole = new LiveMtaSession([milter], settings, dialogue);
  }

  get name(): string {
    return this.#milter.name;
  }

  get agreement(): Agreement {
    return this.#milter.agreement;
  }

  get conversation(): string {
    return this.#dialogue.since(0);
  }

  async connect(client?: SmtpClient): Promise<Answer> {
    const { mta, client: usual } = this.#settings;
    this.#introduced.add("connect");
    return await this.#ask(connectCommand(client === undefined ? usual : checkClient(client), mta));
  }

  async helo(hostname: string = this.#settings.helo ?? ""): Promise<Answer> {
    checkLine("the greeting", hostname);
    if (!this.#introduced.has("connect")) await this.connect();
    this.#introduced.add("helo");
    return await this.#ask({ type: "helo", hostname });
  }

  async mail(from: string): Promise<Answer> {
    const { path, address, arguments: words } = checkParty("from", from);
    if (!this.#introduced.has("connect")) await this.connect();
    if (!this.#introduced.has("helo") && this.#settings.helo !== undefined) await this.helo();
    const queueId = this.#settings.mta === "sendmail" ? this.#settings.nextId() : undefined;
    this.#known = { sender: { path, address, arguments: words }, queueId };
    this.#inHeaders = true;
    return await this.#ask({ type: "mail", address: path, arguments: words });
  }

  async rcpt(to: string): Promise<Answer> {
    const recipient = checkParty("to", to);
    const { path, arguments: words } = recipient;
    const answer = await this.#ask({ type: "rcpt", address: path, arguments: words }, { recipient });
    // Postfix gives a message its id when it has a recipient.
    this.#known = { ...this.#known, queueId: this.#known.queueId ?? this.#settings.nextId() };
    return answer;
  }

  async data(): Promise<Answer> {
    return await this.#ask({ type: "data" });
  }

  async header(name: Text, value: Text): Promise<Answer> {
    const keepsSpace = (this.agreement.protocol & PROTOCOL.LEADING_SPACE) !== 0;
    const told = keepsSpace ? concat([SPACE, encodeText(value)]) : value;
    return await this.#ask({ type: "header", name, value: told });
  }

  async endOfHeaders(): Promise<Answer> {
    this.#inHeaders = false;
    return await this.#ask({ type: "endOfHeaders" });
  }

  async body(piece: Text | ReadableStream<Uint8Array>): Promise<Answer> {
    if (this.#inHeaders) {
      const answer = await this.endOfHeaders();
      if (answer.type !== "continue") return answer;
    }
    const source = piece instanceof ReadableStream ? piece : [encodeText(piece)];
    for await (const chunk of bodyEvents(source, this.agreement)) {
      const answer = await this.#ask(chunk);
      if (answer.type !== "continue") return answer;
    }
    return { type: "continue" };
  }

  async end(): Promise<EndAnswer> {
    if (this.#inHeaders) {
      const answer = await this.endOfHeaders();
      if (answer.type !== "continue") return { answer, edits: [] };
    }
    const { answer, edits } = await this.#hear({ type: "endOfMessage", chunk: "" });
    return { answer: typed(answer), edits };
  }

  async unknown(line: string): Promise<Answer> {
    return await this.#ask({ type: "unknown", command: checkLine("the command", line) });
  }

  macros(command: CommandType, values: Readonly<Record<string, string>>): void {
    encodeMacros(values); // Refuses what cannot be told.
    this.#milter.tell(command, values);
  }

  abort(): void {
    this.#milter.abort("now");
  }

  async send(message: MessageSource, options: SendOptions): Promise<SendResult> {
    if (this.#over) throw new MilterError("CONNECTION", "Cannot send: the session is over");
    try {
      return await this.#whole.send(message, options);
    } finally {
      if (this.#milter.lost) await this.#close();
      this.#over ||= !this.#whole.open;
    }
  }

  async quit(): Promise<void> {
    this.#over = true;
    await this.#milter.quit();
  }

  async #close(): Promise<void> {
    this.#over = true;
    await this.#milter.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#over) await this.quit();
  }

  async #ask(command: Command<Text>, known: KnownOfMessage = {}): Promise<Answer> {
    return typed((await this.#hear(command, known)).answer);
  }

  async #hear(command: Command<Text>, known: KnownOfMessage = {}): Promise<Heard> {
    if (this.#over) throw new MilterError("CONNECTION", `Cannot send ${command.type}: the session is over`);
    try {
      return await this.#milter.ask(command, { ...this.#known, ...known });
    } catch (error) {
      if (this.#milter.lost) await this.#close();
      throw error;
    }
  }
}

const SPACE: Uint8Array = Uint8Array.of(0x20);

/** An answer as a caller gets it. */
function typed(answer: MilterAnswer): Answer {
  switch (answer.type) {
    case "reject":
    case "tempfail":
      return { type: answer.type, reply: undefined };
    case "replyCode": {
      const reply = parseReply(answer.text);
      return { type: reply.code < 500 ? "tempfail" : "reject", reply };
    }
    default:
      return { type: answer.type };
  }
}
