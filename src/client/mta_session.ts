import { MilterError } from "../errors.ts";
import type { Dialogue } from "./dialogue.ts";
import type { MessageSource } from "./mail_source.ts";
import { type Callee, Milter } from "./milter.ts";
import {
  checkLine,
  checkParty,
  checkSending,
  type ClientParty,
  type LastCommand,
  type Sending,
  type SendOptions,
  type Settings,
} from "./options.ts";
import {
  deliveredMessage,
  type DeliveryOutcome,
  type MessageResult,
  outcomeOf,
  type RecipientResult,
  type SendResult,
  type SmtpAnswer,
} from "./result.ts";
import { type MessageEnd, SmtpSession } from "./smtp_session.ts";

/**
 * What an MTA does in a session with one SMTP client, as far as milters hear of it: made by {@linkcode callMilters}.
 *
 * It connects to the milters at its first command, and asks them one after the other, each with the edits of those
 * before it. What it answers is what the client is to be told. A milter that fails does not fail the session: the
 * default action stands for it. Disposing of it takes leave.
 *
 * Each method fails with a {@linkcode MilterError}: `CONNECTION` when the session is over, `ORDER` while another one
 * has not resolved.
 */
export interface MtaSession extends AsyncDisposable {
  /** Whether the session goes on: not after QUIT, a refusal with 421, or a client that has vanished. */
  readonly open: boolean;
  /** All that was said so far; see {@linkcode SendResult.conversation}. */
  readonly conversation: string;
  /**
   * Sends a message: MAIL, RCPT for each recipient, DATA, the text. It takes back what was begun before, and what is
   * left of it if it is refused.
   *
   * @throws {TypeError} if an option is none.
   * @throws {MilterError} `LIMIT` if the message is over the limit; what a stream fails with.
   */
  send(message: MessageSource, options: SendOptions): Promise<SendResult>;
  /** MAIL; an address as in {@linkcode SendOptions}. */
  mail(from: string): Promise<SmtpAnswer>;
  /** RCPT. @throws {MilterError} `ORDER` if no sender was accepted. */
  rcpt(to: string): Promise<SmtpAnswer>;
  /** DATA; nothing is sent yet. @throws {MilterError} `ORDER` if no sender was accepted. */
  data(): Promise<SmtpAnswer>;
  /**
   * The text, after DATA was answered with 354. A stream is read no faster than the first milter takes it.
   *
   * @throws {MilterError} `ORDER` if no sender was accepted; as {@linkcode MtaSession.send} does.
   */
  message(message: MessageSource): Promise<MessageResult>;
  /** RSET: what was begun is over. */
  reset(): Promise<SmtpAnswer>;
  /** Something that is no command of SMTP. */
  command(line: string): Promise<SmtpAnswer>;
  /** QUIT. Resolves when the connections to the milters are closed. */
  quit(): Promise<SmtpAnswer>;
  /** The client's connection breaks off. Resolves as {@linkcode MtaSession.quit} does. */
  vanish(): Promise<void>;
}

/** How a message came to its end, as far as it came. */
interface Journey {
  readonly outcome: DeliveryOutcome;
  readonly reply: SmtpAnswer;
  /** What became of its text. */
  readonly end?: MessageEnd;
}

/** {@linkcode MtaSession}, with milters that are reached in any way. */
export class LiveMtaSession implements MtaSession {
  readonly dialogue: Dialogue;
  readonly #settings: Settings;
  readonly #session: SmtpSession;
  #saying = false;

  constructor(milters: readonly Milter[], settings: Settings, dialogue: Dialogue) {
    this.dialogue = dialogue;
    this.#settings = settings;
    this.#session = new SmtpSession(milters, settings, dialogue);
  }

  /** A session with milters to which there is no connection yet. */
  static with(callees: readonly Callee[], settings: Settings, dialogue: Dialogue): LiveMtaSession {
    const label = (at: number) => callees.length > 1 ? String(at + 1) : "";
    const milters = callees.map((callee, at) => new Milter(callee, settings, dialogue, label(at)));
    return new LiveMtaSession(milters, settings, dialogue);
  }

  /** Connects to the milters before the client comes. */
  async reach(): Promise<void> {
    await this.#alone((session) => session.reach());
  }

  get open(): boolean {
    return this.#session.state !== "closed";
  }

  get conversation(): string {
    return this.dialogue.since(0);
  }

  async send(message: MessageSource, options: SendOptions): Promise<SendResult> {
    const sending = checkSending(options);
    return await this.#alone(() => this.#send(message, sending));
  }

  async mail(from: string): Promise<SmtpAnswer> {
    const party = checkParty("from", from);
    return await this.#alone((session) => session.mail(party));
  }

  async rcpt(to: string): Promise<SmtpAnswer> {
    const party = checkParty("to", to);
    return await this.#alone((session) => session.rcpt(party));
  }

  async data(): Promise<SmtpAnswer> {
    return await this.#alone((session) => session.data());
  }

  async message(message: MessageSource): Promise<MessageResult> {
    return await this.#alone(async (session) => {
      const end = await session.message(message);
      return this.#resultOf({ outcome: end.outcome, reply: end.answer, end }, "");
    });
  }

  async reset(): Promise<SmtpAnswer> {
    return await this.#alone((session) => session.reset());
  }

  async command(line: string): Promise<SmtpAnswer> {
    checkLine("the command", line);
    return await this.#alone(async (session) => {
      await session.greet();
      return await session.unknown(line);
    });
  }

  async quit(): Promise<SmtpAnswer> {
    return await this.#alone((session) => session.quit());
  }

  async vanish(): Promise<void> {
    await this.#alone((session) => session.vanish());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#session.open) await this.quit();
    else await this.close();
  }

  /** Closes the connections to the milters without a word. */
  async close(): Promise<void> {
    await this.#session.close();
  }

  /** A client says one thing after the other. */
  async #alone<T>(say: (session: SmtpSession) => Promise<T>): Promise<T> {
    if (this.#saying) {
      throw new MilterError("ORDER", "Cannot speak SMTP: the last command waits for its answer");
    }
    this.#saying = true;
    try {
      return await say(this.#session);
    } finally {
      this.#saying = false;
    }
  }

  async #send(message: MessageSource, sending: Sending): Promise<SendResult> {
    const firstLine = this.dialogue.length;
    const refused = new Map<ClientParty, SmtpAnswer>();
    const journey = await this.#travel(message, sending, refused);
    if (this.#session.busy) await this.#session.reset();
    const { outcome, reply } = journey;
    return {
      ...this.#resultOf(journey, sending.from.address),
      recipients: sending.to.map((party): RecipientResult => {
        const own = refused.get(party);
        const result = own === undefined ? { outcome, reply } : { outcome: outcomeOf(own), reply: own };
        return { address: party.address, ...result };
      }),
      conversation: this.dialogue.since(firstLine),
    };
  }

  #resultOf({ outcome, reply, end }: Journey, from: string): MessageResult {
    const kept = end !== undefined && (outcome === "accepted" || outcome === "quarantined");
    const { sender, recipients } = end?.message.envelope ?? { sender: { address: from }, recipients: [] };
    const to = kept ? recipients.map(({ address }) => address) : [];
    const milters = end?.milters ?? this.#session.reports;
    const { mta } = this.#settings;
    return {
      outcome,
      reply,
      message: to.length > 0 ? deliveredMessage(end!.message.mail, mta) : undefined,
      unedited: () => to.length > 0 ? deliveredMessage(end!.message.unedited, mta) : undefined,
      sender: kept ? sender.address : from,
      deliveredTo: to,
      quarantine: kept ? end.message.quarantine : undefined,
      edits: milters.flatMap(({ edits }) => edits),
      milters,
      decidedBy: end === undefined ? this.#session.decidedBy : end.decidedBy,
    };
  }

  /** Sends a message as far as it is wanted. Notes the recipients that are refused by themselves. */
  async #travel(
    message: MessageSource,
    { from, to, vanishAfter }: Sending,
    refused: Map<ClientParty, SmtpAnswer>,
  ): Promise<Journey> {
    const session = this.#session;
    const vanished = async (command: LastCommand): Promise<boolean> => {
      if (command !== vanishAfter) return false;
      await session.vanish();
      return true;
    };
    const aborted = (): Journey => ({ outcome: "aborted", reply: session.last! });
    const refusal = (reply: SmtpAnswer): Journey => ({ outcome: outcomeOf(reply), reply });

    await session.connect();
    if (!session.open) return refusal(session.last!);
    if (await vanished("connect")) return aborted();
    await session.greet();
    if (!session.open) return refusal(session.last!);
    if (await vanished("helo")) return aborted();

    const reply = await session.mail(from);
    if (reply.code >= 400) return refusal(reply);
    if (await vanished("mail")) return aborted();

    for (const party of to) {
      const answer = await session.rcpt(party);
      if (!session.open) return refusal(answer);
      if (answer.code >= 400) refused.set(party, answer);
    }
    if (await vanished("rcpt")) return aborted();
    if (refused.size === to.length) {
      const answers = [...refused.values()];
      const later = answers.some(({ code }) => code < 500);
      return { outcome: later ? "tempfailed" : "rejected", reply: answers.at(-1)! };
    }

    const answer = await session.data();
    if (answer.code >= 400) return refusal(answer);
    if (await vanished("data")) return aborted();
    const end = await session.message(message);
    return { outcome: end.outcome, reply: end.answer, end };
  }
}
