/**
 * The MTA in memory against the real ones: the SMTP clients of the transcripts, and their filters as they answered
 * then. It must say the same to both.
 */

import type { StreamPair } from "../../mod.ts";
import { type Mail, mailBytes, type MailField } from "../../src/mta/mail.ts";
import type { DefaultAction } from "../../src/mta/smtp_replies.ts";
import { decodeCommand, decodeReply, decodeText, Framer, Macros, PROTOCOL } from "../../src/protocol/mod.ts";
import { StreamSocket } from "../../src/adapters/stream.ts";
import { Dialogue } from "../../src/client/dialogue.ts";
import { checkParty } from "../../src/client/options.ts";
import { Milter } from "../../src/client/milter.ts";
import { SmtpSession } from "../../src/client/smtp_session.ts";
import { checkSettings } from "../../src/testing/options.ts";
import { concat, frame, latin1 } from "../bytes.ts";
import { assertEquals, test } from "../harness.ts";
import { memoryPair } from "../wires.ts";
import { type Conversation, type Exchange, type Recording, RECORDINGS } from "../transcripts.ts";

/** What is not played, by name, and why. */
const LEFT_OUT: readonly (readonly [name: RegExp, why: string])[] = [
  [/\/xclient-|postfix\/resp-rcpt-d$/, "more than one connection to a filter"],
  [/\/local-/, "no SMTP client"],
  [/\/(slow|unix-socket|filter-down)|-stall$/, "about time and sockets"],
  [/-(partial|garbage|large-16m|toolarge|zerolen)$/, "no packets"],
  [/\/optneg-|-optneg-/, "the filter does not negotiate as one should"],
  [/\/resp-\w+-(4|f|s|p|mod|nonul|y250|ybad|ypct|c-data|unknown)$/, "the filter answers as none should"],
  [
    /unnegotiated|nr-all-reject-rcpt-anyway|\/replbody-|-200k-one-frame|-1500k-mds/,
    "the filter does what was not agreed",
  ],
  [
    /mail-size-too-large|sendmail\/(mail-smtputf8|rcpt-syntax|body-barecr|body-dots)/,
    "the MTA itself refuses",
  ],
  [/sendmail\/mod-addrcpt-par-bad/, "Sendmail lets a line slip that is no answer"],
];

for (const recording of RECORDINGS) {
  const why = LEFT_OUT.find(([pattern]) => pattern.test(recording.name))?.[1];
  if (why === undefined) {
    test(`the MTA in memory does as recorded: ${recording.name}`, () => replay(recording));
  }
}

async function replay({ name, mta, smtp, conversations }: Recording): Promise<void> {
  const dialogue = new Dialogue();
  // Two filters in a row; in all other recordings there is one, which may have been called several times.
  const rows = name.includes("two-filters") ? conversations : conversations.slice(0, 1);
  const exchanges = rows[0]!.exchanges;
  const offer = decodeCommand(exchanges[0]!.command);
  if (offer.type !== "negotiate") throw new Error("no offer");
  const settings = checkSettings({
    mta,
    client: { name: "localhost", address: "127.0.0.1", port: portOf(exchanges) },
    helo: smtp.find((line) => line.startsWith("C: EHLO "))?.slice(8) ?? null,
    hostname: "mx.example.test",
    negotiate: { version: offer.version as 6, actions: offer.actions, protocol: offer.protocol },
    unknownRecipients: ["nouser@example.test", "x@bad.test"],
    defaultAction: defaultActionOf(name),
    timeout: 1000,
  });
  const filters = rows.map((conversation) => new RecordedFilter(conversation.exchanges));
  const milters = filters.map((filter) => new Milter(filter, settings, dialogue));
  const session = new SmtpSession(milters, settings, dialogue);
  const shown = rows.map(messageOf).find(({ headers }) => headers.length > 0) ?? messageOf(rows[0]!);
  const answers = await playClient(session, smtp, mailBytes(shown));
  assertEquals(answers.map(([, ours]) => comparable(ours)), answers.map(([theirs]) => comparable(theirs)));
  for (const [at, { said }] of filters.entries()) {
    assertEquals(said.map(show), rows[at]!.exchanges.map(({ command }) => show(command)));
  }
}

/** A filter that says what was recorded, and notes what is said to it. */
class RecordedFilter {
  readonly name = "recorded";
  readonly said: Uint8Array[] = [];
  readonly #exchanges: readonly Exchange[];

  constructor(exchanges: readonly Exchange[]) {
    this.#exchanges = exchanges;
  }

  open(): Promise<StreamSocket> {
    const [ours, theirs] = memoryPair();
    recordedFilter(theirs, this.#exchanges, this.said).catch(() => {}); // The MTA has closed.
    return Promise.resolve(new StreamSocket(ours));
  }
}

/** A filter that answers each command as it did when it was recorded. */
async function recordedFilter(
  { readable, writable }: StreamPair,
  exchanges: readonly Exchange[],
  said: Uint8Array[],
): Promise<void> {
  const framer = new Framer(1 << 20);
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  for await (const chunk of readable) {
    framer.push(chunk);
    for (let packet = framer.next(); packet !== undefined; packet = framer.next()) {
      const { replies = [], garbage } = exchanges[said.length] ?? {};
      said.push(packet);
      const bytes = concat([...replies.map(frame), garbage ?? new Uint8Array(0)]);
      if (bytes.length > 0) writer.write(bytes).catch(() => {});
      if (said.length === exchanges.length) writer.close().catch(() => {});
    }
  }
}

/** Says what the client said, and gives the answers: what it was told then, and what now. */
async function playClient(
  session: SmtpSession,
  smtp: readonly string[],
  mail: Uint8Array,
): Promise<[string, string][]> {
  const answers: [string, string][] = [];
  const compare = (theirs: string | undefined, ours = session.last!.full) => {
    if (theirs !== undefined) answers.push([theirs.slice(3).replaceAll(" | ", "\n"), ours]);
  };
  await session.connect();
  compare(smtp[0]);
  for (const [at, line] of smtp.entries()) {
    if (!line.startsWith("C: ")) continue;
    const said = decodeText(latin1(line.slice(3)));
    const told = smtp[at + 1];
    // Out of order: the MTAs' own affair, of which no filter hears. And the connection may be gone.
    if (/^S: (50[13] |<)/.test(told ?? "") || (!session.open && told !== undefined)) continue;
    if (/^(RCPT|DATA)/.test(said) && !session.busy) continue;
    const [, verb = "", argument = ""] = /^(MAIL FROM:|RCPT TO:|[A-Za-z]+|<)\s*(.*)$/.exec(said) ?? [];
    if (verb === "EHLO") await session.greet();
    else if (verb === "MAIL FROM:") compare(told, (await session.mail(checkParty("from", argument))).full);
    else if (verb === "RCPT TO:") compare(told, (await session.rcpt(checkParty("to", argument))).full);
    else if (verb === "DATA") compare(told, (await session.data()).full);
    else if (said.includes("bytes of message> .")) compare(told, (await session.message(mail)).answer.full);
    else if (said.includes("bytes of message>")) continue;
    else if (said === "<disconnect>") await session.vanish();
    else if (verb === "RSET") compare(told, (await session.reset()).full);
    else if (verb === "QUIT") compare(told, (await session.quit()).full);
    else if (/^S: [45]/.test(told!) && !/^(VRFY|ETRN)/.test(said)) {
      compare(told, (await session.unknown(said)).full);
    }
  }
  if (session.open) await session.quit();
  return answers;
}

/** What differs each time: ids, dates, host names of EHLO. */
function comparable(answer: string): string {
  if (/^220 /.test(answer)) return "220";
  return answer.replace(/queued as \w+|\w{14} Message/, "ID").replace(
    /: [^:]*(no such user|User unknown)$/,
    ": unknown",
  )
    .replace(/\.\.\. .*(no such user|[Uu]ser unknown).*$/, "... unknown").trimEnd();
}

/** A command with what differs each time left out. */
function show(packet: Uint8Array): string {
  const command = decodeCommand(packet);
  if (command.type === "macros") {
    const names = Object.keys(Macros.none.define(command.stage, command.definitions).toObject());
    return `macros ${command.stage} ${names.join(" ")}`;
  }
  if (command.type === "header" && isMade(command)) return `header ${decodeText(command.name)} MADE`;
  const { type, ...fields } = command;
  const values = Object.values(fields).map((value) => {
    if (!(value instanceof Uint8Array)) return JSON.stringify(value, (_, part) => plain(part));
    return value.length > 200 ? `${value.length} bytes` : plain(value);
  });
  return [type, ...values].join(" ");
}

function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? decodeText(value) : value;
}

/** The message as far as the filter saw it. */
function messageOf({ exchanges }: Conversation): Mail {
  const agreement = exchanges[0]!.replies[0];
  const reply = agreement && decodeReply(agreement);
  const keeps = reply?.type === "negotiate" && (reply.protocol & PROTOCOL.LEADING_SPACE) !== 0;
  const headers: MailField[] = [];
  const body: Uint8Array[] = [];
  for (const { command } of exchanges) {
    const event = decodeCommand(command);
    if (event.type === "body") body.push(event.chunk);
    if (event.type === "header" && !isMade(event)) {
      headers.push({ name: event.name, value: concat([latin1(keeps ? "" : " "), event.value]) });
    }
  }
  return { mailboxLine: undefined, headers, body: concat(body) };
}

/** Whether Postfix has made this header because it was missing. */
function isMade({ name, value }: MailField): boolean {
  const text = decodeText(value);
  switch (decodeText(name)) {
    case "Message-Id":
      return text.includes("@mx.example.test>");
    case "Date":
      return !text.includes("2024");
    case "From":
      return text.trim() === "sender@example.test";
    default:
      return false;
  }
}

function portOf(exchanges: readonly Exchange[]): number {
  for (const { command } of exchanges) {
    const event = decodeCommand(command);
    if (event.type === "connect") return event.port ?? 0;
  }
  return 0;
}

/** `fail-reject-eom-close`, `fail-T-eom-close`: what the MTA did when the filter failed. */
function defaultActionOf(name: string): DefaultAction {
  const [, word = ""] = /\/fail-(\w+?)-/.exec(name) ?? [];
  const actions: Readonly<Record<string, DefaultAction>> = {
    accept: "accept",
    none: "accept",
    reject: "reject",
    R: "reject",
    quarantine: "quarantine",
    shutdown: "shutdown",
    F4: "shutdown",
  };
  return actions[word] ?? "tempfail";
}
