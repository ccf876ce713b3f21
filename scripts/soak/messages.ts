/** A long run of mails of all kinds: whether memory stays flat, and nothing is left over. */

import type { Place } from "../bench/process.ts";
import { KINDS } from "../../tests/load/kinds.ts";
import { SoakServer } from "./server_process.ts";
import { send } from "../../tests/load/traffic.ts";
import { type Sample, type Trend, trendOf } from "./trend.ts";

/** The most that memory may grow by each message, in bytes: less than anything that was kept of each would take. */
export const FLAT: Readonly<Record<"heap" | "rss", number>> = { heap: 16, rss: 100 };

/** The part of the run in which engines still compile, and pools fill. */
const WARM_UP = 0.2;

/** How often memory is looked at. */
const SAMPLES = 60;

export interface MessagesOptions {
  readonly messages: number;
  readonly connections: number;
  readonly minutes: number;
  readonly onProgress: (text: string) => void;
}

export interface MessagesResult {
  readonly runtime: string;
  readonly messages: number;
  readonly seconds: number;
  /** How many connections there were in all. */
  readonly connections: number;
  /** The heap with all garbage collected. */
  readonly heap: Trend;
  /** What the process has of the system. */
  readonly rss: Trend;
  /** Open files and sockets before and after. */
  readonly descriptors: readonly [number, number];
  /** What was not as it should be, for a person to read. */
  readonly wrong: readonly string[];
  readonly samples: readonly (Readonly<Record<"messages" | "heap" | "rss", number>>)[];
}

/** Soaks a runtime. */
export async function soak(place: Place, options: MessagesOptions): Promise<MessagesResult> {
  const { messages, connections, minutes, onProgress } = options;
  await using server = await SoakServer.start(place);
  const { port } = server;
  // What a runtime opens for its first connection, and then keeps, is nothing that is left over.
  const first = await send({ port, messages: 50, connections: 5, perSecond: Infinity, onDone: () => {} });
  await server.rests();
  const before = await server.descriptors();

  const samples: MessagesResult["samples"][number][] = [];
  let done = 0;
  let sampling: Promise<void> | undefined;
  const sample = async () => {
    const at = done;
    const rss = await server.rss();
    const { heap } = await server.report();
    samples.push({ messages: at, heap, rss });
    sampling = undefined;
  };
  const every = Math.ceil(messages / SAMPLES);
  const began = performance.now();
  const traffic = await send({
    ...{ port, messages, connections, perSecond: messages / (minutes * 60) },
    onDone() {
      done++;
      if (done % every === 0) sampling ??= sample();
      if (done % 100 === 0) onProgress(`${place.runtime.name}: ${done} of ${messages} messages`);
    },
  });
  const seconds = (performance.now() - began) / 1000;
  await sampling;
  await server.rests();
  const after = await server.descriptors();

  const warm = samples.filter((taken) => taken.messages >= messages * WARM_UP);
  const trend = (of: "heap" | "rss") =>
    trendOf(warm.map((taken): Sample => ({ ...taken, bytes: taken[of] })));
  const { endings } = await server.report();
  return {
    runtime: place.runtime.name,
    ...{ messages, seconds, samples },
    connections: traffic.connections,
    heap: trend("heap"),
    rss: trend("rss"),
    descriptors: [before, after],
    wrong: [...first.wrong, ...traffic.wrong, ...unlike(endings, [first.sent, traffic.sent])],
  };
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
