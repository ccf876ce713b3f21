/** Random mails with random edits: what is delivered is what a plain list says. `KILTER_SEED=…` repeats a failure. */

import process from "node:process";
import { accept, type Header, type HeaderPlace, type Headers, serve, type Session } from "../../../mod.ts";
import { latin1 } from "../../bytes.ts";
import { Random } from "../../harness.ts";
import { deliver, open } from "../mail.ts";
import { testOnEachMta } from "../on_each_mta.ts";
import { SmtpClient } from "../smtp_client.ts";
import { assertDelivered, type Delivered, messageOf, nextMail, OWN, type Sent } from "./delivered.ts";

const RUNS = 30;
const FIRST_SEED = Number(process.env["KILTER_SEED"] ?? Date.now() >>> 0);

const NAMES = ["X-A", "x-a", "X-B", "X-C", "Subject", "Received", "To", "Date", "From", "Message-Id"];
const ADDRESSES = ["one", "two", "three", "four"].map((name) => `${name}@example.test`);

/** A header of the wished list, which keeps its place when it is deleted. */
interface Item {
  readonly header: Header;
  line: string;
  gone: boolean;
}

/** Edits the headers of a session, and keeps a plain list of what is wished. */
class WishedHeaders {
  readonly #headers: Headers;
  /** All from the top. What a filter appends is below the bottom of what came. */
  readonly #list: (Item | "own" | "bottom")[];

  constructor(headers: Headers, received: readonly Header[], lines: readonly string[]) {
    this.#headers = headers;
    const items = received.map((header, at): Item => ({ header, line: lines[at]!, gone: false }));
    this.#list = ["own", ...items, "bottom"];
  }

  /** What is to be delivered. */
  get lines(): string[] {
    return this.#list.flatMap((item) => item === "own" ? [OWN] : isThere(item) ? [item.line] : []);
  }

  /** Those that can be edited. */
  get items(): Item[] {
    return this.#list.filter(isThere);
  }

  /** Those that an index counts: below the MTA's own Received, and none that was appended. */
  get counted(): Item[] {
    return this.#list.slice(this.#list.indexOf("own"), this.#list.indexOf("bottom")).filter(isThere);
  }

  insert(name: string, value: string, place: HeaderPlace): void {
    const header = this.#headers.insert(name, value, place);
    this.#list.splice(this.#indexOf(place), 0, { header, line: `${name}: ${value}`, gone: false });
  }

  update(item: Item, value: string): void {
    this.#headers.update(item.header, value);
    item.line = `${item.header.name}: ${value}`;
  }

  delete(item: Item): void {
    this.#headers.delete(item.header);
    item.gone = true;
  }

  #indexOf(place: HeaderPlace): number {
    const list = this.#list;
    if (place === "start") return 0;
    if (place === "end") return list.length;
    if (place === "belowReceived") return list.indexOf("own") + 1;
    if (typeof place === "number") return list.indexOf(this.counted[place] ?? "bottom");
    const beside = "before" in place ? place.before : place.after;
    const at = list.findIndex((item) => isItem(item) && item.header === beside);
    return "before" in place ? at : at + 1;
  }
}

function isItem(item: Item | "own" | "bottom"): item is Item {
  return typeof item === "object";
}

function isThere(item: Item | "own" | "bottom"): item is Item {
  return isItem(item) && !item.gone;
}

/** One random mail: what the client sends, what the filter does with it, and what is to come of that. */
class RandomMail {
  readonly sent: Sent;
  readonly #random: Random;
  #number = 0;
  #wished: Delivered = {};

  constructor(random: Random) {
    this.#random = random;
    // Sendmail would make these, at a place of its own.
    const needed = [
      "From: a@example.test",
      "Message-Id: <m@example.test>",
      "Date: Mon, 1 Jan 2024 00:00:00 +0000",
    ];
    const headers = [...needed, ...random.list(random.below(15), () => this.#line())];
    this.sent = {
      headers: headers.map((line) => [random.uint32(), line] as const).sort().map(([, line]) => line),
      body: random.list(
        random.below(4),
        () => random.pick(["a line\r\n", "\r\n", ".\r\n", "gr\xfc\xdfe\r\n"]),
      ).join(""),
      from: "<sender@example.test>",
      to: random.chance() ? ["<one@example.test>"] : ["<one@example.test>", "<two@example.test>"],
    };
  }

  /** What is to be delivered. */
  get wished(): Sent & Delivered {
    return { ...this.sent, ...this.#wished };
  }

  async edit(session: Session): Promise<void> {
    const random = this.#random;
    const wish = new WishedHeaders(session.headers, await session.headers.collect(), this.sent.headers);
    for (let edits = random.below(20); edits > 0; edits--) this.#editHeaders(wish);
    this.#wished = { headers: wish.lines, ...this.#editBody(session), ...this.#editEnvelope(session) };
    if (random.chance()) await session.endOfMessage();
  }

  #editHeaders(wish: WishedHeaders): void {
    const random = this.#random;
    const { items, counted } = wish;
    const kind = items.length === 0 ? 0 : random.below(5);
    if (kind === 3) {
      const item = random.pick(items);
      wish.update(item, this.#value(item.header.name));
    } else if (kind === 4) wish.delete(random.pick(items));
    else {
      const name = random.pick(NAMES);
      const places: HeaderPlace[] = ["start", "belowReceived", "end", random.between(0, counted.length)];
      if (items.length > 0) {
        const { header } = random.pick(items);
        places.push({ before: header }, { after: header });
      }
      wish.insert(name, this.#value(name), random.pick(places));
    }
  }

  #editBody({ body }: Session): Delivered {
    const random = this.#random;
    if (random.chance(0.6)) return {};
    const text = `${random.pick(["new\r\n", ".\r\n", "\r\n", ""])}${"x".repeat(70)}\r\n`.repeat(
      random.below(2_000),
    );
    body.replace(random.chance() ? text : latin1(text));
    return { body: text };
  }

  #editEnvelope(session: Session): Delivered {
    const random = this.#random;
    const to = new Set(this.sent.to);
    for (let edits = random.below(5); edits > 0; edits--) {
      const address = random.pick(ADDRESSES);
      if (random.chance()) {
        session.addRecipient(address);
        to.add(`<${address}>`);
      } else if (to.size > 1 || !to.has(`<${address}>`)) {
        session.removeRecipient(address);
        to.delete(`<${address}>`);
      }
    }
    const sender = random.pick([undefined, undefined, "", "new@example.test"]);
    if (sender === undefined) return { to: [...to] };
    session.changeSender(sender);
    return { to: [...to], from: `<${sender}>` };
  }

  /** A header as clients write it: some have no blank after the colon, or many. */
  #line(): string {
    const name = this.#random.pick(NAMES);
    const blank = isAddressed(name) ? " " : this.#random.pick([" ", " ", "", "  ", "\t"]);
    return `${name}:${blank}${this.#value(name)}`;
  }

  /** A value other than all before. */
  #value(name: string): string {
    const number = this.#number++;
    if (isAddressed(name)) return `u${number}@example.test`;
    if (name === "Message-Id") return `<m${number}@example.test>`;
    return this.#random.pick([
      `v${number}`,
      `v${number}`,
      `v${number}\n folded`,
      `v${number}\n\tfolded  `,
      ` v${number}`,
    ]);
  }
}

/** Whether Sendmail writes a header anew if it does not look like its own. */
function isAddressed(name: string): boolean {
  return name === "From" || name === "To";
}

testOnEachMta(`random edits of ${RUNS} mails`, async (mta, options) => {
  let mail: RandomMail | undefined;
  await using _server = await serve(async (session) => {
    await session.envelopeFrom();
    await mail!.edit(session);
    return accept();
  }, options);
  const client = SmtpClient.to(mta.smtp);
  await open(client);
  for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
    mail = new RandomMail(new Random(seed));
    const count = mta.delivered().length;
    await deliver(client, { ...mail.sent, message: messageOf(mail.sent) });
    assertDelivered(await nextMail(mta, count), mail.wished, `KILTER_SEED=${seed}`);
  }
  await client.quit();
});
