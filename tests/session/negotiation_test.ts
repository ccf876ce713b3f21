/** What follows from a declaration: what the MTA is asked for, and what it leaves out. */

import { accept, type Declaration, defineFilter, MilterError, reject, type Session } from "../../mod.ts";
import { MACRO_STAGE, PROTOCOL } from "../../src/protocol/mod.ts";
import { assertEquals, assertRejects, assertThrows, test } from "../harness.ts";
import { CONVERSATION, MESSAGE } from "../mta_commands.ts";
import { play } from "../mta_player.ts";
import { arrive, first, STAGES } from "./stages.ts";

type Flag = keyof typeof PROTOCOL;

const ALWAYS: readonly Flag[] = ["SKIP", "LEADING_SPACE"];
const NR: readonly Flag[] = [
  "NR_CONNECT",
  "NR_HELO",
  "NR_MAIL",
  "NR_RCPT",
  "NR_DATA",
  "NR_UNKNOWN",
  "NR_HEADER",
  "NR_END_OF_HEADERS",
  "NR_BODY",
];
const NO: readonly Flag[] = [
  "NO_CONNECT",
  "NO_HELO",
  "NO_MAIL",
  "NO_RCPT",
  "NO_DATA",
  "NO_UNKNOWN",
  "NO_HEADERS",
  "NO_END_OF_HEADERS",
  "NO_BODY",
];

function without(flags: readonly Flag[], ...left: readonly Flag[]): Flag[] {
  return flags.filter((flag) => !left.includes(flag));
}

/** Declarations, and what is agreed with an MTA that offers everything. */
const DECLARATIONS: readonly (readonly [Declaration, actions: number, flags: readonly Flag[]])[] = [
  [{}, 0xff, ["NR_HEADER"]],
  [{ edits: [] }, 0, ["NR_HEADER"]],
  [{ edits: ["headers"] }, 0x11, ["NR_HEADER"]],
  [{ edits: ["body", "sender"] }, 0x42, ["NR_HEADER"]],
  [{ edits: ["recipients"] }, 0x8c, ["NR_HEADER"]],
  [{ edits: ["quarantine"] }, 0x20, ["NR_HEADER"]],
  [{ edits: [], macros: { mail: ["i"] } }, 0, ["NR_HEADER"]], // Both MTAs tell it anyway.
  [{ edits: [], macros: { mail: ["i", "{client_addr}"] } }, 0x100, ["NR_HEADER"]],
  [{ edits: [], sees: [] }, 0, NO],
  [{ edits: [], sees: ["mail"] }, 0, without(NO, "NO_MAIL")],
  [{ edits: [], sees: ["headers"] }, 0, [
    ...without(NO, "NO_HEADERS", "NO_END_OF_HEADERS"),
    "NR_HEADER",
  ]],
  [{ edits: [], sees: ["headers"], answers: ["headers"] }, 0, without(NO, "NO_HEADERS", "NO_END_OF_HEADERS")],
  [{ edits: [], answers: [] }, 0, NR],
  [{ edits: [], answers: ["rcpt", "body"] }, 0, without(NR, "NR_RCPT", "NR_BODY")],
  [{ edits: [], answers: ["headers"] }, 0, without(NR, "NR_HEADER", "NR_END_OF_HEADERS")],
  [{ edits: [], rejectedRecipients: true }, 0, ["NR_HEADER", "REJECTED_RECIPIENTS"]],
  [{ edits: [], maxChunk: 262143 }, 0, ["NR_HEADER", "CHUNK_256K"]],
  [{ edits: [], maxChunk: 1048575 }, 0, ["NR_HEADER", "CHUNK_1M"]],
];

for (const [declaration, actions, flags] of DECLARATIONS) {
  test(`defineFilter(${JSON.stringify(declaration)}) asks for what follows from it`, async () => {
    await using mta = await play(defineFilter(declaration, accept), { protocol: 0x301fffff });
    const named = (Object.keys(PROTOCOL) as Flag[]).filter((flag) => mta.agreement.protocol & PROTOCOL[flag]);
    assertEquals([named.sort(), mta.agreement.actions], [[...ALWAYS, ...flags].sort(), actions]);
  });
}

test("A filter asks only for what is offered, whatever it declares", async () => {
  const all = defineFilter({ sees: [], macros: { mail: ["i"] }, maxChunk: 1048575 }, accept);
  for (
    const [version, actions, protocol] of [[6, 0, 0], [6, 0x11, 0x7f], [4, 0x3f, 0x37f], [2, 0x0f, 0x3f]]
  ) {
    await using mta = await play(all, { version: version!, actions: actions!, protocol: protocol! });
    assertEquals(mta.agreement.version, version);
    assertEquals(mta.agreement.actions & ~actions!, 0);
    assertEquals(mta.agreement.protocol & ~protocol!, 0);
  }
});

/** What filters ask for, and the lists that are sent: those that differ from what both MTAs tell anyway. */
const MACROS: readonly (readonly [
  asked: NonNullable<Declaration["macros"]>,
  sent: NonNullable<Declaration["macros"]>,
])[] = [
  [{ connect: ["j"], rcpt: ["{rcpt_mailer}", "rcpt_host"], mail: ["i", "{auth_authen}"] }, {}],
  [{ connect: ["j", "v"] }, { connect: ["j", "v"] }], // Sendmail does not tell its version unasked.
  [{ rcpt: ["i"] }, { rcpt: ["i"] }],
  [{ data: [] }, { data: [] }],
  // Sendmail takes the one only beside the other.
  [{ endOfMessage: ["i"] }, { endOfMessage: ["i"], endOfHeaders: [] }],
  [{ endOfMessage: ["i"], endOfHeaders: ["i"] }, { endOfMessage: ["i"], endOfHeaders: ["i"] }],
];

for (const [asked, sent] of MACROS) {
  test(`defineFilter asks for the macros ${JSON.stringify(asked)} where they are not told anyway`, async () => {
    await using mta = await play(defineFilter({ macros: asked }, accept));
    const lists = mta.agreement.macros.map(({ stage, names }) => [stage, names]);
    const wanted = Object.entries(sent).map(([stage, names]) => {
      return [MACRO_STAGE[stage as keyof typeof MACRO_STAGE], names];
    });
    assertEquals(lists, wanted);
  });
}

/** What is no declaration. */
const WRONG: readonly unknown[] = [
  { sees: ["eveything"] },
  { sees: ["toString"] },
  { answers: ["eom"] },
  { edits: ["subject"] },
  { macros: { eom: ["i"] } },
  { sees: ["mail"], answers: ["rcpt"] },
];

test("defineFilter refuses a declaration with a name that does not exist", () => {
  for (const declaration of WRONG) {
    assertThrows(() => defineFilter(declaration as Declaration, accept), TypeError, "Cannot define filter");
  }
});

test("Session of a filter that sees little fails questions about the rest at once with NOT_AGREED", async () => {
  const questions: readonly ((session: Session) => Promise<unknown>)[] = [
    (session) => session.envelopeFrom(),
    (session) => first(session.envelopeRecipients()),
    (session) => first(session.headers),
    (session) => session.headers.get("Subject"),
    (session) => session.body.collect(),
  ];
  const codes: string[] = [];
  await using mta = await play(defineFilter({ sees: ["connect"] }, async (session) => {
    for (const ask of questions) {
      codes.push((await assertRejects(() => ask(session as Session), MilterError)).code);
    }
    await session.endOfMessage();
    return accept();
  }));
  assertEquals(await mta.play(CONVERSATION), ["connect: continue", "endOfMessage: accept"]);
  assertEquals(codes, questions.map(() => "NOT_AGREED"));
});

test("Session of a filter that sees no connection starts at the first that it sees, once for each message", async () => {
  for (
    const [at, sees] of [["mail", "mail"], ["rcpt", "rcpt"], ["data", "data"], ["header", "headers"]] as const
  ) {
    let runs = 0;
    await using mta = await play(defineFilter({ sees: [sees] }, async (session) => {
      runs++;
      await arrive(session as Session, at);
      await session.endOfMessage();
      return reject();
    }));
    for (let message = 0; message < 3; message++) {
      assertEquals((await mta.play(MESSAGE)).at(-1), "endOfMessage: reject");
    }
    assertEquals(runs, 3, at);
  }
});

test("Session of a filter that sees nothing is judged at the end of the message", async () => {
  let runs = 0;
  await using mta = await play(defineFilter({ sees: [] }, async (session) => {
    runs++;
    await session.endOfMessage();
    session.headers.append("X-Seen", "no");
    return accept();
  }));
  for (let message = 0; message < 2; message++) {
    assertEquals(await mta.play(CONVERSATION.slice(message * 2)), [
      'endOfMessage: insertHeader 2147483647 "X-Seen" " no"',
      "endOfMessage: accept",
    ]);
  }
  assertEquals(runs, 2);
});

test("Session passes by what an old MTA cannot leave out", async () => {
  await using mta = await play(
    defineFilter({ sees: ["mail"], answers: ["mail"] }, async (session) => {
      await session.endOfMessage();
      return accept();
    }),
    { protocol: 0 },
  );
  assertEquals(await mta.play(CONVERSATION), [
    ...STAGES.slice(0, -1).map((stage) => `${stage}: continue`),
    "endOfMessage: accept",
  ]);
});
