/**
 * Tables of edits: each is made by a served filter in front of a real MTA, and what is delivered is compared with what
 * the filter's author wished.
 *
 * All text is one character per byte, as on the wire. A header is written as its line, folds as `\n`.
 */

import {
  accept,
  type Declaration,
  defineFilter,
  type LogEntry,
  type Plan,
  serve,
  type Session,
  type Verdict,
} from "../../../mod.ts";
import { decodeWords } from "../../../src/mime/mod.ts";
import { assertEquals, assertMatch, delay } from "../../harness.ts";
import { deliver, open, type Refused } from "../mail.ts";
import type { Mta, MtaName } from "../mta.ts";
import { testOnEachMta } from "../on_each_mta.ts";
import { SmtpClient } from "../smtp_client.ts";
import { bodyOf, type Mail } from "../smtp_sink.ts";
import { understate } from "../understate.ts";

/** A mail as a client sends it. */
export interface Sent {
  readonly headers: readonly string[];
  readonly body: string;
  /** What follows `MAIL FROM:`. */
  readonly from: string;
  /** What follows each `RCPT TO:`. */
  readonly to: readonly string[];
}

/** A mail as it is to be delivered: what is not named as it was sent, below the MTA's own Received. */
export interface Delivered {
  readonly headers?: readonly string[];
  /** Instead of `headers`: its headers as a person reads them, unfolded, and decoded by RFC 2047. */
  readonly reads?: readonly string[];
  readonly body?: string;
  /** The sender, and those arguments that neither client nor MTA has to give: `<a@example.test> RET=HDRS`. */
  readonly from?: string;
  /** The recipients likewise, in any order. */
  readonly to?: readonly string[];
}

/** What becomes of a mail: it is delivered like this, or not at all, or is held for a person to look at. */
export type Outcome = Delivered | "nothing" | { readonly held: RegExp };

/** One mail, one filter, and what is to come of it. */
export interface EditCase {
  readonly name: string;
  /** What the client sends, where it differs from {@linkcode SENT}. */
  readonly sent?: Partial<Sent>;
  readonly edit: (session: Session) => unknown;
  /** By default the mail is accepted, when all of it was seen. */
  readonly verdict?: Verdict;
  /** Whether the filter returns when it has edited, and not at the end of the message. */
  readonly early?: boolean;
  /** What was wished. */
  readonly gives: Outcome;
  /** On an MTA that cannot do it: what it does instead, and what the plan says of it. */
  readonly instead?: Readonly<Partial<Record<MtaName, Instead>>>;
  /** Where the client is refused; nowhere by default. */
  readonly refused?: readonly (keyof Refused)[];
  /** The one MTA that can do this at all. */
  readonly only?: MtaName;
}

/** What an MTA makes of a wish that it cannot fulfil. */
export interface Instead {
  /** What is delivered; by default what was wished. */
  readonly gives?: Outcome;
  readonly warns: readonly RegExp[];
}

/** What the MTA puts first: its own Received. */
export const OWN = "Received: OWN";

/** The mail of most cases. */
export const SENT: Sent = {
  headers: [
    "Subject: hello",
    "X-Dup: one",
    "X-Other: o",
    "X-Dup: two",
    "x-dup: three",
    "From: Sender <sender@example.test>",
    "To: one@example.test",
    "Message-Id: <m1@example.test>",
    "Date: Mon, 1 Jan 2024 00:00:00 +0000",
  ],
  body: "line one\r\n.line two\r\n..\r\n",
  from: "<sender@example.test>",
  to: ["<one@example.test>", "<two@example.test>"],
};

/** The optional part of {@linkcode testEdits}. */
export interface EditsOptions {
  /** What the filter declares; by default nothing, so that it may do everything. */
  readonly declaration?: Declaration;
  /** Protocol flags that the MTA is not to offer. */
  readonly withhold?: number;
}

/**
 * Declares a test for each MTA that goes through a table, one mail after the other in one SMTP session. All cases are
 * tried; those that fail are named with their plan.
 */
export function testEdits(
  title: string,
  cases: readonly EditCase[],
  { declaration = {}, withhold = 0 }: EditsOptions = {},
): void {
  testOnEachMta(`${title}, ${cases.length} cases`, async (mta, serving) => {
    const running = new RunningCase();
    const onWarning = ({ message }: LogEntry) => void running.warnings.push(message);
    const listen = withhold === 0 ? mta.milter : { host: "127.0.0.1", port: 0 };
    const filter = defineFilter(declaration, (session) => running.filter(session));
    await using server = await serve(filter, { ...serving, listen, onWarning });
    await using _relay = withhold === 0 ? undefined : await understate(mta.milter, server.address, withhold);
    const client = SmtpClient.to(mta.smtp);
    await open(client);
    const failures: string[] = [];
    for (const edit of cases.filter(({ only }) => only === undefined || only === mta.name)) {
      try {
        await running.run(edit, mta, client);
      } catch (error) {
        failures.push(`── ${edit.name}\n${error}\nThe plan:\n${running.plan?.explain()}`);
      }
    }
    await client.quit();
    if (failures.length > 0) throw new Error(`${failures.length} cases fail:\n${failures.join("\n")}`);
  });
}

/** The case of the moment: what the filter does, and what came of it. */
class RunningCase {
  /** What the library said that the MTA cannot do. */
  warnings: string[] = [];
  plan: Plan | undefined;
  #case: EditCase | undefined;

  async filter(session: Session): Promise<Verdict> {
    await session.envelopeFrom(); // The first run starts before the first case.
    const { edit, verdict = accept(), early = false } = this.#case!;
    await edit(session);
    if (!early) await session.endOfMessage();
    this.plan = session.plan();
    return verdict;
  }

  /** Sends the mail and looks at what becomes of it. */
  async run(edit: EditCase, mta: Mta, client: SmtpClient): Promise<void> {
    [this.#case, this.warnings, this.plan] = [edit, [], undefined];
    const sent: Sent = { ...SENT, ...edit.sent };
    const count = mta.delivered().length;
    const { refused, queueId = "" } = await deliver(client, { ...sent, message: messageOf(sent) });
    assertEquals(Object.keys(refused), [...edit.refused ?? []], Object.values(refused).join());

    const { gives = edit.gives, warns = [] } = edit.instead?.[mta.name] ?? {};
    const held = mta.quarantined()[queueId];
    if (gives === "nothing") assertEquals(held, undefined);
    else if ("held" in gives) assertMatch(held ?? "", gives.held);
    else assertDelivered(await nextMail(mta, count), { ...sent, headers: [OWN, ...sent.headers], ...gives });

    const said = this.warnings.length === warns.length &&
      warns.every((text, at) => text.test(this.warnings[at]!));
    if (!said) assertEquals(this.warnings, warns.map(String), "warnings");
  }
}

/** A message as it goes over SMTP. */
export function messageOf({ headers, body }: Pick<Sent, "headers" | "body">): string {
  return headers.map((line) => `${line.replaceAll("\n", "\r\n")}\r\n`).join("") + `\r\n${body}`;
}

/** The mail that follows so many others. */
export async function nextMail(mta: Mta, count: number): Promise<Mail> {
  for (const deadline = Date.now() + 5_000; Date.now() < deadline; await delay(2)) {
    const mail = mta.delivered()[count];
    if (mail !== undefined) return mail;
  }
  throw new Error("no mail was delivered");
}

/** Fails unless a mail was delivered like this. */
export function assertDelivered(mail: Mail, wished: Sent & Delivered, what = ""): void {
  const lines = linesOf(mail);
  if (wished.reads === undefined) assertEquals(lines, [...wished.headers], `${what} headers`);
  else {
    assertEquals(lines.map(readable), [...wished.reads], `${what} headers`);
    const long = lines.flatMap((line) => line.split("\n")).filter((line) => line.length > 78);
    assertEquals(long, [], `${what} lines over 78 octets`);
  }
  const body = bodyOf(mail);
  if (body !== wished.body) {
    assertEquals(around(body, wished.body), around(wished.body, body), `${what} body`);
  }
  assertEquals(partyOf(mail.from), partyOf(wished.from), `${what} sender`);
  assertEquals(mail.to.map(partyOf).sort(), wished.to.map(partyOf).sort(), `${what} recipients`);
}

/** A line as it is read by a library of others. */
function readable(line: string): string {
  return decodeWords(line.replaceAll("\n", ""));
}

/** A mail's header lines. What the MTA made, which holds the time and an id, reads `OWN`. */
export function linesOf({ data }: Mail): string[] {
  const lines = data.slice(0, data.indexOf("\r\n\r\n")).split(/\r\n(?![ \t])/);
  return lines.map((line) =>
    line.replaceAll("\r\n", "\n")
      .replace(/^Received: from client\.example\.test.*/s, OWN)
      .replace(/^(Date): \w+, .* (GMT|\(UTC\))$/, "$1: OWN")
      .replace(/^(Message-Id): <.*@mx\.example\.test>$/, "$1: OWN")
  );
}

/** An address with its arguments, sorted, without those that an MTA adds by itself. */
function partyOf(line: string): string {
  const [address = "", ...words] = line.split(" ");
  const own = (word: string) => /^(SIZE|BODY)=/.test(word) || word === `ORCPT=rfc822;${address.slice(1, -1)}`;
  return [address, ...words.filter((word) => !own(word)).sort()].join(" ");
}

/** Where a long text parts from another. */
function around(text: string, other: string): string {
  let at = 0;
  while (at < text.length && text[at] === other[at]) at++;
  return `${text.length} bytes, at ${at}: ${JSON.stringify(text.slice(Math.max(0, at - 20), at + 40))}`;
}
