/** Some mails before an observer, of which each has another end. */

import { accept, type Filter, type Observer, quarantine, reject } from "../../mod.ts";
import { defineFilter } from "../../mod.ts";
import { GREETING, mail, MESSAGE, rcpt } from "../mta_commands.ts";
import { play } from "../mta_player.ts";

const run: Filter = async (session) => {
  const { address } = await session.envelopeFrom();
  if (address === "bad@example.com") return reject("550 5.7.1 Not you");
  for await (const recipient of session.envelopeRecipients()) {
    if (recipient.address.startsWith("no")) recipient.reject();
  }
  if (address === "broken@example.com") throw new Error("boom");
  session.headers.append("X-Seen", "yes");
  await session.endOfMessage();
  return address === "odd@example.com" ? quarantine("odd") : accept();
};

const SENDERS = ["good", "odd", "bad", "broken", "gone"].map((name) => `<${name}@example.com>`);

/** Plays them: accepted, quarantined, rejected, failed, and given up by the client. */
export async function playMails(observer: Observer): Promise<void> {
  await using mta = await play(defineFilter({ name: "judge" }, run), { observer });
  await mta.play(GREETING);
  for (const sender of SENDERS) {
    await mta.macros("M", { i: "4bXyZ12345" });
    const lines = [mail(sender), "rcpt", rcpt("<no@example.com>"), ...MESSAGE.slice(2)] as const;
    await mta.play(sender === "<gone@example.com>" ? lines.slice(0, 2) : lines);
    await mta.say("abort");
  }
  mta.takeLogs();
}
