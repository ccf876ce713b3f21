/**
 * What the events of a message cost where nothing of ours is in a cache, as it is in a busy filter: the system has been
 * at work between one event and the next. Runs on each runtime, on one processor, and without a socket:
 *
 *   taskset -c 1 deno run -A scripts/bench/cold.ts [messages]
 *   taskset -c 1 bun scripts/bench/cold.ts [messages]
 *   taskset -c 1 node scripts/bench/cold.ts [messages]
 *
 * Each column holds those before it: a session has a protocol's end, which decodes what was framed.
 *
 * @module
 */

import { exit } from "node:process";
import { parseArgs } from "node:util";
import { commandCodec } from "../../src/protocol/codec.ts";
import { encodeCommand, FilterEnd } from "../../src/protocol/mod.ts";
import { Conversation } from "../../src/session/conversation.ts";
import { Load } from "../../src/session/load.ts";
import { Reporter } from "../../src/session/reporter.ts";
import { Framer } from "../../src/wire/framer.ts";
import { GREETING, MESSAGE } from "./conversation.ts";
import { FILTERS } from "./filters.ts";

/** Takes what was read from a connection. */
type Taker = (chunk: Uint8Array) => void;

const load = new Load(undefined, new Reporter({}));
const outlet = { peer: "memory", write: () => true, close() {}, destroy() {}, pause() {}, resume() {} };

/** What takes the chunks of a new connection. */
const PARTS: Readonly<Record<string, () => Taker>> = {
  nothing: () => () => {},
  framing: () => {
    const framer = new Framer(1024 * 1024);
    return (chunk) => {
      framer.push(chunk);
      while (framer.read() !== undefined);
    };
  },
  decoding: () => {
    const framer = new Framer(1024 * 1024);
    return (chunk) => {
      framer.push(chunk);
      for (let packet = framer.read(); packet !== undefined; packet = framer.read()) {
        commandCodec.decode(packet);
      }
    };
  },
  protocol: () => {
    const end = new FilterEnd();
    return (chunk) => {
      end.receive(chunk);
      while (end.read() !== undefined) {
        if (end.awaiting !== undefined) end.send({ type: "continue" });
      }
      end.take();
    };
  },
  session: () => {
    const conversation = new Conversation(FILTERS.answered, outlet, {}, load);
    return (chunk) => {
      conversation.receive(chunk, false);
      conversation.work();
    };
  },
};

const HELP = `What each event of a message costs with cold caches, part by part.

  cold.ts [messages]    so many messages, 3000 if none is said: with fewer the engine has not compiled all`;

const { values, positionals: [count = "3000"] } = parseArgs({
  options: { help: { type: "boolean", default: false } },
  allowPositionals: true,
});
const messages = Number(count);
if (values.help || !Number.isInteger(messages) || messages < 1) {
  console.log(HELP);
  exit(values.help ? 0 : 2);
}
const events = [...GREETING, ...MESSAGE, { type: "quit" } as const];
const packets = events.map((event) => encodeCommand(event));
const others = new Uint8Array(512 * 1024);

/** Fills the caches with something else. */
function evict(): void {
  for (let at = 0; at < others.length; at += 64) others[at]!++;
}

/** Sends one message through a part, and notes how long each event took, in microseconds. */
async function send(part: () => Taker, times: number[][]): Promise<void> {
  let take: Taker | undefined;
  for (const [at, packet] of packets.entries()) {
    const chunk = packet.slice();
    evict();
    const start = performance.now();
    take ??= part();
    take(chunk);
    for (let turn = 0; turn < 4; turn++) await undefined; // What waits for the event goes on.
    times[at]!.push((performance.now() - start) * 1000);
  }
}

function median(times: number[]): number {
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

async function measure(part: () => Taker): Promise<number[]> {
  for (let warm = 0; warm < messages; warm++) await send(part, packets.map(() => []));
  const times: number[][] = packets.map(() => []);
  for (let message = 0; message < messages; message++) await send(part, times);
  return times.map(median);
}

const figures: Record<string, number[]> = {};
for (const [name, part] of Object.entries(PARTS)) figures[name] = await measure(part);
const { nothing = [], ...measured } = figures;

console.log(`Microseconds, with cold caches; medians of ${messages} messages\n`);
const row = (title: string, cells: readonly string[]) =>
  console.log(title.padEnd(14) + cells.map((cell) => cell.padStart(10)).join(""));
row("", Object.keys(measured));
for (const [at, { type }] of events.entries()) {
  row(type, Object.values(measured).map((times) => (times[at]! - nothing[at]!).toFixed(2)));
}
const sum = (times: readonly number[]) => times.reduce((total, time) => total + time, 0);
row("the message", Object.values(measured).map((times) => (sum(times) - sum(nothing)).toFixed(1)));
