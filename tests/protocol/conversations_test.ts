/** Both ends of the protocol against all that Postfix, Sendmail and filters said to each other. */

import {
  type Agreement,
  type Command,
  COMMANDS,
  decodeCommand,
  decodeReply,
  encodeCommand,
  encodeReply,
  type ErrorCode,
  type ErrorSide,
  FilterEnd,
  MilterError,
  MtaEnd,
  REPLIES,
  type Reply,
} from "../../src/protocol/mod.ts";
import { assertBytes, concat, frame } from "../bytes.ts";
import { assert, assertEquals, assertStringIncludes, property, test } from "../harness.ts";
import { type Conversation, CONVERSATIONS, forEachConversation } from "../transcripts.ts";

/** Conversations in which the filter broke the rules, to see what the MTA makes of it. */
interface Offence {
  readonly file: RegExp;
  readonly code: ErrorCode;
  readonly why: string;
  /** The end that says so; both by default. */
  readonly end?: "filter" | "mta";
}

const OFFENCES: readonly Offence[] = [
  { file: /resp-\w+-4$/, code: "ORDER", why: "by shutdown: it is no answer to that command" },
  { file: /resp-\w+-f$/, code: "ORDER", why: "by connectionFailure: it is no answer to that command" },
  { file: /resp-\w+-p$/, code: "ORDER", why: "by progress: it is no answer to that command" },
  { file: /resp-\w+-mod$/, code: "ORDER", why: "by addHeader: it is no answer to that command" },
  { file: /resp-(?!body)\w+-s$/, code: "ORDER", why: "by skip: it is no answer to that command" },
  { file: /(resp-body-s|body-skip-unnegotiated)$/, code: "NOT_AGREED", why: "SKIP was not negotiated" },
  { file: /resp-\w+-(ybad|y250)$/, code: "MESSAGE", why: "by replyCode: its text is no SMTP reply" },
  { file: /resp-\w+-nonul$/, code: "MESSAGE", why: "its text has no NUL at its end", end: "mta" },
  { file: /resp-\w+-c-data$/, code: "MESSAGE", why: "4 bytes left over at its end", end: "mta" },
  { file: /resp-\w+-unknown$/, code: "MESSAGE", why: "there is none with the code 0x5a", end: "mta" },
  { file: /mod-unnegotiated-(add|ins)header$/, code: "NOT_AGREED", why: "ADD_HEADERS was not negotiated" },
  { file: /mod-unnegotiated-chgfrom$/, code: "NOT_AGREED", why: "CHANGE_SENDER was not negotiated" },
  { file: /mod-unnegotiated-quarantine$/, code: "NOT_AGREED", why: "QUARANTINE was not negotiated" },
  { file: /mod-unnegotiated-replbody$/, code: "NOT_AGREED", why: "CHANGE_BODY was not negotiated" },
  { file: /mod-replbody-200k-one-frame$/, code: "MESSAGE", why: "200000 bytes are over the limit of 65535" },
  { file: /replbody-progress-between$/, code: "ORDER", why: "progress stands between pieces of the body" },
  { file: /replbody-twice-split$/, code: "ORDER", why: "addHeader stands between pieces of the body" },
  { file: /nr-all-reject-rcpt-anyway$/, code: "ORDER", why: "reject: no command waits for an answer" },
  // An MTA takes such a "continue" for nothing.
  {
    file: /nr-all-reply-anyway$/,
    code: "ORDER",
    why: "continue: no command waits for an answer",
    end: "filter",
  },
  // The filter's end negotiates by itself, and so well that these have no counterpart there.
  { file: /optneg-reject$/, code: "ORDER", why: "it is no answer to that command", end: "mta" },
  { file: /optneg-short$/, code: "MESSAGE", why: "its actions is cut short", end: "mta" },
  { file: /optneg-v1$/, code: "NEGOTIATION", why: "speaks version 1, this MTA 2 to 6", end: "mta" },
  { file: /optneg-v7$/, code: "NEGOTIATION", why: "speaks version 7, this MTA 2 to 6", end: "mta" },
  { file: /optneg-extra-proto$/, code: "NEGOTIATION", why: "not offered: 0x400000", end: "mta" },
  { file: /body-1500k-mds256k$/, code: "NEGOTIATION", why: "not offered: CHUNK_256K", end: "mta" },
  { file: /body-1500k-mds1m$/, code: "NEGOTIATION", why: "not offered: CHUNK_1M", end: "mta" },
  { file: /-\w+-zerolen$/, code: "FRAME", why: "its length is 0", end: "mta" },
  { file: /-\w+-garbage$/, code: "LIMIT", why: "its length of 1213486160 bytes is over", end: "mta" },
  { file: /-\w+-toolarge$/, code: "LIMIT", why: "its length of 2147483647 bytes is over", end: "mta" },
  { file: /-\w+-large-16m$/, code: "LIMIT", why: "its length of 16777216 bytes is over", end: "mta" },
];

/** Checks that exactly what breaks the rules was refused, for its reason, and whose fault it was. */
function assertOffences(name: string, end: "filter" | "mta", errors: readonly unknown[]): void {
  const file = name.replace(/ #\d$/, "");
  const offence = OFFENCES.find((row) => row.file.test(file) && (row.end ?? end) === end);
  const side: ErrorSide = end === "mta" ? "peer" : "local";
  if (offence !== undefined && !errors.length) throw new Error(`Nothing was refused of ${offence.why}`);
  for (const error of errors) {
    if (!(error instanceof MilterError) || offence === undefined) throw error;
    assertEquals([error.code, error.side], [offence.code, side]);
    assertStringIncludes(error.message, offence.why);
  }
}

test("Every offence is in some transcript", () => {
  const files = new Set(CONVERSATIONS.map(({ name }) => name.replace(/ #\d$/, "")));
  assertEquals(OFFENCES.filter(({ file }) => ![...files].some((name) => file.test(name))), []);
});

/** What a filter's end was told and said in a conversation. */
interface Replay {
  readonly commands: readonly Command[];
  /** The replies to each command that waited for some. */
  readonly answers: readonly (readonly Reply[])[];
  readonly sent: Uint8Array;
}

function agreementOf({ exchanges: [first] }: Conversation): Agreement | undefined {
  try {
    const reply = decodeReply(first!.replies[0]!);
    return reply.type === "negotiate" ? reply : undefined;
  } catch {
    return undefined; // One of those that were broken on purpose, or none at all.
  }
}

function filterEndFor(conversation: Conversation): FilterEnd {
  const { actions = 0, protocol = 0, macros = [] } = agreementOf(conversation) ?? {};
  return new FilterEnd({ wish: { actions, protocol, macros } });
}

/** Replays a conversation packet by packet, checks each step, and notes what was refused. */
function replay(conversation: Conversation, errors: unknown[]): Replay {
  const { exchanges } = conversation;
  const end = filterEndFor(conversation);
  const commands: Command[] = [];
  const answers: Reply[][] = [];
  const sent: Uint8Array[] = [];
  for (const [index, { command, replies }] of exchanges.entries()) {
    end.receive(frame(command));
    for (let next = end.next(); next !== undefined; next = end.next()) commands.push(next);
    if (index === 0) {
      sent.push(end.take()!);
      continue;
    }
    const brokeOff = index === exchanges.length - 1 && replies.length === 0;
    assert(
      brokeOff || end.awaiting === undefined || replies.length > 0,
      `packet ${index} waits for an answer`,
    );
    const given: Reply[] = [];
    for (const reply of replies.map(readable)) {
      try {
        if (reply !== undefined) {
          end.send(reply);
          given.push(reply);
        }
      } catch (error) {
        errors.push(error);
      }
    }
    const bytes = end.take() ?? new Uint8Array(0);
    assertBytes(bytes, concat(given.map(encodeReply)));
    // The place of an answer that we refuse is taken by another, so that the conversation goes on.
    if (end.awaiting !== undefined && !brokeOff) {
      end.send({ type: "continue" });
      given.push({ type: "continue" });
      end.take();
    }
    if (given.length > 0) answers.push(given);
    sent.push(concat(given.map(encodeReply)));
  }
  return { commands, answers, sent: concat(sent) };
}

function readable(packet: Uint8Array): Reply | undefined {
  try {
    return decodeReply(packet);
  } catch {
    return undefined; // What is broken is for packets_test.ts, and for the MTA's end.
  }
}

test("FilterEnd takes what real MTAs say, wants an answer where filters gave one, and refuses bad ones", () => {
  forEachConversation((conversation) => {
    const errors: unknown[] = [];
    replay(conversation, errors);
    assertOffences(conversation.name, "filter", errors);
  });
});

test("FilterEnd gives every command that was sent, as it was sent", () => {
  forEachConversation((conversation) => {
    const packets = (commands: readonly Command[]) =>
      concat(commands.filter(({ type }) => type !== "abort").map(encodeCommand));
    assertBytes(
      packets(replay(conversation, []).commands),
      packets(conversation.exchanges.map(({ command }) => decodeCommand(command))),
    );
  });
});

test("FilterEnd ends every message once, before the next begins", () => {
  forEachConversation((conversation) => {
    let open = false;
    for (const { type } of replay(conversation, []).commands) {
      if (type === "endOfMessage" || type === "abort") {
        assert(open, `${type} ends no message`);
        open = false;
      } else if (type === "mail" || type === "helo") {
        assert(!open, `${type} comes within a message`);
        open = type === "mail";
      } else if (type === "rcpt") {
        open = true; // The first that is seen of a message where MAIL was negotiated away.
      }
    }
  });
});

test("FilterEnd answers a negotiation as the recorded filters did, but asks for nothing that was not offered", () => {
  forEachConversation((conversation) => {
    const recorded = agreementOf(conversation);
    if (recorded === undefined) return;
    const [offer] = replay(conversation, []).commands;
    assert(offer?.type === "negotiate");
    const end = filterEndFor(conversation);
    end.receive(encodeCommand(offer));
    end.next();
    assertEquals(end.agreement, {
      ...recorded,
      version: Math.min(offer.version, 6),
      protocol: recorded.protocol & offer.protocol,
    });
  });
});

property("FilterEnd takes and says the same however the stream is split", { runs: 3 }, (random) => {
  forEachConversation((conversation) => {
    const expected = replay(conversation, []);
    const stream = concat(conversation.exchanges.map(({ command }) => frame(command)));
    const end = filterEndFor(conversation);
    const answers = [...expected.answers];
    const commands: Command[] = [];
    const sent: Uint8Array[] = [];
    for (const chunk of random.split(stream, random.between(1, conversation.exchanges.length * 2))) {
      end.receive(chunk);
      for (let next = end.next(); next !== undefined; next = end.next()) {
        commands.push(next);
        if (end.awaiting !== undefined) { for (const reply of answers.shift() ?? []) end.send(reply); }
      }
      sent.push(end.take() ?? new Uint8Array(0));
    }
    assertEquals(commands.map(({ type }) => type), expected.commands.map(({ type }) => type));
    assertBytes(concat(commands.map(encodeCommand)), concat(expected.commands.map(encodeCommand)));
    assertBytes(concat(sent), expected.sent);
    assertEquals([answers.length, end.buffered], [0, 0]);
  });
});

/** Lets an MTA's end say what the MTA said, and hear what the filter said, its bytes split somehow. */
function replayToMta(
  { exchanges }: Conversation,
  split: (bytes: Uint8Array) => readonly Uint8Array[],
): unknown[] {
  const offer = decodeCommand(exchanges[0]!.command);
  assert(offer.type === "negotiate");
  const end = new MtaEnd(offer);
  try {
    for (const [index, { command, replies, garbage }] of exchanges.entries()) {
      assert(end.send(decodeCommand(command)), `packet ${index} is kept back`);
      assertBytes(end.take()!, frame(command));
      const waited = end.awaiting !== undefined;
      const heard: Reply[] = [];
      for (const chunk of split(concat([...replies.map(frame), garbage]))) {
        end.receive(chunk);
        for (let next = end.next(); next !== undefined; next = end.next()) heard.push(next);
      }
      if (waited) assertBytes(concat(heard.map(encodeReply)), concat(replies.map(frame)));
      if (index < exchanges.length - 1) assertEquals(end.awaiting, undefined, `after packet ${index}`);
    }
  } catch (error) {
    return [error];
  }
  return [];
}

test("MtaEnd says what real MTAs say, hears what filters answer, and refuses what breaks the rules", () => {
  forEachConversation((conversation) => {
    assertOffences(conversation.name, "mta", replayToMta(conversation, (bytes) => [bytes]));
  });
});

property("MtaEnd hears the same however the stream is split", { runs: 3 }, (random) => {
  forEachConversation((conversation) => {
    const split = (bytes: Uint8Array) => random.split(bytes, random.between(1, 6));
    assertOffences(conversation.name, "mta", replayToMta(conversation, split));
  });
});

test("Commands that are answered and replies that answer them have all been recorded, but the rarest", () => {
  const codes = (packets: readonly Uint8Array[]) =>
    new Set(packets.map(([code]) => String.fromCharCode(code!)));
  const exchanges = CONVERSATIONS.flatMap((conversation) => conversation.exchanges);
  const [commands, replies] = [
    codes(exchanges.map(({ command }) => command)),
    codes(exchanges.flatMap((exchange) => exchange.replies)),
  ];
  assertEquals(Object.values(COMMANDS).map(({ code }) => code).filter((code) => !commands.has(code)), ["K"]);
  assertEquals(Object.values(REPLIES).map(({ code }) => code).filter((code) => !replies.has(code)), []);
});
