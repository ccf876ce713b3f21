/**
 * Plans, applied to the models of both MTAs, give the headers as they were wished. What the models do is held to the
 * MTAs themselves in `mta_model/` and `mta/`.
 */

import type { Header, HeaderPlace, MtaProfile } from "../../mod.ts";
import { type HeaderList, OWN_VALUES } from "../../src/mta/header_list.ts";
import type { MailField } from "../../src/mta/mail.ts";
import { PostfixHeaders } from "../../src/mta/postfix_headers.ts";
import { SendmailHeaders } from "../../src/mta/sendmail_headers.ts";
import { type Agreement, PROTOCOL } from "../../src/protocol/mod.ts";
import { Edits } from "../../src/session/edits/edits.ts";
import type { Plan } from "../../src/session/edits/plan.ts";
import { planEdits } from "../../src/session/edits/planner.ts";
import { NewHeader, ReceivedHeader } from "../../src/session/header.ts";
import { decodeText, encodeText } from "../../src/wire/text.ts";
import { assertEquals, property, type Random } from "../harness.ts";

/** What an MTA says of itself, and what Sendmail makes where it is missing. */
const OWN = `Received: ${OWN_VALUES.received}`;
const MADE = [`Date: ${OWN_VALUES.date}`, `From: ${OWN_VALUES.from}`, `Message-Id: ${OWN_VALUES.messageId}`];

type Mta = Exclude<MtaProfile, "unknown">;

const MODELS: Readonly<Record<Mta, typeof PostfixHeaders | typeof SendmailHeaders>> = {
  postfix: PostfixHeaders,
  sendmail: SendmailHeaders,
};

const MTAS: readonly Mta[] = ["postfix", "sendmail"];

/** A message in the hands of an MTA, as a filter sees it and edits it. */
class Letter {
  readonly mta: Mta;
  readonly model: HeaderList;
  readonly headers: readonly Header[];
  readonly edits: Edits;
  readonly #agreement: Agreement;

  constructor(mta: Mta, lines: readonly string[], leadingSpace = true) {
    this.mta = mta;
    this.model = new MODELS[mta](lines.map(field), { leadingSpace });
    const sent = (value: Uint8Array) => leadingSpace || value[0] !== 0x20 ? value : value.subarray(1);
    this.headers = this.model.shown.map(({ name, value }) => new ReceivedHeader(name, sent(value)));
    this.edits = new Edits({ headers: this.headers, utf8: false });
    const protocol = leadingSpace ? PROTOCOL.LEADING_SPACE : 0;
    this.#agreement = { type: "negotiate", version: 6, actions: 0x1ff, protocol, macros: [] };
  }

  plan(profile: MtaProfile = this.mta): Plan {
    return planEdits(this.edits, { agreement: this.#agreement, profile, recipients: [] });
  }

  /** The headers as the MTA delivers them after a plan, but those that Sendmail makes at places of its own. */
  deliver({ steps }: Plan): string[] {
    for (const { reply } of steps) {
      if (reply.type === "addHeader") this.model.add(reply.name, reply.value);
      else if (reply.type === "insertHeader") this.model.insert(reply.index, reply.name, reply.value);
      else if (reply.type === "changeHeader") this.model.change(reply.index, reply.name, reply.value);
    }
    return this.model.delivered()
      .map(({ name, value }) => `${decodeText(name)}:${decodeText(value)}`)
      .filter((line) => this.mta === "postfix" || !MADE.includes(line));
  }
}

function field(line: string): MailField {
  const colon = line.indexOf(":");
  return { name: encodeText(line.slice(0, colon)), value: encodeText(line.slice(colon + 1)) };
}

/** The list as wished, kept in the plainest way. */
class Wish {
  readonly #letter: Letter;
  #list: (Header | "own" | "bottom")[];
  readonly #gone = new Set<Header>();
  readonly #updated = new Map<Header, string>();

  constructor(letter: Letter) {
    this.#letter = letter;
    this.#list = ["own", ...letter.headers, "bottom"];
  }

  /** The headers that are there. */
  get headers(): Header[] {
    return this.#list.filter((item): item is Header => typeof item === "object" && !this.#gone.has(item));
  }

  /** The highest index that a header can be inserted at. */
  get last(): number {
    const list = this.#list.slice(this.#list.indexOf("own"), this.#list.indexOf("bottom"));
    return list.filter((item) => typeof item === "object" && !this.#gone.has(item)).length;
  }

  add(name: string, value: string, place: HeaderPlace): void {
    const header = this.#letter.edits.addHeader(name, value, place);
    const list = this.#list;
    const under = list.indexOf("own") + 1;
    const at = place === "start"
      ? 0
      : place === "belowReceived"
      ? under
      : place === "end"
      ? list.length
      : typeof place === "number"
      ? this.#placeOf(place, under)
      : "before" in place
      ? list.indexOf(place.before)
      : list.indexOf(place.after) + 1;
    list.splice(at, 0, header);
  }

  update(header: Header, value: string): void {
    this.#letter.edits.updateHeader(header, value);
    this.#updated.set(header, value);
  }

  delete(header: Header): void {
    this.#letter.edits.deleteHeader(header);
    this.#gone.add(header);
  }

  /** The lines that are to be delivered. */
  lines(): string[] {
    return this.#list.filter((item) => item !== "bottom").flatMap((item) => {
      if (item === "own") return [OWN];
      if (this.#gone.has(item)) return [];
      const received = this.#letter.headers.indexOf(item);
      const value = this.#updated.get(item) ?? (item instanceof NewHeader ? item.wire : undefined);
      if (value !== undefined) return [`${item.name}: ${value}`];
      const shown = this.#letter.model.shown[received]!;
      return [`${decodeText(shown.name)}:${decodeText(shown.value)}`];
    });
  }

  #placeOf(index: number, under: number): number {
    let at = under;
    for (let passed = 0; this.#list[at] !== "bottom"; at++) {
      const item = this.#list[at];
      if (typeof item === "object" && this.#gone.has(item)) continue;
      if (passed === index) break;
      passed++;
    }
    return at;
  }
}

/** Names with and without namesakes, in several spellings; some that MTAs make themselves. */
const NAMES = ["X-A", "x-a", "X-B", "X-C", "Subject", "Received", "To"] as const;
const MADE_NAMES = ["Date", "From", "Message-Id"] as const;
const VALUES = ["", " ", " one", "\ttab", " two\n folded", "  spaces"] as const;

function randomLetter(random: Random, mta: Mta): Letter {
  const count = random.chance(0.1) ? 0 : random.between(1, 12);
  const lines = random.list(count, () => `${random.pick([...NAMES, ...MADE_NAMES])}:${random.pick(VALUES)}`);
  return new Letter(mta, lines, random.chance());
}

function randomEdits(random: Random, letter: Letter, names: readonly string[]): Wish {
  const wish = new Wish(letter);
  for (let edit = random.between(1, 10); edit > 0; edit--) {
    const { headers } = wish;
    const kind = random.below(headers.length === 0 ? 1 : 4);
    if (kind < 2) {
      const beside = random.chance() && headers.length > 0 ? random.pick(headers) : undefined;
      const place: HeaderPlace = beside !== undefined
        ? random.chance() ? { before: beside } : { after: beside }
        : random.pick(["start", "belowReceived", "end", random.between(0, wish.last)]);
      wish.add(random.pick(names), random.chance(0.2) ? `new ${edit}\n folded` : `new ${edit}`, place);
    } else if (kind === 2) wish.update(random.pick(headers), `changed ${edit}`);
    else wish.delete(random.pick(headers));
  }
  return wish;
}

for (const mta of MTAS) {
  property(`Plan for ${mta} gives the headers as wished`, { runs: 20_000 }, (random) => {
    const letter = randomLetter(random, mta);
    const names = random.chance(0.3) ? [...NAMES, ...MADE_NAMES] : NAMES;
    const wish = randomEdits(random, letter, names);
    const plan = letter.plan();
    if (mta === "postfix" || names === NAMES) assertEquals(plan.warnings, []);
    const delivered = letter.deliver(plan);
    // Where Sendmail has a place of its own for a header, the plan says so.
    const moved = plan.warnings.length > 0;
    assertEquals(
      moved ? delivered.sort() : delivered,
      moved ? wish.lines().sort() : wish.lines(),
      plan.explain(),
    );
  });

  property(
    `Plan for an unknown MTA is right on ${mta}, or says that it may not be`,
    { runs: 20_000 },
    (random) => {
      const letter = randomLetter(random, mta);
      const wish = randomEdits(random, letter, NAMES);
      const plan = letter.plan("unknown");
      const delivered = letter.deliver(plan);
      const unsure = plan.warnings.length > 0;
      assertEquals(
        unsure ? delivered.sort() : delivered,
        unsure ? wish.lines().sort() : wish.lines(),
        plan.explain(),
      );
    },
  );
}
