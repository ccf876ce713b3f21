import { StreamSocket } from "../adapters/stream.ts";
import type { Socket } from "../adapters/socket.ts";
import { Dialogue } from "../client/dialogue.ts";
import type { MessageSource } from "../client/mail_source.ts";
import type { Callee } from "../client/milter.ts";
import { LiveMtaSession } from "../client/mta_session.ts";
import type { SmtpAnswer } from "../client/result.ts";
import { serveStream } from "../server/serve.ts";
import type { ConversationOptions } from "../session/conversation.ts";
import type { Filter } from "../session/filter.ts";
import { consoleLog, describe, type LogEntry } from "../session/log.ts";
import { memoryPair } from "./memory_pair.ts";
import { checkSettings, type DeliverOptions, testEnvelope, type TestMtaOptions } from "./options.ts";
import type { DeliveryResult, TestMta } from "./test_mta.ts";

/** {@linkcode TestMta}: an MTA's session whose only milter is a filter that is served in memory. */
export class MemoryMta implements TestMta {
  readonly #dialogue: Dialogue = new Dialogue();
  readonly #logs: LogEntry[] = [];
  readonly #served: ServedFilter;
  readonly #session: LiveMtaSession;

  constructor(filter: Filter, options: TestMtaOptions) {
    const settings = checkSettings(options);
    const { log = consoleLog } = options;
    const takeLog = (entry: LogEntry) => {
      this.#logs.push(entry);
      if (entry.level !== "debug") this.#dialogue.note(`${describe(entry)}${stackOf(entry.error)}`);
      log(entry);
    };
    this.#served = new ServedFilter(filter, { ...options, log: takeLog });
    this.#session = LiveMtaSession.with([this.#served], settings, this.#dialogue);
  }

  get conversation(): string {
    return this.#dialogue.since(0);
  }

  get logs(): readonly LogEntry[] {
    return [...this.#logs];
  }

  async deliver(eml: MessageSource, options: DeliverOptions = {}): Promise<DeliveryResult> {
    const first = this.#logs.length;
    const result = await this.#say((session) => session.send(eml, testEnvelope(options)));
    return { ...result, logs: this.#logs.slice(first) };
  }

  async mail(from?: string): Promise<SmtpAnswer> {
    return await this.#say((session) => session.mail(testEnvelope(from === undefined ? {} : { from }).from));
  }

  async rcpt(to = "user@mx.example"): Promise<SmtpAnswer> {
    return await this.#say((session) => session.rcpt(to));
  }

  async data(): Promise<SmtpAnswer> {
    return await this.#say((session) => session.data());
  }

  async reset(): Promise<SmtpAnswer> {
    return await this.#say((session) => session.reset());
  }

  async command(line: string): Promise<SmtpAnswer> {
    return await this.#say((session) => session.command(line));
  }

  async quit(): Promise<SmtpAnswer> {
    return await this.#say((session) => session.quit());
  }

  async vanish(): Promise<void> {
    await this.#say((session) => session.vanish());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#say((session) => session[Symbol.asyncDispose]());
  }

  /** Says something; when the session is over, the filter's side has ended too. */
  async #say<T>(say: (session: LiveMtaSession) => Promise<T>): Promise<T> {
    const said = await say(this.#session);
    if (!this.#session.open) await this.#served.ended();
    return said;
  }
}

/** A filter in this process, served over bytes that lie in memory. */
class ServedFilter implements Callee {
  readonly name = "the filter";
  readonly #filter: Filter;
  readonly #options: ConversationOptions;
  readonly #serving: Promise<void>[] = [];

  constructor(filter: Filter, options: ConversationOptions) {
    this.#filter = filter;
    this.#options = options;
  }

  async open(): Promise<Socket> {
    const [ours, theirs] = memoryPair();
    const serving = serveStream(theirs, this.#filter, this.#options);
    // With options that it does not take it has failed by now.
    await Promise.race([serving, Promise.resolve()]);
    this.#serving.push(serving);
    return new StreamSocket(ours);
  }

  /** Resolves when the filter's side of all connections has ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#serving);
  }
}

/** An error as its author wants to see it. */
function stackOf(error: unknown): string {
  if (error === undefined) return "";
  return `\n${error instanceof Error ? error.stack ?? error.message : String(error)}`;
}
