import type { StreamPair } from "../adapters/stream.ts";
import { type Mail, parseMail } from "../mta/mail.ts";
import type { MtaName } from "../mta/mta_name.ts";
import { serveStream } from "../server/serve.ts";
import { consoleLog, describe, type LogEntry } from "../session/log.ts";
import type { Filter } from "../session/filter.ts";
import { Dialogue } from "./dialogue.ts";
import {
  checkEnvelope,
  checkLastCommand,
  checkLine,
  checkParty,
  checkSettings,
  type ClientParty,
  type DeliverOptions,
  type LastCommand,
  type TestMtaOptions,
} from "./options.ts";
import {
  deliveredMessage,
  type DeliveryOutcome,
  type DeliveryResult,
  outcomeOf,
  type RecipientResult,
  type SmtpAnswer,
} from "./result.ts";
import { type MessageEnd, SmtpSession } from "./smtp_session.ts";

/**
 * An MTA in memory, in a session with an SMTP client, that asks a filter: made by {@linkcode testMta}.
 *
 * The session connects by itself at its first command. Disposing of it takes leave.
 */
export interface TestMta extends AsyncDisposable {
  /**
   * The client sends a message: MAIL, RCPT for each recipient, DATA, the text. It takes back what it has begun before,
   * and what is left of it if it is refused.
   *
   * @param eml The message as in an `.eml` file: any bytes, or text, which is taken as UTF-8.
   * @throws {TypeError} if an option is none.
   * @throws {MilterError} `CONNECTION` if the session is over.
   */
  deliver(eml: string | Uint8Array, options?: DeliverOptions): Promise<DeliveryResult>;
  /** The client says MAIL; an address as in {@linkcode Envelope}. */
  mail(from?: string): Promise<SmtpAnswer>;
  /** The client says RCPT. @throws {MilterError} `ORDER` if no sender was accepted. */
  rcpt(to?: string): Promise<SmtpAnswer>;
  /** The client says DATA, and sends nothing yet. @throws {MilterError} `ORDER` if no sender was accepted. */
  data(): Promise<SmtpAnswer>;
  /** The client says RSET: what it has begun is over. */
  reset(): Promise<SmtpAnswer>;
  /** The client says something that is no command of SMTP. */
  command(line: string): Promise<SmtpAnswer>;
  /** The client says QUIT. Resolves when the filter's side has ended too. */
  quit(): Promise<SmtpAnswer>;
  /** The client's connection breaks off. Resolves when the filter's side has ended too. */
  vanish(): Promise<void>;
  /** All that was said so far; see {@linkcode DeliveryResult.conversation}. */
  readonly conversation: string;
  /** All that was logged so far. */
  readonly logs: readonly LogEntry[];
}

/**
 * Starts an MTA in memory that asks a filter, for several messages in one session.
 *
 * @throws {TypeError} if the filter is no function, or an option is none.
 *
 * @example
 * ```ts
 * import { accept, defineFilter } from "@kilter/milter";
 * import { testMta } from "@kilter/milter/testing";
 * import { assertEquals } from "@std/assert";
 *
 * let count = 0;
 * const counter = defineFilter({ edits: ["headers"] }, async (session) => {
 *   await session.envelopeFrom();
 *   session.headers.append("X-Count", `${++count}`);
 *   return accept();
 * });
 *
 * await using mta = testMta(counter, { mta: "sendmail" });
 * await mta.deliver("Subject: One\n\nHello\n");
 * await mta.mail("arthur@client.example");
 * await mta.reset();
 * const { message } = await mta.deliver("Subject: Two\n\nHello again\n");
 * assertEquals(message?.get("X-Count"), "3");
 * ```
 */
export function testMta(filter: Filter, options: TestMtaOptions = {}): TestMta {
  if (typeof filter !== "function") throw new TypeError("Cannot deliver: the filter is no function");
  return new MemoryMta(filter, options);
}

/**
 * Delivers one message to an MTA in memory that asks a filter, in a session of its own.
 *
 * The filter is served as by `serve`, over the bytes of the protocol, without a socket. What it logs goes to the
 * result, and where `log` says: errors to the console by default.
 *
 * @param eml The message as in an `.eml` file: any bytes, or text, which is taken as UTF-8.
 * @throws {TypeError} if the filter is no function, or an option is none.
 *
 * @example
 * ```ts
 * import { accept, reject } from "@kilter/milter";
 * import { deliver } from "@kilter/milter/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const result = await deliver(async (session) => {
 *   const subject = await session.headers.get("Subject");
 *   return subject?.value === "Shrubbery" ? reject("550 5.7.1 Ni!") : accept();
 * }, "Subject: Shrubbery\n\nOne that looks nice\n", { mta: "postfix", to: "knights@mx.example" });
 *
 * assertEquals(result.outcome, "rejected");
 * assertEquals(result.reply.text, "Ni!");
 * ```
 */
export async function deliver(
  filter: Filter,
  eml: string | Uint8Array,
  options: TestMtaOptions & DeliverOptions = {},
): Promise<DeliveryResult> {
  const mta = testMta(filter, options);
  try {
    const result = await mta.deliver(eml, options);
    await mta[Symbol.asyncDispose]();
    return { ...result, conversation: mta.conversation, logs: mta.logs };
  } finally {
    await mta[Symbol.asyncDispose]();
  }
}

/** How a message came to its end, as far as it came. */
interface Journey {
  readonly outcome: DeliveryOutcome;
  readonly reply: SmtpAnswer;
  /** What became of its text. */
  readonly end?: MessageEnd;
}

class MemoryMta implements TestMta {
  readonly #mta: MtaName;
  readonly #dialogue: Dialogue = new Dialogue();
  readonly #logs: LogEntry[] = [];
  readonly #session: SmtpSession;

  constructor(filter: Filter, options: TestMtaOptions) {
    const settings = checkSettings(options);
    const { log = consoleLog } = options;
    const takeLog = (entry: LogEntry) => {
      this.#logs.push(entry);
      if (entry.level !== "debug") this.#dialogue.note(`${describe(entry)}${stackOf(entry.error)}`);
      log(entry);
    };
    this.#mta = settings.mta;
    const serve = (streams: StreamPair) => serveStream(streams, filter, { ...options, log: takeLog });
    this.#session = new SmtpSession(serve, settings, this.#dialogue);
  }

  get conversation(): string {
    return this.#dialogue.since(0);
  }

  get logs(): readonly LogEntry[] {
    return [...this.#logs];
  }

  async deliver(eml: string | Uint8Array, options: DeliverOptions = {}): Promise<DeliveryResult> {
    if (typeof eml !== "string" && !(eml instanceof Uint8Array)) {
      throw new TypeError("Cannot deliver: the message is neither text nor bytes");
    }
    const { from, to } = checkEnvelope(options);
    const vanishAfter = checkLastCommand(options.vanishAfter);
    const [firstLine, firstLog] = [this.#dialogue.length, this.#logs.length];
    const refused = new Map<ClientParty, SmtpAnswer>();
    const { outcome, reply, end } = await this.#send(parseMail(eml), { from, to, vanishAfter, refused });
    if (this.#session.busy) await this.#session.reset();

    const kept = end !== undefined && (outcome === "accepted" || outcome === "quarantined");
    const { sender, recipients } = kept ? end.message.envelope : { sender: from, recipients: [] };
    return {
      outcome,
      reply,
      recipients: to.map((party): RecipientResult => {
        const own = refused.get(party);
        const result = own === undefined ? { outcome, reply } : { outcome: outcomeOf(own), reply: own };
        return { address: party.address, ...result };
      }),
      message: recipients.length > 0 ? deliveredMessage(end!.message.mail, this.#mta) : undefined,
      sender: sender.address,
      deliveredTo: recipients.map(({ address }) => address),
      quarantine: kept ? end.message.quarantine : undefined,
      edits: end?.edits ?? [],
      conversation: this.#dialogue.since(firstLine),
      logs: this.#logs.slice(firstLog),
    };
  }

  mail(from = "sender@client.example"): Promise<SmtpAnswer> {
    return this.#session.mail(checkParty("from", from));
  }

  rcpt(to = "user@mx.example"): Promise<SmtpAnswer> {
    return this.#session.rcpt(checkParty("to", to));
  }

  data(): Promise<SmtpAnswer> {
    return this.#session.data();
  }

  reset(): Promise<SmtpAnswer> {
    return this.#session.reset();
  }

  async command(line: string): Promise<SmtpAnswer> {
    checkLine("the command", line);
    await this.#session.greet();
    return await this.#session.unknown(line);
  }

  quit(): Promise<SmtpAnswer> {
    return this.#session.quit();
  }

  vanish(): Promise<void> {
    return this.#session.vanish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#session.open) await this.#session.quit();
  }

  /** Sends a message as far as it is wanted. Notes the recipients that are refused by themselves. */
  async #send(mail: Mail, { from, to, vanishAfter, refused }: Sending): Promise<Journey> {
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
    const end = await session.message(mail);
    return { outcome: end.outcome, reply: end.answer, end };
  }
}

/** What a client sends. */
interface Sending {
  readonly from: ClientParty;
  readonly to: readonly ClientParty[];
  readonly vanishAfter: LastCommand | undefined;
  readonly refused: Map<ClientParty, SmtpAnswer>;
}

/** An error as its author wants to see it. */
function stackOf(error: unknown): string {
  if (error === undefined) return "";
  return `\n${error instanceof Error ? error.stack ?? error.message : String(error)}`;
}
