import { MilterError } from "../errors.ts";
import type { EditedMessage } from "../mta/edited_message.ts";
import { failureReply, type RefusingReply } from "../mta/smtp_replies.ts";
import type { Command } from "../protocol/commands.ts";
import type { Agreement, Reply } from "../protocol/replies.ts";
import { encodeText, type Text } from "../wire/text.ts";
import type { Dialogue } from "./dialogue.ts";
import type { KnownOfMessage } from "./macro_values.ts";
import type { IncomingMail } from "./mail_source.ts";
import { bodyEvents, headerEvents } from "./message_events.ts";
import { isRefusal, type Milter, type MilterAnswer } from "./milter.ts";
import type { Settings } from "./options.ts";

/** What a row of milters makes of something. */
export type RowAnswer = RefusingReply | { readonly type: "continue" | "discard" };

const CONTINUE: RowAnswer = { type: "continue" };

/** A milter in its place in the row. */
interface Place {
  readonly milter: Milter;
  /** Why it is done without, to the end of the session: the default action stands for it. */
  failure: MilterError | undefined;
  /** Whether it is asked no more in this session, because it has accepted or refused the client. */
  silent: boolean;
  /** Whether it is asked of the message in progress. */
  asked: boolean;
  readonly edits: Reply[];
}

/** What a milter said of a message. */
export interface MilterReport {
  /** The milter's address. */
  readonly name: string;
  /** The edits as it sent them, in order. */
  readonly edits: readonly Reply[];
  /** Why the MTA did without it. */
  readonly failure: MilterError | undefined;
}

/** The milters of an MTA, asked one after the other: the first that refuses or discards decides. */
export class MilterRow {
  readonly #places: readonly Place[];
  readonly #settings: Settings;
  readonly #dialogue: Dialogue;
  #decided: Milter | undefined;

  constructor(milters: readonly Milter[], settings: Settings, dialogue: Dialogue) {
    this.#settings = settings;
    this.#dialogue = dialogue;
    this.#places = milters.map((milter) => ({
      milter,
      failure: undefined,
      silent: false,
      asked: false,
      edits: [],
    }));
  }

  /** What each said of the message in progress, or of the last one. */
  get reports(): readonly MilterReport[] {
    return this.#places.map(({ milter, edits, failure }) => ({
      name: milter.name,
      edits: [...edits],
      failure,
    }));
  }

  /** The milter that refused or discarded last. */
  get decidedBy(): string | undefined {
    return this.#decided?.name;
  }

  /** Whether all that fail stay without. */
  get #quarantines(): boolean {
    return this.#settings.defaultAction === "quarantine" &&
      this.#places.some(({ failure }) => failure !== undefined);
  }

  /** Connects to all, as far as that was not done. */
  async connect(): Promise<void> {
    for (const place of this.#places) await this.#connect(place);
  }

  /** A message begins, of which all are asked. */
  begin(): void {
    this.#decided = undefined;
    for (const place of this.#places) {
      place.asked = !place.silent;
      place.edits.length = 0;
    }
  }

  /** Asks of the client: an accept is for the whole session. */
  async askOfClient(command: Command<Text>): Promise<RowAnswer> {
    return await this.#askEach(this.#places.filter(({ silent }) => !silent), command, {}, async (place) => {
      place.silent = true;
      await this.#leave(place);
    });
  }

  /** Asks of the message in progress those who are still asked, or of these some, by what was agreed with them. */
  async ask(
    command: Command<Text>,
    known: KnownOfMessage = {},
    concerns: (agreement: Agreement) => boolean = () => true,
  ): Promise<RowAnswer> {
    const places = this.#places.filter(({ asked, milter }) => asked && concerns(milter.agreement));
    return await this.#askEach(places, command, known, (place) => void (place.asked = false));
  }

  /** Asks outside of messages. */
  async askApart(command: Command<Text>): Promise<RowAnswer> {
    return await this.#askEach(this.#places.filter(({ silent }) => !silent), command, {}, () => {});
  }

  async #askEach(
    places: readonly Place[],
    command: Command<Text>,
    known: KnownOfMessage,
    accepted: (place: Place) => void | Promise<void>,
  ): Promise<RowAnswer> {
    for (const place of places) {
      const answer = await this.#askOne(place, command, known);
      if (answer.type === "accept" && place.failure === undefined) await accepted(place);
      if (isRefusal(answer) || answer.type === "discard") return this.#decide(place, answer);
    }
    return CONTINUE;
  }

  /**
   * Shows each the text of a message, one after the other and each with the edits of those before it, and hears what
   * is to become of it. The first is shown the body while it comes.
   */
  async judge(message: EditedMessage, mail: IncomingMail, known: KnownOfMessage): Promise<RowAnswer> {
    let source: AsyncIterable<Uint8Array> | undefined = mail.chunks();
    const arrive = () => {
      source = undefined;
      message.receiveBody(mail.body);
    };
    for (const place of this.#places.filter(({ asked }) => asked)) {
      // Postfix asks no more once a message is held.
      if (message.quarantine !== undefined && this.#settings.mta === "postfix") break;
      const answer = await this.#show(place, message, source, known);
      if (isRefusal(answer) || answer.type === "discard") return this.#decide(place, answer);
      if (source !== undefined) arrive();
    }
    if (source !== undefined) {
      await drain(source);
      arrive();
    }
    if (this.#quarantines) message.take({ type: "quarantine", reason: encodeText("milter_default_action") });
    return CONTINUE;
  }

  /** Shows one milter the text; `source` is the body while it comes, if it has not come yet. */
  async #show(
    place: Place,
    message: EditedMessage,
    source: AsyncIterable<Uint8Array> | undefined,
    known: KnownOfMessage,
  ): Promise<MilterAnswer> {
    const { milter } = place;
    message.editedBy(milter.agreement);
    let answer: MilterAnswer = CONTINUE;
    /** Whether the milter wants to hear on. */
    const tell = async (command: Command<Text>): Promise<boolean> => {
      answer = await this.#askOne(place, command, known, message);
      return answer.type === "continue";
    };
    let on = true;
    for (const header of headerEvents(message, milter.agreement)) {
      on = on && await tell(header);
      if (!on) break;
    }
    const judged = () => isRefusal(answer) || answer.type === "discard";
    if (!judged()) {
      for await (const chunk of bodyEvents(source ?? [message.mail.body], milter.agreement)) {
        if (on) on = await tell(chunk);
        // Skipped or accepted: what is left is still to be delivered, and shown to others.
        if (judged()) break;
        if (!on && source === undefined) break;
      }
    }
    if (on || answer.type === "skip") await tell({ type: "endOfMessage", chunk: "" });
    place.asked = false;
    return answer;
  }

  /** Asks one, if it has not failed; else, or if it does so now, the default action stands for it. */
  async #askOne(
    place: Place,
    command: Command<Text>,
    known: KnownOfMessage,
    message?: EditedMessage,
  ): Promise<MilterAnswer> {
    try {
      if (await this.#connect(place)) {
        const { answer, edits } = await place.milter.ask(command, known);
        for (const edit of edits) {
          place.edits.push(edit);
          message?.take(edit);
        }
        return answer;
      }
    } catch (error) {
      await this.#fail(place, error);
    }
    const { mta, defaultAction, hostname } = this.#settings;
    if (defaultAction === undefined) throw place.failure;
    // The options have been checked for it.
    return failureReply(mta, defaultAction, command.type, hostname)!;
  }

  /** Connects, unless that was done already, and tells whether the milter can be asked. */
  async #connect(place: Place): Promise<boolean> {
    if (place.failure !== undefined) return false;
    try {
      if (!place.milter.connected && !place.silent) await place.milter.connect();
      return true;
    } catch (error) {
      await this.#fail(place, error);
      return false;
    }
  }

  async #fail(place: Place, error: unknown): Promise<void> {
    await place.milter.close();
    if (!(error instanceof MilterError)) throw error;
    place.failure = error;
    this.#dialogue.note(`the milter has failed: ${error.message}`);
    if (this.#settings.defaultAction === undefined) throw error;
  }

  #decide(place: Place, answer: RefusingReply | { readonly type: "discard" }): RowAnswer {
    this.#decided = place.milter;
    return answer;
  }

  /** Asks none any more in this session: the client was refused. */
  async askNoMore(): Promise<void> {
    for (const place of this.#places) {
      place.silent = true;
      await this.#leave(place);
    }
  }

  /** Postfix closes the connection to a milter that it asks no more; Sendmail takes leave at the session's end. */
  async #leave({ milter }: Place): Promise<void> {
    if (this.#settings.mta === "postfix") await milter.close();
  }

  /** Ends a message without a verdict: for all, or for those who are in it. */
  abort(when: "now" | "later", whom: "all" | "those in it" = "all"): void {
    for (const place of this.#places) {
      if (place.silent || place.failure !== undefined || (whom === "those in it" && !place.asked)) continue;
      place.asked = false;
      place.milter.abort(when);
    }
  }

  /** Takes leave of all. */
  async quit(): Promise<void> {
    for (const place of this.#places) {
      try {
        await place.milter.quit();
      } catch (error) {
        await this.#fail(place, error);
      }
    }
  }

  /** Closes all connections without a word. */
  async close(): Promise<void> {
    for (const { milter } of this.#places) await milter.close();
  }
}

async function drain(source: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of source);
}
