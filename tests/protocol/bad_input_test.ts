/** Both ends under bytes that no peer should send: clear errors that blame it, and nothing else. */

import { COMMANDS, type CommandType, FilterEnd, MilterError, type MtaEnd } from "../../src/protocol/mod.ts";
import { concat, frame } from "../bytes.ts";
import { assert, property, type Random } from "../harness.ts";
import { CONVERSATIONS } from "../transcripts.ts";
import { filterEndBefore, mtaEndAt } from "./ends.ts";

/** Small, so that a few bytes already go over it. */
const MAX_PACKET = 4096;

const TYPES = Object.keys(COMMANDS) as CommandType[];

/**
 * Lets an end take chunks to the last, or to the first error; it must blame the peer.
 *
 * Each message costs at least the five bytes of its packet: more messages would mean that the end hangs.
 */
function survive(end: FilterEnd | MtaEnd, chunks: readonly Uint8Array[]): void {
  let given = 0;
  let messages = 0;
  for (const chunk of chunks) {
    given += chunk.length;
    end.receive(chunk);
    try {
      while (end.next() !== undefined) {
        // Beside what was sent, a MAIL or HELO may give an abort.
        messages++;
        assert(messages <= given / 5 * 2, `${messages} messages in ${given} bytes`);
        if (end instanceof FilterEnd && end.awaiting !== undefined) end.send({ type: "continue" });
      }
    } catch (error) {
      assert(error instanceof MilterError && error.side === "peer", `${error}`);
      assert(
        ["FRAME", "LIMIT", "MESSAGE", "ORDER", "NOT_AGREED", "NEGOTIATION"].includes(error.code),
        error.code,
      );
      return;
    }
    assert(end.buffered <= given, `${end.buffered} bytes are kept of ${given}`);
  }
}

/** A packet that may be anything, its code often one that exists. */
function anyPacket(random: Random): Uint8Array {
  const data = random.bytes(random.pick([0, 0, 1, 2, 12, 40])).map((byte) => random.chance(0.3) ? 0 : byte);
  const code = random.chance(0.1)
    ? random.below(256)
    : random.pick([..."OCHMRTLNBEUDAQKcartdyshimbe+2-qp4f"]).charCodeAt(0);
  return frame(concat([Uint8Array.of(code), data]));
}

/** Bytes that are wrong here and there: changed, left out, put in, said twice. */
function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  let mutated = bytes;
  for (let count = random.between(1, 4); count > 0; count--) {
    const at = random.below(mutated.length + 1);
    const [before, after] = [mutated.subarray(0, at), mutated.subarray(at)];
    mutated = concat(
      random.pick([
        () => [before, Uint8Array.of(random.pick([0, 1, 0xff, random.below(256)])), after.subarray(1)],
        () => [before, after.subarray(random.between(1, 20))],
        () => [before, random.bytes(random.between(1, 20)), after],
        () => [before, anyPacket(random), after],
        () => [before, after.subarray(0, 60), after],
      ])(),
    );
  }
  return mutated;
}

const split = (random: Random, bytes: Uint8Array) => random.split(bytes, random.between(1, 6));

property("FilterEnd survives any bytes", { runs: 2000 }, (random) => {
  const end = random.chance()
    ? filterEndBefore(random.pick(TYPES))
    : new FilterEnd({ maxPacket: MAX_PACKET });
  survive(end, split(random, random.bytes(random.below(200))));
});

property("FilterEnd survives any packets", { runs: 2000 }, (random) => {
  const packets = random.list(random.between(1, 12), () => anyPacket(random));
  survive(filterEndBefore(random.pick(TYPES)), split(random, concat(packets)));
});

property("FilterEnd survives what real MTAs say, with mistakes", { runs: 1000 }, (random) => {
  const { exchanges } = random.pick(CONVERSATIONS);
  const stream = concat(exchanges.slice(0, 60).map(({ command }) => frame(command.subarray(0, MAX_PACKET))));
  survive(new FilterEnd({ maxPacket: MAX_PACKET }), split(random, mutate(random, stream)));
});

property("MtaEnd survives any bytes", { runs: 2000 }, (random) => {
  survive(mtaEndAt(random.pick(TYPES)), split(random, random.bytes(random.below(200))));
});

property("MtaEnd survives any packets", { runs: 2000 }, (random) => {
  const packets = random.list(random.between(1, 6), () => anyPacket(random));
  survive(mtaEndAt(random.pick(TYPES)), split(random, concat(packets)));
});

property("MtaEnd survives what filters answer, with mistakes", { runs: 2000 }, (random) => {
  const { replies } = random.pick(random.pick(CONVERSATIONS).exchanges);
  const stream = concat(replies.map((reply) => frame(reply.subarray(0, MAX_PACKET))));
  survive(mtaEndAt(random.pick(TYPES)), split(random, mutate(random, stream)));
});
