/** The models against what real MTAs did: the same edits must give the same delivered message, byte for byte. */

import { type Decision, EditedMessage } from "../../src/mta/edited_message.ts";
import type { Party } from "../../src/mta/envelope.ts";
import { type Mail, type MailField, parseMail } from "../../src/mta/mail.ts";
import { sentBytes } from "../../src/mta/sent_mail.ts";
import { type Agreement, decodeCommand, decodeReply, decodeText, PROTOCOL } from "../../src/protocol/mod.ts";
import { concat, latin1 } from "../bytes.ts";
import { assert, assertEquals, test } from "../harness.ts";
import { type Conversation, type Delivered, type Recording, RECORDINGS } from "../transcripts.ts";

/** The scenarios that are about edits. */
const ABOUT_EDITS = /\/(mod|replbody|chgheader|two-filters)-/;

/** What the models do not follow, and why. */
const UNCLOSED =
  "each MTA makes something of its own of an address whose bracket is not closed; no session sends one";
const EXCEPTIONS: Readonly<Record<string, string>> = {
  "postfix/mod-addrcpt-bad": UNCLOSED,
  "sendmail/mod-addrcpt-bad": UNCLOSED,
};

/** Payloads that were too long to be recorded whole, by their length. */
const LONG: Readonly<Record<number, Uint8Array>> = {
  4008: latin1(`X-Long\0${"word ".repeat(800)}\0`),
  65535: latin1(`${"A".repeat(98)}\r\n`.repeat(655) + `${"B".repeat(33)}\r\n`),
  200000: latin1(`${"C".repeat(98)}\r\n`.repeat(2000)),
};

for (const recording of RECORDINGS.filter(({ name }) => ABOUT_EDITS.test(name))) {
  const { name } = recording;
  test(
    `edits give what was recorded: ${name}`,
    { ignore: EXCEPTIONS[name] ?? false },
    () => replay(recording),
  );
}

async function replay(recording: Recording): Promise<void> {
  const { mta, smtp, delivered: [delivered, ...more], conversations } = recording;
  assertEquals(more, []);
  const end = smtp.findIndex((line) => / bytes of message>/.test(line));
  const answer = smtp[end + 1]!.slice("S: ".length);
  const queueId = /queued as (\w+)|(\w+) Message accepted/.exec(answer)?.slice(1).find(Boolean) ?? "";
  const seen = conversations.map((conversation) => new Seen(conversation));
  const first = seen.find(({ fields }) => fields.length > 0) ?? seen[0]!;
  const message = new EditedMessage(first.mail, {
    mta,
    agreement: first.agreement,
    ...envelopeOf(smtp),
    queueId,
    own: ownValues(delivered),
  });

  let decision: Decision | undefined;
  for (const { replies } of seen.filter(({ ended }) => ended)) {
    for (const packet of replies) decision = message.take(decodeReply(packet));
    if (decision?.outcome !== "accepted") break;
  }

  assert(decision !== undefined);
  if (!message.envelope.complaints.some((text) => text.startsWith("bad argument")) || mta === "postfix") {
    assertEquals(decision.reply, answer);
  } else assertEquals(answer, "olderrors=0, Errors=1"); // A line that Sendmail lets slip.
  assertEquals(decision.outcome === "accepted", delivered !== undefined);
  if (delivered === undefined) return;

  const { sender, recipients } = message.envelope;
  assertEquals(partyOf(delivered.mail), sender);
  assertEquals(delivered.rcpt.map(partyOf).sort(byAddress), [...recipients].sort(byAddress));
  await assertDelivered(sentBytes(message.mail, mta), delivered);
}

/** What a filter saw and said. */
class Seen {
  readonly agreement: Agreement;
  readonly fields: MailField[] = [];
  readonly mail: Mail;
  /** What it said at the end of the message, if it came so far. */
  readonly replies: readonly Uint8Array[];
  readonly ended: boolean;

  constructor({ exchanges }: Conversation) {
    const agreement = decodeReply(exchanges[0]!.replies[0]!);
    assert(agreement.type === "negotiate");
    this.agreement = agreement;
    const keeps = (agreement.protocol & PROTOCOL.LEADING_SPACE) !== 0;
    const body: Uint8Array[] = [];
    for (const { command } of exchanges) {
      const event = decodeCommand(command);
      if (event.type === "body") body.push(event.chunk);
      if (event.type === "header" && !isMade(event)) {
        this.fields.push({ name: event.name, value: concat([latin1(keeps ? "" : " "), event.value]) });
      }
    }
    this.mail = { mailboxLine: undefined, headers: this.fields, body: concat(body) };
    const last = exchanges.find(({ command }) => command[0] === "E".charCodeAt(0));
    this.ended = last !== undefined;
    this.replies = last?.replies.map(whole) ?? [];
  }
}

/** A packet with the payload that was left out when it was recorded. */
function whole(packet: Uint8Array): Uint8Array {
  const payload = LONG[packet.length - 1];
  return payload === undefined ? packet : concat([packet.subarray(0, 1), payload]);
}

/** Whether Postfix has made this header because it was missing. */
function isMade({ name, value }: MailField): boolean {
  const text = decodeText(value);
  switch (decodeText(name)) {
    case "Message-Id":
      return !text.includes("m1@example.test");
    case "Date":
      return !text.includes("2024");
    case "From":
      return !text.includes("Sender <");
    default:
      return false;
  }
}

/** What the MTA made itself, as it was delivered: it holds the time and an id. */
function ownValues(delivered: Delivered | undefined): Record<string, Uint8Array> {
  if (delivered === undefined) return {};
  const { headers } = parseMail(latin1(delivered.data ?? delivered.head!));
  const own = headers.filter((field) => isMade(field) || /\bwith ESMTP id\b/.test(decodeText(field.value)));
  const keys: Record<string, string> = {
    "Received": "received",
    "Date": "date",
    "From": "from",
    "Message-Id": "messageId",
  };
  return Object.fromEntries(own.map(({ name, value }) => [keys[decodeText(name)], value.subarray(1)]));
}

/** Who the client named, and the MTA and the filters did not refuse. */
function envelopeOf(
  smtp: readonly string[],
): { readonly sender: Party; readonly recipients: readonly Party[] } {
  const accepted = smtp.filter((_, at) => smtp[at + 1]?.startsWith("S: 250"));
  const parties = (command: string) =>
    accepted.filter((line) => line.startsWith(`C: ${command}:`)).map(partyOf);
  return { sender: parties("MAIL FROM")[0]!, recipients: parties("RCPT TO") };
}

/** What is left out: the size, which the client computes, and the original recipient where it is this one. */
function partyOf(line: string): Party {
  const [, address = "", rest = ""] = /<(.*)>(.*)$/.exec(line) ?? [];
  const words = rest.split(" ").filter((word) =>
    word !== "" && !word.startsWith("SIZE=") && word !== `ORCPT=rfc822;${address}`
  );
  return { address, arguments: words.sort() };
}

function byAddress(one: Party, other: Party): number {
  return one.address < other.address ? -1 : 1;
}

async function assertDelivered(
  actual: Uint8Array,
  { data, head, tail, len, sha256 }: Delivered,
): Promise<void> {
  const text = String.fromCharCode(...actual.subarray(0, 100_000));
  if (data !== undefined) return assertEquals(text, data);
  assertEquals(text.slice(0, head!.length), head);
  assertEquals(String.fromCharCode(...actual.subarray(-tail!.length)), tail);
  assertEquals(actual.length, len);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", actual.slice()));
  assertEquals([...digest].map((byte) => byte.toString(16).padStart(2, "0")).join(""), sha256);
}
