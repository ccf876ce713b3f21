/** The models of the MTAs (src/mta) against the MTAs: random messages, random edits, the same mail delivered. */

import process from "node:process";
import { EditedMessage } from "../../src/mta/edited_message.ts";
import type { Party } from "../../src/mta/envelope.ts";
import { parseMail } from "../../src/mta/mail.ts";
import { sentBytes } from "../../src/mta/sent_mail.ts";
import { decodeReply, encodeReply, PROTOCOL, type Reply, type Text } from "../../src/protocol/mod.ts";
import { latin1 } from "../bytes.ts";
import { assertEquals, Random } from "../harness.ts";
import { sendMail } from "./mail.ts";
import { testOnEachMta } from "./on_each_mta.ts";
import { RawFilter } from "./raw_filter.ts";
import type { Mail } from "./smtp_sink.ts";

const RUNS = 40;
const FIRST_SEED = Number(process.env["KILTER_SEED"] ?? 1);

/** Names of all kinds: plain ones, those that MTAs make, drop, or count in ways of their own. */
const NAMES = [
  ...[
    "X-A",
    "x-a",
    "X-B",
    "X-C",
    "Subject",
    "From",
    "DATE",
    "Date",
    "Message-Id",
    "To",
    "Cc",
    "Bcc",
    "Received",
  ],
  ...[
    "Return-Path",
    "Full-Name",
    "Content-Length",
    "Resent-From",
    "Resent-To",
    "Resent-Date",
    "resent-message-id",
  ],
];
const ADDRESSES = ["<one@example.test>", "<two@example.test>", "<Two@example.test>", "<new@example.test>"];

/** What the MTA says of a message by itself, other each time. */
const OWN = { received: "OWN", date: "OWN", from: "sender@example.test", messageId: "OWN" };

testOnEachMta("makes of edits what the model of it does", async (mta) => {
  await using filter = await RawFilter.listen(mta.milter);
  for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
    const random = new Random(seed);
    const texts = new Texts(random);
    const subject = `seed ${seed}`;
    const message = `X-Seed: 1\r\nSubject: ${subject}\r\n${texts.fields()}\r\n${texts.body()}`;
    const protocol = random.chance() ? PROTOCOL.LEADING_SPACE : 0;
    const replies: Reply<Text>[] = [...texts.edits(protocol !== 0), { type: "continue" }];
    const to = random.list(random.between(1, 3), () => random.pick(ADDRESSES));
    filter.script = { protocol, replies };

    const count = mta.delivered().length;
    assertEquals((await sendMail(mta, { message, to })).refused, {}, subject);

    const model = new EditedMessage(parseMail(latin1(message)), {
      mta: mta.name,
      agreement: { actions: 0x1ff, protocol },
      sender: { address: "sender@example.test", arguments: [] },
      recipients: to.map(partyOf),
      own: OWN,
    });
    for (const reply of replies) model.take(decodeReply(encodeReply(reply).subarray(4)));
    const { sender, recipients } = model.envelope;
    const shown = filter.headers.map(({ name, value }) => [text(name), text(value)]);
    assertEquals(
      shown.map(([name, value]) => withoutTimes(`${name}:${protocol === 0 ? " " : ""}${value}`)),
      model.headers.shown.map(({ name, value }) =>
        `${text(name)}:${protocol === 0 && value[0] !== 0x20 ? " " : ""}${text(value)}`
      ),
      `what the filter is shown, ${subject}`,
    );
    if (recipients.length === 0) continue;
    while (mta.delivered().length === count) await new Promise((resolve) => setTimeout(resolve, 5));
    const mail: Mail = mta.delivered()[count]!;
    assertEquals(withoutTimes(mail.data), text(sentBytes(model.mail, mta.name)), subject);
    assertEquals(partyOf(mail.from), sender, subject);
    assertEquals(mail.to.map(partyOf).sort(byText), [...recipients].sort(byText), subject);
  }
});

/** Random pieces of messages. */
class Texts {
  readonly #random: Random;
  #number = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  fields(): string {
    return this.#random.list(this.#random.below(8), () => {
      const name = this.#random.pick(NAMES);
      return `${name}: ${this.#value(name).replaceAll("\n", "\r\n")}\r\n`;
    }).join("");
  }

  body(): string {
    const lines = [
      "",
      "a line",
      ".",
      "..dots",
      "caf\xe9",
      `${"long ".repeat(this.#random.between(190, 900))}end`,
    ];
    return this.#random.list(this.#random.below(4), () => `${this.#random.pick(lines)}\r\n`).join("");
  }

  edits(leadingSpace: boolean): Reply<Text>[] {
    const random = this.#random;
    const header = () => {
      const name = random.pick(NAMES);
      return { name, value: (leadingSpace ? random.pick([" ", " ", ""]) : "") + this.#value(name) };
    };
    const address = () => random.pick(ADDRESSES);
    // Sendmail gives a recipient who was removed and comes back other arguments.
    const removes = random.chance();
    const kinds: readonly (() => Reply<Text>)[] = [
      () => ({ type: "addHeader", ...header() }),
      () => ({
        type: "insertHeader",
        index: random.pick([0, 0, 1, 2, 3, 5, 8, 9, 10, 11, 12, 100]),
        ...header(),
      }),
      () => ({ type: "changeHeader", index: random.pick([0, 1, 1, 1, 2, 3, 9]), ...header() }),
      () => ({ type: "changeHeader", index: random.pick([1, 1, 2, 3]), ...header(), value: "" }),
      () => ({ type: "addRecipient", address: address() }),
      removes
        ? () => ({ type: "removeRecipient", address: address() })
        : () => ({ type: "addRecipientWithArguments", address: address(), arguments: "NOTIFY=NEVER" }),
      () => ({ type: "changeSender", address: address(), arguments: random.pick([undefined, "RET=HDRS"]) }),
    ];
    const edits = random.list(random.below(12), () => random.pick(kinds)());
    if (random.chance(0.3)) {
      for (const chunk of random.split(latin1(this.body() + random.pick(["", "open end", "bare\nLF"])), 2)) {
        edits.push({ type: "replaceBody", chunk });
      }
    }
    return edits;
  }

  /** A value that the MTA does not write anew because it is no good address. */
  #value(name: string): string {
    const number = this.#number++;
    if (/^(resent-)?(from|to|cc|bcc)$/i.test(name)) return `u${number}@example.test`;
    if (/message-id$/i.test(name)) return `<m${number}@example.test>`;
    return this.#random.pick([`v${number}`, `v${number}\n fold`, `v${number}\n\tfold`, " two spaces", ""]);
  }
}

/** What the MTA makes itself holds the time and an id. */
function withoutTimes(headers: string): string {
  return headers
    .replace(/Received: from client\.example\.test.*\r\n(\t.*\r\n)*/, "Received: OWN\r\n")
    .replaceAll(/^((?:Resent-)?Date): \w+, .* (?:GMT|\(UTC\))$/gm, "$1: OWN")
    .replaceAll(/^((?:Resent-)?Message-Id): <.*@mx\.example\.test>$/gm, "$1: OWN");
}

function partyOf(line: string): Party {
  const [, address = "", rest = ""] = /<(.*)>(.*)$/.exec(line) ?? [];
  const words = rest.split(" ").filter((word) =>
    word !== "" && !word.startsWith("SIZE=") && word !== `ORCPT=rfc822;${address}`
  );
  return { address, arguments: words };
}

function byText(one: Party, other: Party): number {
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
}

function text(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
