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
import { Slice } from "../../src/wire/slice.ts";
import { decodeText, encodeText } from "../../src/wire/text.ts";
import { assertEquals, assertMatch, assertThrows, property, type Random, test } from "../harness.ts";

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
    this.headers = this.model.shown.map(({ name, value }) =>
      new ReceivedHeader(new Slice(name), new Slice(sent(value)))
    );
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

/** A message's headers, what is wished, and the steps that lead there. */
const PLANS: readonly {
  readonly what: string;
  readonly lines: readonly string[];
  readonly mta: MtaProfile;
  readonly edit: (edits: Edits, headers: readonly Header[]) => void;
  readonly steps: readonly string[];
  readonly warns?: RegExp;
}[] = [
  {
    what: "has no step for a header that is changed to what it was",
    lines: ["X-A: 1"],
    mta: "postfix",
    edit: (edits, [a]) => edits.updateHeader(a!, "1"),
    steps: ["No edits."],
  },
  {
    what: "has no step for a header that is added and deleted",
    lines: ["X-A: 1"],
    mta: "postfix",
    edit: (edits) => edits.deleteHeader(edits.addHeader("X-B", "2", "start")),
    steps: ["No edits."],
  },
  {
    what: "changes a header that is deleted and added anew in its place",
    lines: ["X-A: 1", "X-B: 2"],
    mta: "postfix",
    edit(edits, [a]) {
      edits.addHeader("x-a", "3", { after: a! });
      edits.deleteHeader(a!);
    },
    steps: ['1. change header x-a, the 1st of that name, to "3"'],
  },
  {
    what: "leaves a header alone on Sendmail, which would keep its old spelling",
    lines: ["X-A: 1", "X-B: 2"],
    mta: "sendmail",
    edit(edits, [a]) {
      edits.addHeader("x-a", "3", { after: a! });
      edits.deleteHeader(a!);
    },
    steps: [
      '1. delete header X-A, the 1st of that name: "1"',
      '2. insert header x-a: "3" at index 1, below the MTA\'s own Received',
    ],
  },
  {
    what: "adds what Sendmail makes itself at Sendmail's own place",
    lines: ["X-A: 1"],
    mta: "sendmail",
    edit: (edits) => void edits.addHeader("Message-Id", "<1@x.example>", "end"),
    steps: ['1. add header Message-Id: "<1@x.example>"'],
    warns: /^Sendmail has a place of its own for header Message-Id .* choose "belowReceived" for it$/,
  },
  {
    what: "says nothing of that place where it is the one that is wished",
    lines: ["X-A: 1"],
    mta: "sendmail",
    edit: (edits) => void edits.addHeader("Message-Id", "<1@x.example>", "belowReceived"),
    steps: ['1. add header Message-Id: "<1@x.example>"'],
  },
  {
    what: "inserts a second one of what Sendmail makes itself where it is wished",
    lines: ["Date: 1", "X-A: 1"],
    mta: "sendmail",
    edit: (edits, [, a]) => void edits.addHeader("Date", "2", { after: a! }),
    steps: ['1. insert header Date: "2" at index 2147483647, below all headers'],
  },
  {
    what: "says what Sendmail does not send on",
    lines: ["X-A: 1"],
    mta: "sendmail",
    edit: (edits) => void edits.addHeader("Return-Path", "<a@x.example>", "start"),
    steps: ['1. insert header Return-Path: "<a@x.example>" at index 0, above all headers'],
    warns: /^Sendmail does not send header Return-Path on: choose another name for it$/,
  },
  {
    what: "says what Sendmail does not send on of a message that nobody has resent",
    lines: ["X-A: 1"],
    mta: "sendmail",
    edit: (edits) => void edits.addHeader("Resent-To", "<a@x.example>", "start"),
    steps: ['1. insert header Resent-To: "<a@x.example>" at index 0, above all headers'],
    warns: /^Sendmail does not send header Resent-To on/,
  },
  {
    what: "sends that on of a message that somebody has",
    lines: ["Resent-From: <b@x.example>"],
    mta: "sendmail",
    edit: (edits) => void edits.addHeader("Resent-To", "<a@x.example>", "start"),
    steps: ['1. insert header Resent-To: "<a@x.example>" at index 0, above all headers'],
  },
  {
    what: "counts as Postfix does where the MTA is not known, and says so",
    lines: ["X-A: 1", "X-B: 2"],
    mta: "unknown",
    edit: (edits, [a]) => void edits.addHeader("X-C", "3", { after: a! }),
    steps: ['1. insert header X-C: "3" at index 2, below X-A'],
    warns: /^The MTA, which has not told its name, may .* choose "start", "belowReceived" or "end" for it$/,
  },
  {
    what: "shows long and folded values on one line",
    lines: ["X-A: 1"],
    mta: "postfix",
    edit: (edits) => void edits.addHeader("X-C", `a\n b ${"c".repeat(100)}`, "end"),
    steps: [`1. add header X-C: "a b ${"c".repeat(55)}…"`],
  },
];

for (const { what, lines, mta, edit, steps, warns } of PLANS) {
  test(`Plan ${what}`, () => {
    const letter = new Letter(mta === "unknown" ? "postfix" : mta, [
      ...lines,
      ...mta === "sendmail" ? [] : ["Message-Id: 1", "Date: 1", "From: 1"],
    ]);
    edit(letter.edits, letter.headers);
    const plan = letter.plan(mta);
    const explained = plan.explain().split("\n").filter((line) => !line.startsWith("Warning: "));
    assertEquals(explained, steps);
    assertEquals(plan.warnings.length, warns === undefined ? 0 : 1, plan.warnings.join("\n"));
    if (warns !== undefined) {
      assertMatch(plan.warnings[0]!, warns);
      assertEquals(plan.explain().split("\n").at(-1), `Warning: ${plan.warnings[0]}`);
    }
  });
}

test("Plan tells apart names that look alike: a KELVIN SIGN is no K, nor is one broken byte another", () => {
  const names = [[0x4b], [0xe2, 0x84, 0xaa], [0xff], [0xfe], [0x6b]].map((bytes) => Uint8Array.from(bytes));
  const headers = names.map((name) => new ReceivedHeader(new Slice(name), new Slice(encodeText(" v"))));
  const edits = new Edits({ headers, utf8: false });
  for (const header of headers) edits.deleteHeader(header);
  const { steps } = planEdits(edits, {
    agreement: { type: "negotiate", version: 6, actions: 0x1ff, protocol: 0, macros: [] },
    profile: "sendmail",
    recipients: [],
  });
  const told = steps.map(({ reply }) => reply.type === "changeHeader" ? reply.index : reply.type);
  assertEquals(told, [2, 1, 1, 1, 1]);
});

test("Edits refuse an index that the list does not have, with a RangeError", () => {
  const letter = new Letter("postfix", ["X-A: 1", "Message-Id: 1", "Date: 1", "From: 1"]);
  letter.edits.deleteHeader(letter.headers[0]!);
  letter.edits.addHeader("X-B", "2", "start");
  for (const index of [-1, 4, 0.5, NaN, Infinity]) {
    assertThrows(
      () => letter.edits.addHeader("X-C", "3", index),
      RangeError,
      `Cannot insert header X-C: its index must be 0 to 3, as many headers as there are now, not ${index}`,
    );
  }
  assertEquals(letter.plan().steps.length, 2);
});

/** Recipients of a message, what is wished of them, and what the MTA is told. */
const RECIPIENTS: readonly {
  readonly what: string;
  readonly recipients: readonly string[] | undefined;
  readonly profile?: MtaProfile;
  readonly edit: (edits: Edits) => void;
  readonly steps: readonly string[];
}[] = [
  {
    what: "nothing of who is added and removed",
    recipients: ["a@x.example"],
    edit(edits) {
      edits.addRecipient("b@x.example", ["NOTIFY=NEVER"]);
      edits.removeRecipient("<B@X.EXAMPLE>");
    },
    steps: ["No edits."],
  },
  {
    what: "nothing of who is removed and added, being there",
    recipients: ["a@x.example"],
    edit(edits) {
      edits.removeRecipient("a@x.example");
      edits.addRecipient("a@x.example", []);
    },
    steps: ["No edits."],
  },
  {
    what: "nothing of who is added, being there",
    recipients: ["a@x.example"],
    edit: (edits) => edits.addRecipient("A@x.example", undefined),
    steps: ["No edits."],
  },
  {
    what: "who is there and gets arguments",
    recipients: ["A@x.example"],
    edit: (edits) => edits.addRecipient("a@x.example", ["NOTIFY=NEVER"]),
    steps: ["1. remove recipient <A@x.example>", "2. add recipient <a@x.example> NOTIFY=NEVER"],
  },
  {
    what: "nothing of arguments that Sendmail would not take, but says so",
    recipients: ["a@x.example"],
    profile: "sendmail",
    edit: (edits) => edits.addRecipient("a@x.example", ["NOTIFY=NEVER"]),
    steps: [
      "No edits.",
      "Warning: Sendmail keeps the arguments of a recipient whom the mail has already: <a@x.example> does not get " +
      "NOTIFY=NEVER; choose another spelling of the domain, which it takes for another recipient",
    ],
  },
  {
    what: "Sendmail of arguments for a recipient in another spelling",
    recipients: ["a@x.example"],
    profile: "sendmail",
    edit: (edits) => edits.addRecipient("a@X.EXAMPLE", ["NOTIFY=NEVER"]),
    steps: ["1. remove recipient <a@x.example>", "2. add recipient <a@X.EXAMPLE> NOTIFY=NEVER"],
  },
  {
    what: "an MTA that may be Sendmail of arguments, and says that they may be lost",
    recipients: ["a@x.example"],
    profile: "unknown",
    edit: (edits) => edits.addRecipient("a@x.example", ["NOTIFY=NEVER"]),
    steps: [
      "1. remove recipient <a@x.example>",
      "2. add recipient <a@x.example> NOTIFY=NEVER",
      "Warning: The MTA, if it is Sendmail, keeps the arguments of a recipient whom the mail has already: " +
      "<a@x.example> does not get NOTIFY=NEVER; choose another spelling of the domain, which it takes for another " +
      "recipient",
    ],
  },
  {
    what: "who is removed, as the MTA spells it",
    recipients: ["Anna@X.example", "b@x.example"],
    edit: (edits) => edits.removeRecipient("anna@x.example"),
    steps: ["1. remove recipient <Anna@X.example>"],
  },
  {
    what: "who is removed, in each spelling",
    recipients: ["Anna@X.example", "anna@X.example"],
    edit: (edits) => edits.removeRecipient("anna@x.example"),
    steps: ["1. remove recipient <Anna@X.example>", "2. remove recipient <anna@X.example>"],
  },
  {
    what: "who is removed, in the one spelling that is meant",
    recipients: ["Anna@x.example", "anna@x.example"],
    edit: (edits) => edits.removeRecipient("anna@x.example"),
    steps: ["1. remove recipient <anna@x.example>"],
  },
  {
    what: "who is removed and was never seen: another filter may have added them",
    recipients: ["a@x.example"],
    edit: (edits) => edits.removeRecipient("c@x.example"),
    steps: ["1. remove recipient <c@x.example>"],
  },
  {
    what: "who is added twice, once",
    recipients: ["a@x.example"],
    profile: "postfix",
    edit(edits) {
      edits.addRecipient("b@x.example", undefined);
      edits.addRecipient("B@x.example", undefined);
    },
    steps: ["1. add recipient <B@x.example>"],
  },
  {
    what: "two who differ by capitals, to Sendmail",
    recipients: ["a@x.example"],
    profile: "sendmail",
    edit(edits) {
      edits.addRecipient("b@x.example", undefined);
      edits.addRecipient("B@x.example", undefined);
    },
    steps: ["1. add recipient <b@x.example>", "2. add recipient <B@x.example>"],
  },
  {
    what: "who is added where no recipient is seen",
    recipients: undefined,
    edit: (edits) => edits.addRecipient("a@x.example", undefined),
    steps: ["1. add recipient <a@x.example>"],
  },
  {
    what: "who is removed where no recipient is seen",
    recipients: undefined,
    edit(edits) {
      edits.addRecipient("a@x.example", undefined);
      edits.removeRecipient("a@x.example");
      edits.removeRecipient("b@x.example");
      edits.addRecipient("b@x.example", undefined);
    },
    steps: [
      "1. remove recipient <a@x.example>",
      "2. remove recipient <b@x.example>",
      "3. add recipient <b@x.example>",
    ],
  },
];

for (const { what, recipients, profile = "postfix", edit, steps } of RECIPIENTS) {
  test(`Plan tells ${what}`, () => {
    const edits = new Edits({ headers: [], utf8: false });
    edit(edits);
    const plan = planEdits(edits, {
      agreement: { type: "negotiate", version: 6, actions: 0x1ff, protocol: 0, macros: [] },
      profile,
      recipients: recipients?.map((address) => ({ address })),
    });
    assertEquals(plan.explain().split("\n"), steps);
  });
}
