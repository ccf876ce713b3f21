/** Whether a contender does what is measured: a conversation by the rules of the protocol. */

import { connect } from "../../../src/client/mod.ts";
import { PROTOCOL } from "../../../src/protocol/flags.ts";

/** An event before the end of a message. */
export type MailEvent = "connect" | "helo" | "mail" | "rcpt" | "data" | "header" | "endOfHeaders" | "body";

/** What is done about each event. */
export type Rehearsal = Readonly<Record<MailEvent, "answered" | "not answered" | "left out">>;

/** The flags by which an event is left out, or not answered. */
const FLAGS: Readonly<Record<MailEvent, { readonly leftOut: number; readonly notAnswered: number }>> = {
  connect: { leftOut: PROTOCOL.NO_CONNECT, notAnswered: PROTOCOL.NR_CONNECT },
  helo: { leftOut: PROTOCOL.NO_HELO, notAnswered: PROTOCOL.NR_HELO },
  mail: { leftOut: PROTOCOL.NO_MAIL, notAnswered: PROTOCOL.NR_MAIL },
  rcpt: { leftOut: PROTOCOL.NO_RCPT, notAnswered: PROTOCOL.NR_RCPT },
  data: { leftOut: PROTOCOL.NO_DATA, notAnswered: PROTOCOL.NR_DATA },
  header: { leftOut: PROTOCOL.NO_HEADERS, notAnswered: PROTOCOL.NR_HEADER },
  endOfHeaders: { leftOut: PROTOCOL.NO_END_OF_HEADERS, notAnswered: PROTOCOL.NR_END_OF_HEADERS },
  body: { leftOut: PROTOCOL.NO_BODY, notAnswered: PROTOCOL.NR_BODY },
};

/**
 * Sends two mails on one connection, and tells which events were answered.
 *
 * @throws {Error} if an answer is not "continue", or to the end not "accept".
 * @throws {MilterError} if nobody listens, or the protocol is broken: by an answer too many, for one.
 */
export async function rehearse(address: string): Promise<Rehearsal> {
  await using milter = await connect(address, { client: { name: "client.example", address: "192.0.2.1" } });
  const expect = async (event: MailEvent, answer: Promise<{ readonly type: string }>) => {
    const { type } = await answer;
    if (type !== "continue") throw new Error(`Cannot measure: it answers "${type}" to ${event}`);
  };
  await expect("connect", milter.connect());
  await expect("helo", milter.helo("client.example"));
  for (let mails = 0; mails < 2; mails++) {
    await expect("mail", milter.mail("sender@example.org"));
    await expect("rcpt", milter.rcpt("recipient@example.net"));
    await expect("data", milter.data());
    await expect("header", milter.header("From", "sender@example.org"));
    await expect("header", milter.header("Subject", "rehearsal"));
    await expect("endOfHeaders", milter.endOfHeaders());
    await expect("body", milter.body("All that is said.\r\n"));
    const { answer } = await milter.end();
    if (answer.type !== "accept") throw new Error(`Cannot measure: it answers "${answer.type}" to the end`);
    milter.abort();
  }
  const { protocol } = milter.agreement;
  const done = ([event, { leftOut, notAnswered }]: [string, (typeof FLAGS)[MailEvent]]) => [
    event,
    protocol & leftOut ? "left out" : protocol & notAnswered ? "not answered" : "answered",
  ];
  return Object.fromEntries(Object.entries(FLAGS).map(done));
}
