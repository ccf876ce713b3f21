import {
  ACTION,
  type Agreement,
  checkAgreement,
  COMMANDS,
  decodeReply,
  encodeCommand,
  encodeReply,
  FilterEnd,
  MACRO_STAGE,
  MilterError,
  negotiate,
  type Offer,
  PROTOCOL,
  type Wish,
} from "../../src/protocol/mod.ts";
import { chunkLimit, flagNames } from "../../src/protocol/flags.ts";
import { latin1 } from "../bytes.ts";
import { assertEquals, assertThrows, property, type Random, test } from "../harness.ts";

/** All flags that leave commands without an answer. */
const SILENT = Object.values<{ silent?: number }>(COMMANDS).reduce(
  (mask, { silent = 0 }) => mask | silent,
  0,
);

function offerOf(offer: Partial<Offer> = {}): Offer {
  const extra = new Uint8Array(0);
  return { type: "negotiate", version: 6, actions: 0x1ff, protocol: 0x1fffff, extra, ...offer };
}

const macros = [{ stage: MACRO_STAGE.mail, names: ["i", "{auth_authen}"] }];

/** What an MTA offers, what a filter wishes, and what they agree on. */
const AGREED: readonly (readonly [what: string, Partial<Offer>, Wish, Omit<Agreement, "type">])[] = [
  ["nothing that is not wished", {}, {}, { version: 6, actions: 0, protocol: 0, macros: [] }],
  [
    "what is wished, of Postfix and Sendmail",
    {},
    { actions: 0x3f, required: 0x100, protocol: 0x100400, macros },
    { version: 6, actions: 0x13f, protocol: 0x100400, macros },
  ],
  [
    "only what is offered, of Postfix at version 2",
    { version: 2, protocol: 0x7f },
    { actions: 0xffff, protocol: 0x1fffff, macros },
    { version: 2, actions: 0x1ff, protocol: 0x7f, macros: [] },
  ],
  [
    "only what is offered, of Postfix at version 3",
    { version: 3, protocol: 0x17f },
    { actions: 0x01, protocol: 0x1fffff, macros },
    { version: 3, actions: 0x01, protocol: 0x17f, macros: [] },
  ],
  ["version 4", { version: 4 }, { macros }, { version: 4, actions: 0, protocol: 0, macros: [] }],
  ["version 6 where 7 is offered", { version: 7 }, { macros }, {
    version: 6,
    actions: 0,
    protocol: 0,
    macros,
  }],
  [
    "version 6 where more than anybody knows is offered",
    { version: 0xffffffff, actions: 0xffffffff, protocol: 0xffffffff, extra: latin1("more") },
    { actions: ACTION.QUARANTINE, protocol: PROTOCOL.CHUNK_1M },
    { version: 6, actions: 0x20, protocol: 0x20000000, macros: [] },
  ],
  [
    "nothing of an MTA that offers nothing",
    { actions: 0, protocol: 0 },
    { actions: 0x1ff, protocol: 0x1fffff, macros },
    { version: 6, actions: 0, protocol: 0, macros: [] },
  ],
  [
    "no larger chunks than an MTA offers",
    {},
    { protocol: PROTOCOL.CHUNK_256K | PROTOCOL.CHUNK_1M | PROTOCOL.SKIP },
    { version: 6, actions: 0, protocol: PROTOCOL.SKIP, macros: [] },
  ],
  [
    "the highest bits too, should they come to mean something",
    { actions: 0xffffffff, protocol: 0xffffffff },
    { actions: 0x80000001, protocol: 0xffffffff },
    // What is not sent is not asked to be left without an answer.
    { version: 6, actions: 0x80000001, protocol: (0xffffffff & ~SILENT) >>> 0, macros: [] },
  ],
];

for (const [what, offer, wish, agreed] of AGREED) {
  test(`negotiate agrees on ${what}`, () => {
    const agreement = negotiate(offerOf(offer), wish);
    assertEquals(agreement, { type: "negotiate", ...agreed });
    assertEquals(decodeReply(encodeReply(agreement).subarray(4)), agreement);
  });
}

const REFUSED: readonly (readonly [what: string, Partial<Offer>, Wish, why: string])[] = [
  ["version 1", { version: 1 }, {}, "the MTA speaks version 1, this filter 2 to 6"],
  ["version 0", { version: 0 }, {}, "the MTA speaks version 0, this filter 2 to 6"],
  [
    "an MTA that lacks what is required",
    { actions: 0x0f },
    { required: ACTION.ADD_HEADERS | ACTION.CHANGE_SENDER | ACTION.QUARANTINE },
    "the MTA lacks QUARANTINE, CHANGE_SENDER",
  ],
];

for (const [what, offer, wish, why] of REFUSED) {
  test(`FilterEnd refuses ${what}, and agrees on nothing`, () => {
    const end = new FilterEnd({ wish });
    end.receive(encodeCommand(offerOf(offer)));
    const error = assertThrows(() => end.next(), MilterError, why);
    assertEquals([error.code, error.side], ["NEGOTIATION", "peer"]);
    assertEquals([end.agreement, end.take()], [undefined, undefined]);
  });
}

test("negotiate takes 50 macros for a stage and refuses 51, which no MTA takes", () => {
  const wish = (count: number): Wish => ({ macros: [{ stage: 0, names: Array(count).fill("i") }] });
  assertEquals(negotiate(offerOf(), wish(50)).macros[0]?.names.length, 50);
  assertThrows(() => negotiate(offerOf(), wish(51)), RangeError, "51 macros for a stage are over 50");
});

/** Any mask; every bit of it by chance, or bits that mean something. */
const anyMask = (random: Random) => random.chance() ? random.uint32() : random.uint32() & 0x1fffff;

property(
  "An agreement never asks for what was not offered, and always for what was and is wished",
  (random) => {
    const offer = offerOf({
      version: random.between(2, 9),
      actions: anyMask(random),
      protocol: anyMask(random),
      extra: random.bytes(random.below(20)),
    });
    const wish = {
      actions: anyMask(random),
      required: anyMask(random) & offer.actions,
      protocol: anyMask(random),
      macros,
    };
    const end = new FilterEnd({ wish });
    end.receive(encodeCommand(offer));
    end.next();
    const agreement = end.agreement!;
    checkAgreement(offer, agreement);
    assertEquals(agreement, decodeReply(end.take()!.subarray(4)) as Agreement);
    assertEquals(
      BigInt(agreement.actions),
      BigInt(offer.actions) & (BigInt(wish.actions) | BigInt(wish.required >>> 0)),
    );
    const agreed = (wish.protocol & offer.protocol) >>> 0;
    assertEquals(agreement.protocol & ~SILENT, agreed & ~SILENT);
    for (const { skip = 0, silent = 0 } of Object.values<{ skip?: number; silent?: number }>(COMMANDS)) {
      assertEquals(agreement.protocol & silent, (agreed & skip) !== 0 ? 0 : agreed & silent);
    }
    assertEquals(
      agreement.macros.length > 0,
      offer.version >= 6 && (offer.actions & ACTION.REQUEST_MACROS) !== 0,
    );
  },
);

const OVERDRAWN: readonly (readonly [what: string, Partial<Agreement>, why: string])[] = [
  ["a lower version than any", { version: 1 }, "speaks version 1, this MTA 2 to 4"],
  ["a higher version than offered", { version: 5 }, "speaks version 5, this MTA 2 to 4"],
  ["actions", { actions: 0x81 }, "actions that were not offered: ADD_RECIPIENT_ARGUMENTS"],
  ["protocol flags", { protocol: 0x400 }, "protocol flags that were not offered: SKIP"],
  ["actions that nobody knows", { actions: 0x80000200 }, "actions that were not offered: 0x80000200"],
];

for (const [what, answer, why] of OVERDRAWN) {
  test(`checkAgreement refuses ${what} that were not offered`, () => {
    const offer = { version: 4, actions: 0x3f, protocol: 0x3ff };
    const agreement: Agreement = {
      type: "negotiate",
      version: 4,
      actions: 0x3f,
      protocol: 0x3ff,
      macros: [],
    };
    checkAgreement(offer, agreement);
    const error = assertThrows(() => checkAgreement(offer, { ...agreement, ...answer }), MilterError, why);
    assertEquals([error.code, error.side], ["NEGOTIATION", "peer"]);
  });
}

for (const [name, flags, all] of [["ACTION", ACTION, 0x1ff], ["PROTOCOL", PROTOCOL, 0x301fffff]] as const) {
  test(`${name} has one bit for each flag, and all that are known`, () => {
    const bits: readonly number[] = Object.values(flags);
    assertEquals(bits.map((bit) => bit.toString(2).replaceAll("0", "")), bits.map(() => "1"));
    assertEquals(bits.reduce((sum, bit) => sum + bit), all);
  });
}

test("MACRO_STAGE numbers the stages as MTAs do, the end of the message before the end of headers", () => {
  const numbers = { connect: 0, helo: 1, mail: 2, rcpt: 3, data: 4, endOfMessage: 5, endOfHeaders: 6 };
  assertEquals<Record<string, number>>(MACRO_STAGE, numbers);
});

test("flagNames names flags, and gives those without a name as a number", () => {
  assertEquals(flagNames(ACTION, 0x21), "ADD_HEADERS, QUARANTINE");
  assertEquals(flagNames(PROTOCOL, 0x80c00400), "SKIP, 0x80c00000");
});

for (
  const [protocol, limit] of [
    [0, 65_535],
    [0x1fffff, 65_535],
    [PROTOCOL.CHUNK_256K, 262_143],
    [PROTOCOL.CHUNK_1M, 1_048_575],
    [PROTOCOL.CHUNK_256K | PROTOCOL.CHUNK_1M, 1_048_575],
  ] as const
) {
  test(`chunkLimit is ${limit} under ${flagNames(PROTOCOL, protocol) || "no flags"}`, () => {
    assertEquals(chunkLimit(protocol), limit);
  });
}
