/** What Postfix and Sendmail offered in every recorded negotiation, to filters of all kinds. */

import { accept, type Declaration, defineFilter, type LogEntry, reject, type Session } from "../../mod.ts";
import {
  ACTION,
  type Agreement,
  COMMANDS,
  type CommandType,
  decodeCommand,
  decodeReply,
  type Offer,
} from "../../src/protocol/mod.ts";
import { assert, assertEquals, assertGreater, assertMatch, assertRejects, test } from "../harness.ts";
import { GREETING, MESSAGE } from "../mta_commands.ts";
import { play } from "../mta_player.ts";
import { type Conversation, CONVERSATIONS } from "../transcripts.ts";

/** What an MTA offers, and the recordings in which it does. */
interface RecordedOffer {
  readonly version: number;
  readonly actions: number;
  readonly protocol: number;
  readonly names: readonly string[];
}

/**
 * Every offer that was recorded, and of each the part that the recorded filter took: MTAs that offer no more than that
 * are as good as recorded too.
 */
const OFFERS: readonly RecordedOffer[] = distinct(CONVERSATIONS.flatMap(offersOf));

function offersOf({ name, exchanges: [first] }: Conversation): RecordedOffer[] {
  const { version, actions, protocol } = decodeCommand(first!.command) as Offer;
  const offer = { version, actions, protocol, names: [name] };
  try {
    const answer = decodeReply(first!.replies[0]!);
    if (answer.type !== "negotiate" || answer.version < 2) return [offer];
    return [offer, {
      version: Math.min(version, answer.version),
      actions: (actions & answer.actions) >>> 0,
      protocol: (protocol & answer.protocol) >>> 0,
      names: [`${name}, as answered`],
    }];
  } catch {
    return [offer]; // It was broken on purpose, or there was none.
  }
}

function distinct(offers: readonly RecordedOffer[]): RecordedOffer[] {
  const byValue = new Map<string, RecordedOffer>();
  for (const offer of offers) {
    const { version, actions, protocol, names } = offer;
    const key = [version, actions, protocol].join();
    byValue.set(key, { ...offer, names: [...byValue.get(key)?.names ?? [], ...names] });
  }
  return [...byValue.values()];
}

/** What filters declare. */
const DECLARATIONS: readonly Declaration[] = [
  {},
  { answers: [] },
  { sees: [], edits: [] },
  { sees: [] },
  { sees: ["mail"], edits: [] },
  { sees: ["connect", "helo", "unknown"], answers: ["connect"], edits: [] },
  { sees: ["rcpt", "data"], answers: ["rcpt"], edits: ["recipients", "sender"], rejectedRecipients: true },
  { sees: ["headers"], answers: [], edits: ["headers"] },
  { sees: ["headers"], answers: ["headers"], edits: ["headers", "quarantine"] },
  { sees: ["headers", "body"], answers: [], edits: ["body"], maxChunk: 1048575 },
  { sees: ["body"], edits: [], macros: { connect: ["v"], rcpt: ["i"], endOfMessage: ["i", "{mail_addr}"] } },
];

type Edit = NonNullable<Declaration["edits"]>[number];

/** What each edit needs of the MTA, and how it is made. */
const EDITS: Readonly<Record<Edit, { readonly needs: number; readonly make: (session: Session) => void }>> = {
  headers: {
    needs: ACTION.ADD_HEADERS | ACTION.CHANGE_HEADERS,
    make: ({ headers }) => void headers.append("X-Seen", "yes"),
  },
  body: { needs: ACTION.CHANGE_BODY, make: ({ body }) => body.replace("new") },
  sender: { needs: ACTION.CHANGE_SENDER, make: (session) => session.changeSender("new@example.com") },
  recipients: {
    needs: ACTION.ADD_RECIPIENT | ACTION.REMOVE_RECIPIENT,
    make: (session) => session.addRecipient("new@example.com"),
  },
  quarantine: { needs: ACTION.QUARANTINE, make: (session) => session.quarantine("for once") },
};

/** The commands that give each edit. */
const REPLIES: Readonly<Record<Edit, RegExp>> = {
  headers: /^endOfMessage: (addHeader|insertHeader)/,
  body: /^endOfMessage: replaceBody/,
  sender: /^endOfMessage: changeSender/,
  recipients: /^endOfMessage: addRecipient/,
  quarantine: /^endOfMessage: quarantine/,
};

for (const declaration of DECLARATIONS) {
  const edits = declaration.edits ?? [];
  const needed = edits.reduce((mask, edit) => mask | EDITS[edit].needs, 0);

  test(`A filter of ${JSON.stringify(declaration)} agrees with each recorded offer, and judges two mails`, async () => {
    for (const offer of OFFERS) {
      const what = `${offer.names[0]}: version ${offer.version}, ${offer.actions}, ${offer.protocol}`;
      const filter = defineFilter(declaration, async (session) => {
        await session.endOfMessage();
        for (const edit of edits) EDITS[edit].make(session as Session);
        return accept();
      });
      if ((needed & ~offer.actions) !== 0) {
        const logs: string[] = [];
        const log = ({ message }: LogEntry) => void logs.push(message);
        await assertRejects(() => play(filter, { ...offer, log }), Error, "the filter has closed");
        assertMatch(logs[0]!, /Cannot negotiate: the MTA lacks [A-Z_, ]+$/, what);
        continue;
      }
      await using mta = await play(filter, offer);
      const { agreement } = mta;
      assertEquals(agreement.version, offer.version, what);
      assertEquals([agreement.actions & ~offer.actions, agreement.protocol & ~offer.protocol], [0, 0], what);
      if (offer.version < 6) assertEquals(agreement.macros, [], what);

      await mta.play([...GREETING, "unknown"]);
      for (let message = 0; message < 2; message++) {
        const answers = await mta.play(MESSAGE);
        assertEquals(answers.at(-1), "endOfMessage: accept", what);
        const awaited = MESSAGE.filter((line) => isAwaited(line as CommandType, agreement));
        const given = [...new Set(answers.map((answer) => answer.split(":")[0]))];
        assertEquals(given, awaited.map(String), what);
        for (const edit of edits) {
          assertEquals(answers.filter((answer) => REPLIES[edit].test(answer)).length, 1, `${what}: ${edit}`);
        }
      }
    }
  });

  test(`A filter of ${JSON.stringify(declaration)} refuses a mail with each recorded offer`, async () => {
    for (const offer of OFFERS.filter(({ actions }) => (needed & ~actions) === 0)) {
      const what = `${offer.names[0]}: version ${offer.version}, ${offer.actions}, ${offer.protocol}`;
      await using mta = await play(defineFilter(declaration, () => reject("550 5.7.1 No")), offer);
      const answers = await mta.play([...GREETING, ...MESSAGE]);
      // Once, and no edits with it; only recipients are refused again and again.
      const refusals = answers.filter((answer) => !answer.endsWith(": continue"));
      assert(refusals.length > 0, what);
      for (const refusal of refusals) assertMatch(refusal, /^\w+: replyCode "550 5\.7\.1 No"$/, what);
    }
  });
}

/** Whether the MTA waits for an answer. */
function isAwaited(type: CommandType, { protocol, version }: Agreement): boolean {
  const { skip = 0, silent = 0, since = 0 } = COMMANDS[type];
  return (protocol & (skip | silent)) === 0 && version >= since;
}

test("The recorded offers are those of real MTAs, and their parts", () => {
  assertGreater(OFFERS.length, 15);
  const whole = OFFERS.find(({ protocol }) => protocol === 0x1fffff)!;
  assert(whole.names.some((name) => name.startsWith("sendmail/")) && whole.names.length > 500);
});
