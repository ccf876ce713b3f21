/** One mail through an MTA, and all that its client was refused on the way. */

import type { Mta } from "./mta.ts";
import { type Reply, SmtpClient } from "./smtp_client.ts";

/** What a client sends; all of it has a default. */
export interface Outgoing {
  /** What follows `MAIL FROM:`. */
  readonly from?: string;
  /** What follows each `RCPT TO:`. */
  readonly to?: readonly string[];
  /** The message, its lines ended by CRLF. */
  readonly message?: string;
}

/** Where a client may be refused. For a recipient it is `rcpt <a@example.test>`. */
export type Refused = Partial<
  Record<"greeting" | "helo" | "mail" | `rcpt ${string}` | "data" | "end", string>
>;

/** What became of a mail, as its client sees it. */
export interface Outcome {
  /** Every reply that refused something, by what was refused: nothing if all was well. */
  readonly refused: Refused;
  /** The MTA's id for the mail, if it was taken. */
  readonly queueId: string | undefined;
}

/** Headers, in order; a name may come again. */
export type Headers = readonly (readonly [name: string, value: string])[];

/** The headers of a message beside its Subject: all those that an MTA would add if they were missing. */
export const HEADERS: Headers = [
  ["From", "Sender <sender@example.test>"],
  ["To", "one@example.test"],
  ["Message-Id", "<m1@example.test>"],
  ["Date", "Mon, 1 Jan 2024 00:00:00 +0000"],
];

/** A body that needs its dots stuffed. */
export const BODY = "line one\r\n.line two\r\n..\r\n";

/** A message of this subject, which tells one mail of a test from the next. */
export function messageOf(subject: string, body: string = BODY, headers: Headers = HEADERS): string {
  return [["Subject", subject], ...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("") +
    `\r\n${body}`;
}

/** Sends a mail in an SMTP session of its own. */
export async function sendMail(mta: Mta, mail: Outgoing = {}): Promise<Outcome> {
  const client = SmtpClient.to(mta.smtp);
  const opening = await open(client);
  const outcome = await deliver(client, mail);
  await client.quit();
  return { ...outcome, refused: { ...opening, ...outcome.refused } };
}

/** The greeting and EHLO. A client goes on even if it isn't welcome: some MTAs tell why only at MAIL. */
export async function open(client: SmtpClient): Promise<Refused> {
  const refused: Refused = {};
  note(refused, "greeting", await client.reply());
  note(refused, "helo", await client.command("EHLO client.example.test"));
  return refused;
}

/** One mail in a session that is open. Goes as far as the server allows. */
export async function deliver(client: SmtpClient, mail: Outgoing = {}): Promise<Outcome> {
  const { from = "<sender@example.test>", to = ["<one@example.test>", "<two@example.test>"] } = mail;
  const refused: Refused = {};
  const ended = { refused, queueId: undefined };
  if (!note(refused, "mail", await client.command(`MAIL FROM:${from}`))) return ended;
  let recipients = 0;
  for (const recipient of to) {
    if (note(refused, `rcpt ${recipient}`, await client.command(`RCPT TO:${recipient}`))) recipients++;
  }
  if (recipients === 0 || !note(refused, "data", await client.command("DATA"))) return ended;
  const reply = await client.message(mail.message ?? messageOf("hello"));
  if (!note(refused, "end", reply)) return ended;
  return {
    refused,
    queueId: /queued as (\w+)|(\w+) Message accepted/.exec(reply.text)?.slice(1).find(Boolean),
  };
}

/** Keeps a reply if it refuses; says whether it does not. */
function note(refused: Refused, what: keyof Refused, { code, text }: Reply): boolean {
  if (code >= 400) refused[what] = text;
  return code < 400;
}
