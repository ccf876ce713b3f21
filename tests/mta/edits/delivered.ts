/**
 * Mails as they are sent and as they are to be delivered. All text is one character per byte, as on the wire; a header is
 * written as its line, folds as `\n`.
 */

import { decodeWords } from "../../../src/mime/mod.ts";
import { assertEquals, delay } from "../../harness.ts";
import type { Mta } from "../mta.ts";
import { bodyOf, type Mail } from "../smtp_sink.ts";

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
