/** Whole conversations with filters of any manners: by an MTA that keeps the rules, and by peers that do not. */

import { setImmediate } from "node:timers";
import { COMMANDS, encodeMacros, MtaEnd, type Reply } from "../../src/protocol/mod.ts";
import { Conversation } from "../../src/session/conversation.ts";
import type { Outlet } from "../../src/session/outlet.ts";
import { concat } from "../bytes.ts";
import { assert, type Random } from "../harness.ts";
import { body, commandOf, header, type Line, mail, rcpt, unknown } from "../mta_commands.ts";
import { anyFilter, type Outcome } from "./filters.ts";
import { Judge } from "./judge.ts";

/** What was done, for who counts. */
export interface Tally {
  conversations: number;
  commands: number;
  replies: number;
}

/** Small enough to be hit now and then. */
const LIMITS = {
  headers: 6,
  recipients: 4,
  headerBytes: 2000,
  envelopeBytes: 2000,
  collectBytes: 100_000,
} as const;

/** More turns of the microtask queue than any filter takes that does not wait. */
const TURNS = 60;

/** Gives all that waits to go on the time to do so; a timer would take a millisecond at least. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A conversation in memory, whose clock can be put forward. */
function open(random: Random, tally: Tally) {
  const { filter, outcomes } = anyFilter(random);
  const written: Uint8Array[] = [];
  let closed = false;
  let late = false;
  const close = () => void (closed = true);
  const outlet: Outlet = {
    peer: "fuzz",
    write: (bytes) => {
      late ||= closed;
      written.push(bytes);
      return random.chance(0.95);
    },
    close,
    destroy: close,
    pause: () => {},
    resume: () => {},
  };
  const conversation = new Conversation(filter, outlet, {
    log: () => {},
    limits: random.chance(0.3) ? LIMITS : {},
  });
  // Sessions know the real time too.
  let now = performance.now();
  tally.conversations++;
  return {
    conversation,
    outcomes,
    closed: () => closed,
    written: () => written.splice(0),
    send(bytes: Uint8Array): void {
      const atEnd = random.chance();
      for (const piece of random.split(bytes, random.pick([1, 1, 2, 3]))) {
        conversation.receive(piece, random.chance());
        if (!atEnd) conversation.work();
      }
      if (atEnd) conversation.work();
      conversation.receiveDrain();
    },
    /** Loses the connection, whatever goes on: nothing is written from then on. */
    async lose(): Promise<void> {
      closed = true;
      conversation.lose();
      await this.settle(() => false);
      assert(!late, "something was written after the end");
    },
    /** Lets filters go on; those that hang are given up. */
    async settle(done: () => boolean): Promise<void> {
      for (let turn = 0; turn < TURNS && !done(); turn++) await undefined;
      for (let turn = 0; turn < 2 && !done(); turn++) await nextTurn();
      for (let turn = 0; turn < 10 && !done(); turn++) {
        conversation.tick(now += 100_000);
        await undefined;
      }
    },
  };
}

/** The lines of a session: some messages, each of which may end anywhere. */
function* session(random: Random): Generator<Line, void, boolean> {
  yield "connect";
  if (random.chance(0.9)) yield "helo";
  for (let count = random.between(1, 3); count > 0; count--) {
    const lines: Line[] = [
      mail(random.pick(["<a@example.com>", "<>"]), ...random.chance() ? ["SIZE=100"] : []),
      ...random.list(
        random.between(1, 5),
        () => rcpt(random.pick(["<user@example.com>", "<x@example.com>"])),
      ),
      ...random.chance(0.2) ? [unknown("VRFY user")] : [],
      "data",
      ...random.list(
        random.below(8),
        () => header(random.pick(["Subject: s", "X-A: b", "From: a@example.com"])),
      ),
      "endOfHeaders",
      ...random.list(random.below(4), () => body(random.pick(["line\r\n", "", "x".repeat(5000)]))),
      "endOfMessage",
    ];
    for (const line of lines.slice(0, random.chance(0.2) ? random.below(lines.length) : lines.length)) {
      if (yield line) break;
    }
    if (random.chance(0.7)) yield "abort";
    if (random.chance(0.1)) yield "helo";
  }
  if (random.chance()) yield "quit";
}

/** Whether a reply ends the message, or the connection. */
function ends(line: Line, reply: Reply | undefined): boolean {
  const { type } = commandOf(line);
  if (reply?.type === "accept" || reply?.type === "discard") return true;
  return ["reject", "tempfail", "replyCode"].includes(reply?.type ?? "") && type !== "rcpt" &&
    type !== "unknown";
}

/**
 * A conversation by the rules. Each command has its one answer, and no edit comes but before that of the end of the
 * message: the MTA's end of the protocol would say so, and so does the judge. A message is accepted only if all of its filters have.
 */
export async function converse(random: Random, tally: Tally): Promise<void> {
  const end = new MtaEnd({
    version: random.pick([6, 6, 6, 4, 3, 2]),
    protocol: random.pick([0x1fffff, 0x1fffff, 0, 0x7f, random.below(0x200000)]),
    actions: random.pick([0x1ff, 0x1ff, 0x3f]),
  });
  const peer = open(random, tally);
  const judge = new Judge();
  const send = (bytes: Uint8Array): void => {
    judge.hear(bytes);
    peer.send(bytes);
  };
  const hear = async (): Promise<Reply[]> => {
    const replies: Reply[] = [];
    await peer.settle(() => {
      for (const bytes of peer.written()) {
        judge.judge(bytes);
        end.receive(bytes);
      }
      while (end.awaiting !== undefined) {
        const reply = end.next();
        if (reply === undefined) break;
        replies.push(reply);
        tally.replies++;
      }
      return end.awaiting === undefined;
    });
    assert(
      end.buffered === 0,
      `${end.buffered} bytes more than were asked for, after ${replies.at(-1)?.type}`,
    );
    return replies;
  };
  end.negotiate();
  send(end.take()!);
  await hear();
  if (peer.closed()) return assert(end.agreement === undefined);
  const lines = session(random);
  for (let next = lines.next(); !next.done;) {
    const line = next.value;
    const macros = random.chance(0.3)
      ? encodeMacros({ i: "4bXyZ12345", v: random.pick(["Postfix 3.7.11", "8.17.1"]) })
      : "";
    const sent: Uint8Array[] = [];
    if (macros !== "" && (line === "connect" || line === "data")) {
      end.send({ type: "macros", stage: line === "connect" ? "C" : "T", definitions: macros });
      sent.push(end.take()!);
    }
    if (end.send(commandOf(line))) sent.push(end.take()!);
    if (sent.length > 0) send(concat(sent));
    tally.commands++;
    if (random.chance(0.01)) break;
    const replies = await hear();
    assert(end.awaiting === undefined && judge.owed === "", `${end.awaiting} ${judge.owed} has no answer`);
    const answer = replies.at(-1);
    checkAnswer(line, answer, peer.outcomes());
    next = lines.next(ends(line, answer));
    if (answer !== undefined && ends(line, answer) && (line === "connect" || line === "helo")) break;
    if (line === "quit") break;
  }
  if (random.chance()) peer.conversation.receiveEnd();
  await peer.lose();
}

/** Never "accept" when a filter has refused, has failed, or is still at work. */
function checkAnswer(line: Line, answer: Reply | undefined, outcomes: readonly Outcome[]): void {
  const accepts = answer?.type === "accept" || (line === "endOfMessage" && answer?.type === "continue");
  if (accepts) checkAccepted(COMMANDS[commandOf(line).type].code, outcomes);
}

/** At CONNECT and HELO it would be for all messages to come, which nobody has seen. */
function checkAccepted(command: string, outcomes: readonly Outcome[]): void {
  assert(!["C", "H"].includes(command), "the whole connection is accepted");
  const all = outcomes.every((outcome) => outcome === "accept" || outcome === "quarantine");
  assert(all, `accepted at ${command}, but the filters say ${outcomes}`);
}

/**
 * What an MTA says, were it full of mistakes: it is answered by the rules as far as it keeps them, and then closed. In
 * half of the cases the MTA waits for each answer, as it should.
 */
export async function blunder(bytes: Uint8Array, random: Random, tally: Tally): Promise<void> {
  const peer = open(random, tally);
  const judge = new Judge();
  const waits = random.chance();
  const loses = random.chance(0.2);
  for (const piece of waits ? packetsOf(bytes) : random.split(bytes, random.between(1, 8))) {
    judge.hear(piece);
    peer.send(piece);
    if (waits) await peer.settle(() => (hear(), peer.closed() || judge.owed === ""));
    tally.commands++;
    if (loses && random.chance(0.1)) return await peer.lose();
  }
  await peer.settle(() => (hear(), peer.closed() || judge.owed === ""));
  assert(peer.closed() || judge.owed === "", `${judge.owed} has no answer`);
  await peer.lose();

  function hear(): void {
    for (const { command, answer } of judge.judge(concat(peer.written()))) {
      tally.replies++;
      const accepts = answer === "a" || (command === "E" && answer === "c");
      // Who does not wait for answers hears them late, when the next message may have begun.
      if (accepts && waits) checkAccepted(command, peer.outcomes());
    }
  }
}

/** The bytes cut where packets end; the last piece may be anything. */
function packetsOf(bytes: Uint8Array): Uint8Array[] {
  const packets: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (at + 4 < bytes.length) {
    const end = at + 4 + view.getUint32(at);
    packets.push(bytes.subarray(at, end));
    at = Math.min(end, bytes.length);
  }
  return [...packets, bytes.subarray(at)];
}
