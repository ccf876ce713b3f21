import type { StreamPair } from "../adapters/stream.ts";
import { MilterError } from "../errors.ts";
import { type Mail, parseMail } from "../mta/mail.ts";
import type { MtaName } from "../mta/mta_name.ts";
import { serveStream } from "../server/serve.ts";
import type { Filter } from "../session/filter.ts";
import { consoleLog, describe, type LogEntry } from "../session/log.ts";
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
import type { TestMta } from "./test_mta.ts";

/** How a message came to its end, as far as it came. */
interface Journey {
  readonly outcome: DeliveryOutcome;
  readonly reply: SmtpAnswer;
  /** What became of its text. */
  readonly end?: MessageEnd;
}

/** {@linkcode TestMta}: sends messages over a session, and tells what became of them. */
export class MemoryMta implements TestMta {
  readonly #mta: MtaName;
  readonly #dialogue: Dialogue = new Dialogue();
  readonly #logs: LogEntry[] = [];
  readonly #session: SmtpSession;
  #saying = false;

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
    return await this.#alone(() =>
      this.#deliver(parseMail(eml), { from, to, vanishAfter, refused: new Map() })
    );
  }

  async mail(from = "sender@client.example"): Promise<SmtpAnswer> {
    const party = checkParty("from", from);
    return await this.#alone((session) => session.mail(party));
  }

  async rcpt(to = "user@mx.example"): Promise<SmtpAnswer> {
    const party = checkParty("to", to);
    return await this.#alone((session) => session.rcpt(party));
  }

  async data(): Promise<SmtpAnswer> {
    return await this.#alone((session) => session.data());
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

  async #deliver(mail: Mail, sending: Sending): Promise<DeliveryResult> {
    const [firstLine, firstLog] = [this.#dialogue.length, this.#logs.length];
    const { from, to, refused } = sending;
    const { outcome, reply, end } = await this.#send(mail, sending);
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
