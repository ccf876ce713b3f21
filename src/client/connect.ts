import type { Address } from "../adapters/address.ts";
import { Dialogue } from "./dialogue.ts";
import { Milter } from "./milter.ts";
import { LiveMilterSession, type MilterSession } from "./milter_session.ts";
import { LiveMtaSession, type MtaSession } from "./mta_session.ts";
import { type CallOptions, checkCall, checkMilters, type SendOptions } from "./options.ts";
import { milterAt } from "./reach.ts";
import type { MessageSource } from "./mail_source.ts";
import type { SendResult } from "./result.ts";

/**
 * Connects to a milter of any make and negotiates, as an MTA does.
 *
 * @param address Where it listens: see {@linkcode parseAddress}.
 * @throws {TypeError} if the address or an option is none.
 * @throws {MilterError} `CONNECTION` if nobody answers there, `TIMEOUT` if it takes too long, `NEGOTIATION` and others
 * if it breaks the protocol.
 *
 * @example One command after the other
 * ```ts
 * import { reject, serve } from "@kilter/milter";
 * import { connect } from "@kilter/milter/client";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve(async (session) => {
 *   await session.headers.get("Subject");
 *   return reject("550 5.7.1 Ni!");
 * }, { listen: "inet:0@127.0.0.1" });
 *
 * await using milter = await connect(server.address, { client: { name: "client.example", address: "192.0.2.1" } });
 * await milter.mail("arthur@client.example");
 * await milter.rcpt("knights@mx.example");
 * await milter.header("Subject", "Shrubbery");
 * const answer = await milter.endOfHeaders();
 * assertEquals(answer.type === "reject" && answer.reply?.lines, ["Ni!"]);
 * ```
 */
export async function connect(
  address: string | Address,
  options: Omit<CallOptions, "defaultAction" | "unknownRecipients"> = {},
): Promise<MilterSession> {
  const settings = checkCall(options);
  const { timeouts, signal } = settings;
  const dialogue = new Dialogue();
  const milter = new Milter(milterAt(address, { timeout: timeouts.connect, signal }), settings, dialogue);
  try {
    await milter.connect();
  } catch (error) {
    await milter.close();
    throw error;
  }
  return new LiveMilterSession(milter, settings, dialogue);
}

/**
 * Starts a session of an MTA with one SMTP client, of which milters are told: all of them in order, each with the edits
 * of those before it.
 *
 * With a `defaultAction` it never fails for what milters do: one that cannot be reached, or fails later, has this
 * action stand for it, as in `milter_default_action` of Postfix. Without one their failures are thrown, and it
 * resolves when all are connected.
 *
 * @param milters Where they listen, in the order in which they are asked: see {@linkcode parseAddress}.
 * @throws {TypeError} if an address or an option is none.
 * @throws {MilterError} as {@linkcode connect} does, if there is no `defaultAction`.
 *
 * @example In an SMTP server
 * ```ts
 * import { accept, defineFilter, serve } from "@kilter/milter";
 * import { callMilters } from "@kilter/milter/client";
 * import { assertEquals } from "@std/assert";
 *
 * const tag = defineFilter({ edits: ["headers"] }, async (session) => {
 *   await session.endOfMessage();
 *   session.headers.append("X-Seen", "yes");
 *   return accept();
 * });
 * await using server = await serve(tag, { listen: "inet:0@127.0.0.1" });
 *
 * await using session = await callMilters([server.address], { helo: "client.example", defaultAction: "tempfail" });
 * assertEquals((await session.mail("arthur@client.example")).code, 250);
 * assertEquals((await session.rcpt("knights@mx.example")).code, 250);
 * assertEquals((await session.data()).code, 354);
 * const { outcome, message } = await session.message("Subject: Shrubbery\n\nOne that looks nice\n");
 * assertEquals([outcome, message?.get("X-Seen")], ["accepted", "yes"]);
 * ```
 */
export async function callMilters(
  milters: string | Address | readonly (string | Address)[],
  options: CallOptions = {},
): Promise<MtaSession> {
  const settings = checkCall(options);
  const { timeouts, signal, defaultAction } = settings;
  const callees = checkMilters(milters).map((address) =>
    milterAt(address, { timeout: timeouts.connect, signal })
  );
  const session = LiveMtaSession.with(callees, settings, new Dialogue());
  try {
    if (defaultAction === undefined) await session.reach();
  } catch (error) {
    await session.close();
    throw error;
  }
  return session;
}

/**
 * Shows a message to milters in a session of its own, and tells what becomes of it: outcome, the answers to the SMTP
 * client, the edits, and the message with them made.
 *
 * @throws {TypeError} if an address or an option is none.
 * @throws {MilterError} as {@linkcode connect} does, if there is no `defaultAction`; `LIMIT` if the message is over
 * the limit; what a stream fails with.
 *
 * @example
 * ```ts
 * import { accept, serve } from "@kilter/milter";
 * import { send } from "@kilter/milter/client";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve(() => accept(), { listen: "inet:0@127.0.0.1" });
 * const result = await send(server.address, "Subject: Hello\n\nWorld\n", {
 *   from: "arthur@client.example",
 *   to: ["zoot@mx.example", "dingo@mx.example"],
 * });
 * assertEquals(result.outcome, "accepted");
 * assertEquals(result.deliveredTo, ["zoot@mx.example", "dingo@mx.example"]);
 * ```
 */
export async function send(
  milters: string | Address | readonly (string | Address)[],
  message: MessageSource,
  options: CallOptions & SendOptions,
): Promise<SendResult> {
  await using session = await callMilters(milters, options);
  const result = await session.send(message, options);
  if (session.open) await session.quit();
  return { ...result, conversation: session.conversation };
}
