/** Every flag that an MTA may lack, and every declaration: what is missing is made up for, or the MTA is refused. */

import { accept, type Declaration, defineFilter, reject, type Session } from "../../mod.ts";
import { ACTION, COMMANDS, type CommandType, PROTOCOL } from "../../src/protocol/mod.ts";
import { assert, assertEquals, assertRejects, test } from "../harness.ts";
import { CONVERSATION } from "../mta_commands.ts";
import { play } from "../mta_player.ts";

/** What filters declare. */
const DECLARATIONS: readonly Declaration[] = [
  {},
  { answers: [] },
  { sees: [], edits: [] },
  { sees: ["mail"], edits: [] },
  { sees: ["mail"], answers: [], edits: ["headers"] },
  { sees: ["headers"], edits: ["headers"] },
  { sees: ["headers"], answers: ["headers"], edits: ["headers", "body"] },
  { sees: ["headers", "body"], answers: [], edits: ["quarantine"] },
  { sees: ["rcpt", "data"], edits: ["recipients", "sender"] },
  { sees: ["connect", "helo", "unknown"], edits: [] },
  { macros: { mail: ["i", "{client_addr}"] }, rejectedRecipients: true, maxChunk: 1048575, edits: [] },
];

/** All that an MTA can offer. */
const EVERYTHING = { version: 6, actions: 0x1ff, protocol: 0x301fffff };

/** What MTAs offer: everything but one flag, all flags of older versions, or nothing. */
const OFFERS: readonly { readonly what: string; readonly offer: typeof EVERYTHING }[] = [
  { what: "everything", offer: EVERYTHING },
  ...Object.entries(ACTION).map(([flag, bit]) => {
    return { what: `no ${flag}`, offer: { ...EVERYTHING, actions: EVERYTHING.actions & ~bit } };
  }),
  ...Object.entries(PROTOCOL).map(([flag, bit]) => {
    return { what: `no ${flag}`, offer: { ...EVERYTHING, protocol: EVERYTHING.protocol & ~bit } };
  }),
  { what: "version 2", offer: { version: 2, actions: 0x3f, protocol: 0x7f } },
  { what: "version 3", offer: { version: 3, actions: 0x3f, protocol: 0x17f } },
  { what: "version 4", offer: { version: 4, actions: 0x3f, protocol: 0x37f } },
  { what: "a version to come", offer: { version: 9, actions: 0xffffffff, protocol: 0xffffffff } },
  { what: "nothing", offer: { version: 6, actions: 0, protocol: 0 } },
];

/** The actions that a declaration cannot do without. */
const NEEDED: Readonly<Record<NonNullable<Declaration["edits"]>[number], number>> = {
  headers: ACTION.ADD_HEADERS | ACTION.CHANGE_HEADERS,
  body: ACTION.CHANGE_BODY,
  sender: ACTION.CHANGE_SENDER,
  recipients: ACTION.ADD_RECIPIENT | ACTION.REMOVE_RECIPIENT,
  quarantine: ACTION.QUARANTINE,
};

for (const declaration of DECLARATIONS) {
  const needed = (declaration.edits ?? []).reduce((mask, edit) => mask | NEEDED[edit], 0);

  test(`A filter of ${JSON.stringify(declaration)} works with every MTA, or names what it misses`, async () => {
    for (const { what, offer } of OFFERS) {
      const filter = defineFilter(declaration, async (session) => {
        await session.endOfMessage();
        return accept();
      });
      if ((needed & ~offer.actions) !== 0) {
        await assertRejects(() => play(filter, { ...offer, log: () => {} }), Error, "the filter has closed");
        continue;
      }
      await using mta = await play(filter, offer);
      const { agreement } = mta;
      assertEquals(agreement.actions & ~offer.actions, 0, what);
      assertEquals(agreement.protocol & ~offer.protocol, 0, what);
      const answers = await mta.play(CONVERSATION);
      assertEquals(answers.at(-1), "endOfMessage: accept", what);
      // One answer for each command that is sent and waited for, and no other.
      const waited = CONVERSATION.filter((line) => isAnswered(line as CommandType, agreement));
      assertEquals(answers.map((answer) => answer.split(":")[0]), waited.map(String), what);
    }
  });

  test(`A refusal of a filter of ${JSON.stringify(declaration)} reaches every MTA where it was declared`, async () => {
    for (const { what, offer } of OFFERS.filter(({ offer }) => (needed & ~offer.actions) === 0)) {
      const filter = defineFilter(declaration, () => reject());
      await using mta = await play(filter, offer);
      const answers = await mta.play(CONVERSATION);
      const at = answers.findIndex((answer) => answer.endsWith(": reject"));
      assert(at >= 0, `${what}: ${answers}`);
      const stage = answers[at]!.split(":")[0]!;
      const { answers: says = declaration.sees ?? SIGHTS } = declaration;
      assert(
        stage === "endOfMessage" || says.some((sight) => SAID_AT[sight].includes(stage)),
        `${what}: ${answers}`,
      );
    }
  });
}

type Sight = NonNullable<Declaration["sees"]>[number];

/** The commands at which a filter may refuse that says so of a sight. */
const SAID_AT: Readonly<Record<Sight, readonly string[]>> = {
  connect: ["connect"],
  helo: ["helo"],
  mail: ["mail"],
  rcpt: ["rcpt"],
  data: ["data"],
  headers: ["header", "endOfHeaders"],
  body: ["body"],
  unknown: ["unknown"],
};
const SIGHTS = Object.keys(SAID_AT) as Sight[];

function isAnswered(
  type: CommandType,
  agreement: { readonly protocol: number; readonly version: number },
): boolean {
  const { skip = 0, silent = 0, since = 0 } = COMMANDS[type];
  return (agreement.protocol & (skip | silent)) === 0 && agreement.version >= since;
}

test("A filter's refusal among single headers waits for their end, with an MTA that waits for each too", async () => {
  const filter = async (session: Session) => {
    await session.headers.get("Subject");
    return reject();
  };
  for (const protocol of [0x1fffff, 0x1fffff & ~PROTOCOL.NR_HEADER, 0]) {
    const logged: string[] = [];
    await using mta = await play(filter, {
      protocol,
      log: ({ level, message }) => logged.push(`${level}: ${message}`),
    });
    assertEquals((await mta.play(CONVERSATION)).at(-1), "endOfHeaders: reject");
    assertEquals(logged, ["debug: The verdict reject is held: header is not answered"]);
  }
});
