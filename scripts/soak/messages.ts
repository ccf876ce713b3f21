/** A long run of mails of all kinds: whether memory stays flat, and nothing is left over. */

import { grownBetween } from "../../tests/load/heap.ts";
import { KINDS } from "../../tests/load/kinds.ts";
import { send, type Traffic } from "../../tests/load/traffic.ts";
import type { Place } from "../places.ts";
import { SoakServer } from "./server_process.ts";
import { type Trend, trendOf } from "./trend.ts";

/** The most that memory may grow by each message, in bytes: less than anything that was kept of each would take. */
export const FLAT: Readonly<Record<"heap" | "rss", number>> = { heap: 16, rss: 100 };

/** A class may have one more object for so many messages. */
const KEPT = 100;

/** The part of the messages that comes before anything is measured: engines still compile, and pools fill. */
const WARM_UP = 0.2;

/** How often memory is looked at. */
const SAMPLES = 50;

export interface MessagesOptions {
  readonly messages: number;
  readonly connections: number;
  readonly minutes: number;
  readonly onProgress: (text: string) => void;
}

export interface MessagesResult {
  readonly runtime: string;
  readonly messages: number;
  /** How many connections there were in all. */
  readonly connections: number;
  readonly seconds: number;
  /** The heap with all garbage collected. */
  readonly heap: Trend;
  /** What the process has of the system, but for V8's room for young objects, which finds its size by and by. */
  readonly rss: Trend;
  /** How many things were on the heap after the warm-up and at the end, and the classes that have grown. */
  readonly objects: readonly [number, number];
  readonly grown: readonly string[];
  /** Open files and sockets before and after. */
  readonly descriptors: readonly [number, number];
  /** What was not as it should be, for a person to read. */
  readonly wrong: readonly string[];
}

/** What is seen of a process that has no connection open. */
interface Rest {
  readonly objects: Readonly<Record<string, number>>;
  readonly descriptors: number;
}

/** Soaks a runtime. */
export async function soak(place: Place, options: MessagesOptions): Promise<MessagesResult> {
  const { messages, connections, minutes, onProgress } = options;
  await using server = await SoakServer.start(place);
  const samples: (Readonly<Record<"messages" | "heap" | "rss", number>>)[] = [];
  let done = 0;
  const sample = async () => {
    const messages = done;
    const { heap, young } = await server.report();
    samples.push({ messages, heap, rss: await server.rss() - young });
  };
  let sampling = Promise.resolve();
  const pass = async (count: number, every: number): Promise<Traffic & Rest> => {
    const traffic = await send({
      ...{ port: server.port, messages: count, connections },
      perSecond: messages / (minutes * 60),
      onDone() {
        if (++done % every === 0) sampling = sampling.then(sample);
        if (done % 100 === 0) onProgress(`${place.runtime.name}: ${done} of ${messages} messages`);
      },
    });
    await sampling;
    await server.rests();
    return { ...traffic, objects: await server.objects(), descriptors: await server.descriptors() };
  };

  const began = performance.now();
  const warmUp = Math.ceil(messages * WARM_UP);
  const first = await pass(warmUp, Infinity);
  const then = await pass(messages - warmUp, Math.ceil((messages - warmUp) / SAMPLES));
  const { endings } = await server.report();
  return {
    runtime: place.runtime.name,
    messages,
    connections: first.connections + then.connections,
    seconds: (performance.now() - began) / 1000,
    heap: trendOf(samples.map(({ messages, heap }) => ({ messages, bytes: heap }))),
    rss: trendOf(samples.map(({ messages, rss }) => ({ messages, bytes: rss }))),
    objects: [total(first.objects), total(then.objects)],
    grown: grownBetween(first.objects, then.objects, (messages - warmUp) / KEPT),
    descriptors: [first.descriptors, then.descriptors],
    wrong: [...first.wrong, ...then.wrong, ...unlike(endings, [first.sent, then.sent])],
  };
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** How the filter's own count of verdicts differs from what it was sent. */
function unlike(
  endings: Readonly<Record<string, number>>,
  sent: readonly Readonly<Record<string, number>>[],
): string[] {
  const expected: Record<string, number> = {};
  for (const [name, { verdict }] of Object.entries(KINDS)) {
    const count = sent.reduce((sum, counts) => sum + (counts[name] ?? 0), 0);
    if (count > 0) expected[`${name} ${verdict}`] = count;
  }
  const all = new Set([...Object.keys(expected), ...Object.keys(endings)]);
  return [...all].filter((key) => expected[key] !== endings[key]).map((key) =>
    `the filter counts ${endings[key] ?? 0} of "${key}", where ${expected[key] ?? 0} were sent`
  );
}
