/** What must hold of the framer, the codec and both ends of the protocol, whatever bytes come. */

import {
  COMMANDS,
  decodeCommand,
  decodeReply,
  encodeCommand,
  encodeReply,
  FilterEnd,
  Framer,
  MilterError,
  MtaEnd,
  PROTOCOL,
  type Reply,
  type ReplyType,
  type Text,
} from "../../src/protocol/mod.ts";
import { describe } from "../../src/protocol/description.ts";
import { concat, sameBytes } from "../bytes.ts";
import { assert, assertEquals, type Random } from "../harness.ts";
import { commandOf, CONVERSATION } from "../mta_commands.ts";
import { Judge } from "./judge.ts";

/** Small, so that a few bytes already go over it. */
const MAX_PACKET = 4096;

/** What came of a stream of bytes: what was read of it and said to it, and the error that ended it. */
interface Reading {
  readonly said: readonly unknown[];
  readonly error: string | undefined;
}

/** An MTA's stream: each packet is one command, and it matters to nobody how it was cut. */
export function checkCommands(bytes: Uint8Array, random: Random): number {
  const pieces = random.split(bytes, random.between(2, 6));
  const packets = checkFramer(bytes, pieces);
  for (const packet of packets) checkCodec(packet, decodeCommand, encodeCommand);
  const seed = random.uint32();
  checkAlike(readCommands([bytes], seed), readCommands(pieces, seed));
  return packets.length;
}

/** A filter's stream, as {@linkcode checkCommands}. */
export function checkReplies(bytes: Uint8Array, random: Random): number {
  const pieces = random.split(bytes, random.between(2, 6));
  const packets = checkFramer(bytes, pieces);
  for (const packet of packets) checkCodec(packet, decodeReply, encodeReply);
  const offer = { protocol: random.pick([0x1fffff, 0x301fffff, 0]), version: random.pick([6, 2]) };
  checkAlike(readReplies([bytes], offer), readReplies(pieces, offer));
  return packets.length;
}

/** Packets that are the same at any split, and with what is left over give the bytes again. */
function checkFramer(bytes: Uint8Array, pieces: readonly Uint8Array[]): Uint8Array[] {
  const whole = cut([bytes]);
  const split = cut(pieces);
  assert(whole.error === split.error, `whole: ${whole.error}; in pieces: ${split.error}`);
  for (const { packets, framer } of [whole, split]) {
    const rest = framer.rest();
    assert(rest.length === framer.buffered, `${rest.length} bytes are left of ${framer.buffered}`);
    // After an error nothing more is pushed: what came before it is all there, and no more.
    const size = bytes.length - rest.length;
    assert(
      packets.reduce((sum, packet) => sum + 4 + packet.length, 0) === size || whole.error !== undefined,
      `${packets.length} packets are not ${size} bytes`,
    );
  }
  assert(sameBytes(concat(whole.packets), concat(split.packets)), "other packets at another split");
  assert(whole.packets.length === split.packets.length, "more packets at another split");
  return whole.packets;
}

function cut(pieces: readonly Uint8Array[]) {
  const framer = new Framer(MAX_PACKET);
  const packets: Uint8Array[] = [];
  const error = blame(() => {
    for (const piece of pieces) {
      framer.push(Uint8Array.from(piece), pieces.length % 2 === 0);
      const waiting = framer.codes();
      let count = 0;
      for (let packet = framer.next(); packet !== undefined; packet = framer.next()) {
        const code = waiting[count++];
        assert(code === undefined || waiting.length === 0 || code === packet[0], "a code of no packet");
        packets.push(packet);
      }
    }
  });
  return { framer, packets, error };
}

/** Lets something go on until the peer is to blame, by one of the errors that are documented. */
function blame(body: () => void): string | undefined {
  try {
    body();
    return undefined;
  } catch (error) {
    if (!(error instanceof MilterError)) throw error;
    assert(error.side === "peer", `blames ${error.side}: ${error.message}`);
    assert(BLAMES.has(error.code), error.code);
    return `${error.code}: ${error.message}`;
  }
}

const BLAMES: ReadonlySet<string> = new Set([
  ...["FRAME", "LIMIT", "MESSAGE", "ORDER", "NOT_AGREED", "NEGOTIATION"],
]);

/** What a packet says, said again, is the same packet. */
function checkCodec<M extends ReturnType<typeof decodeCommand> | Reply>(
  packet: Uint8Array,
  decode: (packet: Uint8Array) => M,
  encode: (message: M) => Uint8Array,
): void {
  const before = packet.slice();
  let message: M | undefined;
  const error = blame(() => message = decode(packet));
  assert(error === undefined || error.startsWith("MESSAGE"), `${error}`);
  if (message === undefined) return;
  const said = describe(message);
  let again: Uint8Array;
  try {
    again = encode(message).subarray(4);
  } catch (error) {
    // Letters and words are read as they come, and written only as they should be.
    assert(error instanceof TypeError && LOOSE.has(message.type), `${error}`);
    return;
  }
  assert(sameBytes(before, packet), "the packet has changed");
  if (sameBytes(again, packet)) return;
  assert(LOOSE.has(message.type), `${said} is written in another way`);
  assert(describe(decode(again)) === said, `${said} is read in another way when it was written`);
}

/** What has letters or words in it, of which some can be read only. */
const LOOSE: ReadonlySet<string> = new Set(["macros", "negotiate"]);

/** Fails unless both are alike; `assertEquals` tells where they part, and is slow. */
function checkAlike(whole: Reading, split: Reading): void {
  if (!isAlike(whole, split)) assertEquals(split, whole);
}

function isAlike(one: unknown, other: unknown): boolean {
  if (one instanceof Uint8Array && other instanceof Uint8Array) return sameBytes(one, other);
  if (typeof one !== "object" || typeof other !== "object") return one === other;
  const [ones, others] = [Object.entries(one ?? {}), Object.values(other ?? {})];
  return ones.length === others.length && ones.every(([, value], at) => isAlike(value, others[at]));
}

/** All answers that need nothing but their type, and one with a text. */
const SHORT_ANSWERS: readonly Reply<Text>[] = [
  ...(["continue", "accept", "reject", "tempfail", "discard", "skip"] as const).map((type) => ({ type })),
  { type: "replyCode", text: "550 5.7.1 No" },
];

/** Edits to be made before the answer to the end of a message. */
const EDITS: readonly Reply<Text>[] = [
  { type: "addHeader", name: "X-New", value: "v" },
  { type: "insertHeader", index: 0, name: "X-New", value: "v" },
  { type: "changeHeader", index: 1, name: "Subject", value: "" },
  { type: "changeSender", address: "<new@example.com>", arguments: undefined },
  { type: "addRecipient", address: "<more@example.com>" },
  { type: "removeRecipient", address: "<user@example.com>" },
  { type: "replaceBody", chunk: "one\r\n" },
  { type: "replaceBody", chunk: "two\r\n" },
  { type: "quarantine", reason: "odd" },
  { type: "progress" },
];

/** Reads an MTA's stream at the filter's end, and answers as the seed says. */
function readCommands(pieces: readonly Uint8Array[], seed: number): Reading {
  const wish = { actions: seed & 0x1ff, protocol: seed >>> 9 & 0x1fffff };
  const end = new FilterEnd({ wish, maxPacket: MAX_PACKET });
  const judge = new Judge();
  const said: unknown[] = [];
  let given = 0;
  let count = 0;
  const error = blame(() => {
    for (const piece of pieces) {
      end.receive(piece);
      judge.hear(piece);
      given += piece.length;
      void end.endsAhead;
      for (let command = end.next(); command !== undefined; command = end.next()) {
        said.push(command);
        // Each packet has five bytes at least, and before some comes an abort.
        assert(++count <= given / 5 * 2, `${count} commands in ${given} bytes`);
        const { awaiting } = end;
        if (awaiting !== undefined) answer(end, awaiting, seed + count);
        assert(end.awaiting === undefined, `${awaiting} has its answer, and awaits one`);
        const bytes = end.take();
        if (bytes !== undefined) said.push(...judge.judge(bytes).map(({ answer }) => answer));
      }
      assert(end.next() === undefined && end.take() === undefined, "it goes on after it has ended");
      if (!end.closed) assert(judge.owed === "", `${judge.owed} has no answer`);
    }
  });
  return { said, error };
}

/** Answers in one of the ways that the table has, with edits where it has those. */
function answer(end: FilterEnd, awaiting: keyof typeof COMMANDS, choice: number): void {
  const { answers } = COMMANDS[awaiting];
  const { actions = 0, protocol = 0 } = end.agreement ?? {};
  const all = answers.includes("progress") ? EDITS : [];
  for (const edit of all) if (choice & 1) attempt(end, edit, actions);
  const options = SHORT_ANSWERS.filter(({ type }) =>
    answers.includes(type) && (type !== "skip" || (protocol & PROTOCOL.SKIP) !== 0)
  );
  end.send(options[choice % options.length]!);
}

/** An edit that was not agreed on is refused, and nothing else is. */
function attempt(end: FilterEnd, edit: Reply<Text>, actions: number): void {
  try {
    end.send(edit);
  } catch (error) {
    assert(error instanceof MilterError && error.code === "NOT_AGREED", `${error}`);
    assert(actions !== 0x1ff, `${edit.type} was agreed on`);
  }
}

/** Reads a filter's stream at the MTA's end, which says what comes next as soon as it may. */
function readReplies(pieces: readonly Uint8Array[], offer: { protocol: number; version: number }): Reading {
  const end = new MtaEnd({ ...offer, maxPacket: MAX_PACKET });
  const lines = [...CONVERSATION, ...CONVERSATION.slice(2)].values();
  const said: unknown[] = [];
  const goOn = () => {
    while (end.awaiting === undefined && end.agreement !== undefined) {
      const line = lines.next();
      if (line.done) return;
      if (end.send(commandOf(line.value))) said.push(`${end.take()!.length} bytes`);
    }
  };
  end.negotiate();
  end.take();
  const error = blame(() => {
    for (const piece of pieces) {
      end.receive(piece);
      for (let reply = end.next(); reply !== undefined; reply = end.next()) {
        said.push(reply);
        assert(!isFinal(reply.type) || end.awaiting === undefined, `${reply.type} is no answer`);
        goOn();
      }
    }
  });
  return { said, error };
}

function isFinal(type: ReplyType): boolean {
  return SHORT_ANSWERS.some((answer) => answer.type === type);
}
