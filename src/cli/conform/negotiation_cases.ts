import { encodeCommand } from "../../protocol/codec.ts";
import { COMMANDS, type CommandType, type Offer } from "../../protocol/commands.ts";
import { ACTION, chunkLimit, MACRO_STAGE, PROTOCOL } from "../../protocol/flags.ts";
import { mustNotHang, mustRefuse, packet } from "./bad_input.ts";
import { type Case, Fault, NotApplicable } from "./case.ts";
import { body, greeting, helo, mail, message, unknown } from "./samples.ts";
import { ALL_ANSWERED, NO_REPLY, type Stand, USUAL_OFFER } from "./stand.ts";
import { Talk } from "./talk.ts";

const NO_MORE = "more than was offered: Sendmail bypasses such a milter, Postfix fails the mail";
const KEEPS = "what a milter asked for is what it keeps: Postfix takes an answer too many for the next one";

/** What MTAs of each version offer, as Postfix has them; there is no version 5 in it. */
const VERSIONS: readonly (Pick<Offer, "version" | "actions" | "protocol">)[] = [
  { version: 2, actions: 0x3f, protocol: 0x7f },
  { version: 3, actions: 0x3f, protocol: 0x17f },
  { version: 4, actions: 0x3f, protocol: 0x37f },
  { version: 5, actions: 0x3f, protocol: 0x37f },
  { version: 6, actions: 0x1ff, protocol: 0x1fffff },
  { version: 7, actions: 0x1ff, protocol: 0x1fffff },
];

/** What an MTA of version 1 had, which named no flags; libmilter takes it for offered where nothing is. */
const VERSION_1 = { version: 6, actions: 0x0f, protocol: 0x3f } as const;

/** From this one on, a milter has no reason to refuse. */
const CURRENT = 6;

/** A whole mail and an unknown command, the way this MTA would. */
async function wholeMail(talk: Talk): Promise<void> {
  await talk.play([...greeting(), unknown("XUNKNOWN"), ...message()]);
  await talk.finish();
}

/** Plays a mail under each offer that the milter agrees to; it may refuse some of them. */
async function underEach(stand: Stand, offers: readonly Partial<Offer>[]): Promise<void> {
  let agreed = 0;
  for (const change of offers) {
    try {
      const talk = await stand.offer(change);
      if (talk === undefined) continue;
      agreed++;
      await wholeMail(talk);
    } catch (error) {
      throw error instanceof Fault ? new Fault(`${described(change)}: ${error.message}`) : error;
    }
  }
  if (agreed === 0) throw new NotApplicable("it refuses such an offer");
}

/** What is unusual about an offer: `offered actions 0x1fe`. */
function described(change: Partial<Offer>): string {
  const { version, actions, protocol } = change;
  const parts = [
    version === undefined ? [] : `version ${version}`,
    actions === undefined ? [] : `actions 0x${actions.toString(16)}`,
    protocol === undefined ? [] : `protocol flags 0x${protocol.toString(16)}`,
  ].flat();
  return `offered ${parts.join(", ")}`;
}

/** What is offered, what must be refused, and what a milter makes of it. */
export const NEGOTIATION_CASES: readonly Case[] = [
  ...VERSIONS.map((offer): Case => ({
    name: `version-${offer.version}`,
    about: `an MTA of version ${offer.version}, and a mail`,
    rule: offer.version < CURRENT
      ? "answer that version or a lower one, and no flag that it lacks; a milter may refuse it"
      : "MTAs of today speak version 6; a later one is answered by 6",
    async play(stand) {
      if (offer.version < CURRENT) return await underEach(stand, [offer]);
      await wholeMail(await stand.open(offer));
    },
  })),
  {
    name: "version-1",
    about: "an MTA of version 1 or 0",
    rule: "no MTA in use speaks it: refuse by a close",
    play: (stand) =>
      mustRefuse(stand, [
        { what: "an offer of version 1", bytes: packet("O\0\0\0\x01\0\0\0\x0f\0\0\0\x3f") },
        { what: "an offer of version 0", bytes: packet("O\0\0\0\0\0\0\0\0\0\0\0\0") },
      ]),
  },
  {
    name: "short-offer",
    about: "an offer of fewer than 12 bytes",
    rule: "version, actions and protocol flags must be there: refuse by a close",
    play: (stand) =>
      mustRefuse(stand, [
        { what: "an offer of 4 bytes", bytes: packet("O\0\0\0\x06") },
        { what: "an offer of 11 bytes", bytes: packet("O\0\0\0\x06\0\0\x01\xff\0\x1f\xff") },
        { what: "an offer of nothing", bytes: packet("O") },
      ]),
  },
  {
    name: "long-offer",
    about: "an offer of more than 12 bytes",
    rule: "what later versions add is not looked at",
    async play(stand) {
      await wholeMail(await stand.open({ extra: Uint8Array.of(0, 0, 0, 0, 0x69, 0) }));
    },
  },
  {
    name: "second-offer",
    about: "an offer in the middle of a conversation",
    rule: "the negotiation comes once: close, refuse or pass it over, but do not hang",
    play: (stand) =>
      mustNotHang(stand, [
        { what: "a second offer", bytes: encodeCommand(USUAL_OFFER), after: greeting(), then: mail() },
      ]),
  },
  {
    name: "no-offer",
    about: "commands before any offer",
    rule: "nothing is agreed yet: close, refuse or pass them over, but do not hang",
    play: (stand) =>
      mustNotHang(stand, [
        { what: "a MAIL before the offer", bytes: encodeCommand(mail()), then: USUAL_OFFER },
        { what: "a HELO before the offer", bytes: encodeCommand(helo()), then: USUAL_OFFER },
      ]),
  },
  {
    name: "bare-offer",
    about: "an offer of no actions and no flags",
    rule: `${NO_MORE}; no flags at all mean those of version 1`,
    async play(stand) {
      const talk = new Talk(await stand.connect(), { ...USUAL_OFFER, actions: 0, protocol: 0 });
      if (!await talk.negotiate(VERSION_1)) throw new NotApplicable("it refuses such an offer");
      await wholeMail(talk);
    },
  },
  {
    name: "actions-offered",
    about: "offers that lack one action, or have one only",
    rule: NO_MORE,
    async play(stand) {
      const all = Object.values(ACTION);
      await underEach(stand, [
        ...all.map((action) => ({ actions: USUAL_OFFER.actions & ~action })),
        ...all.map((action) => ({ actions: action })),
      ]);
    },
  },
  {
    name: "flags-offered",
    about: "offers that lack one protocol flag, or have one only",
    rule: NO_MORE,
    async play(stand) {
      const all = Object.values(PROTOCOL).filter((flag) => (flag & USUAL_OFFER.protocol) !== 0);
      await underEach(stand, [
        ...all.map((flag) => ({ protocol: USUAL_OFFER.protocol & ~flag })),
        ...all.map((flag) => ({ protocol: flag })),
      ]);
    },
  },
  {
    name: "no-reply-offered",
    about: "offers with each, all and none of the no-reply flags",
    rule: KEEPS,
    async play(stand) {
      const rest = ALL_ANSWERED.protocol!;
      await underEach(stand, [
        { protocol: rest },
        ...NO_REPLY.map((flag) => ({ protocol: rest | flag })),
        ...NO_REPLY.map((_, at) => ({
          protocol: rest | NO_REPLY.slice(at).reduce((sum, flag) => sum | flag),
        })),
      ]);
    },
  },
  {
    name: "no-reply-kept",
    about: "no answer to the commands that it agreed not to answer",
    rule: KEEPS,
    async play(stand) {
      const talk = await stand.open();
      const flags = NO_REPLY.reduce((sum, flag) => sum | flag) & talk.agreement.protocol;
      if (flags === 0) throw new NotApplicable("it answers every command");
      await wholeMail(talk);
    },
  },
  {
    name: "left-out-kept",
    about: "a mail without the commands that it does without",
    rule: "what was negotiated away does not come, and is not waited for",
    async play(stand) {
      const talk = await stand.open();
      const types = (Object.keys(COMMANDS) as CommandType[]).filter((type) => !talk.sends(type));
      if (types.length === 0) throw new NotApplicable("it wants every command");
      await wholeMail(talk);
    },
  },
  {
    name: "sizes-offered",
    about: "larger body chunks offered, and sent where agreed",
    rule: "SMFIP_MDS_256K and SMFIP_MDS_1M: one of them at most, and chunks of that size then",
    async play(stand) {
      const { CHUNK_256K, CHUNK_1M } = PROTOCOL;
      const talk = await stand.open({ protocol: USUAL_OFFER.protocol | CHUNK_256K | CHUNK_1M });
      const limit = chunkLimit(talk.agreement.protocol);
      await talk.play([...greeting(), ...message({ chunks: [body(new Uint8Array(limit).fill(0x61))] })]);
      await talk.finish();
    },
  },
  {
    name: "macro-lists",
    about: "the macros that it asks for",
    rule: "stages 0 to 6, each once, and at most 50 names in each",
    async play(stand) {
      const talk = await stand.open();
      const { macros } = talk.agreement;
      if (macros.length === 0) throw new NotApplicable("it asks for none");
      const known: readonly number[] = Object.values(MACRO_STAGE);
      for (const [at, { stage, names }] of macros.entries()) {
        if (!known.includes(stage)) throw new Fault(`asks for macros at stage ${stage}, which is none`);
        if (macros.findIndex((other) => other.stage === stage) !== at) {
          throw new Fault(`asks for macros at stage ${stage} twice`);
        }
        if (names.length > 50) throw new Fault(`asks for ${names.length} macros at stage ${stage}`);
      }
    },
  },
];
