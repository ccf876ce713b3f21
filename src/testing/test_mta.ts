import type { Filter } from "../session/filter.ts";
import type { MessageSource } from "../client/mail_source.ts";
import type { SendResult, SmtpAnswer } from "../client/result.ts";
import type { LogEntry } from "../session/log.ts";
import { MemoryMta } from "./memory_mta.ts";
import type { DeliverOptions, TestMtaOptions } from "./options.ts";

/** What became of a message that was delivered in a test. */
export interface DeliveryResult extends SendResult {
  /** What was logged while the message was under way: a filter's errors too. */
  readonly logs: readonly LogEntry[];
}

/**
 * An MTA in memory, in a session with an SMTP client, that asks a filter: made by {@linkcode testMta}.
 *
 * The session connects by itself at its first command. Disposing of it takes leave. Each method fails with a
 * {@linkcode MilterError}: `CONNECTION` when the session is over, `ORDER` while another one has not resolved.
 */
export interface TestMta extends AsyncDisposable {
  /**
   * The client sends a message: MAIL, RCPT for each recipient, DATA, the text. It takes back what it has begun before,
   * and what is left of it if it is refused.
   *
   * @param eml The message as in an `.eml` file: any bytes, a stream of them, or text, which is taken as UTF-8.
   * @throws {TypeError} if an option is none.
   */
  deliver(eml: MessageSource, options?: DeliverOptions): Promise<DeliveryResult>;
  /** The client says MAIL; an address as in {@linkcode TestEnvelope}. */
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
 * @param eml The message as in an `.eml` file: any bytes, a stream of them, or text, which is taken as UTF-8.
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
  eml: MessageSource,
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
