/** A thousand connections at once: what that costs, beside sixteen. */

import { argumentsOf, send } from "../bench/loadgen.ts";
import { Running } from "../bench/running.ts";
import { median } from "../bench/statistics.ts";
import { commandFor, type Place } from "../places.ts";

/** The part of the throughput with few connections that is to be left with many. */
export const CONNECTIONS_GOAL = 0.8;

const [FEW, MANY] = [16, 1000];

/** The filter that answers everything, and the least that answers at all. */
const SERVERS = { ours: "scripts/bench/filter.ts", bare: "scripts/bench/bare.ts" } as const;

export interface ConnectionsOptions {
  readonly loadgen: string;
  /** How many messages are sent in each run, each on a connection of its own. */
  readonly messages: number;
  readonly rounds: number;
  readonly onProgress: (text: string) => void;
}

/** Figures with few connections and with many, medians of the rounds, and the median of what they were to each other. */
export interface Comparison {
  readonly few: number;
  readonly many: number;
  /** How much of the speed is left: over 1 if it is better with many. */
  readonly ratio: number;
}

export interface ConnectionsResult {
  readonly runtime: string;
  readonly server: keyof typeof SERVERS;
  readonly messagesPerSecond: Comparison;
  /** Processor time of the server, in microseconds, for a message. */
  readonly processorTime: Comparison;
  /** How long 99 of 100 messages take at the most, in milliseconds, once they have begun. */
  readonly longest: Comparison;
}

/** Measures few and many in turns, of the filter and of the bare responder. */
export async function measureConnections(
  place: Place,
  options: ConnectionsOptions,
): Promise<ConnectionsResult[]> {
  await using servers = new AsyncDisposableStack();
  const courses = [];
  for (const [name, script] of Object.entries(SERVERS)) {
    const server = servers.use(
      await Running.start({ command: (address) => commandFor(place, [script, "answered", address]) }),
    );
    courses.push({ name: name as keyof typeof SERVERS, server, few: [] as Run[], many: [] as Run[] });
  }
  for (let round = 0; round <= options.rounds; round++) {
    for (const { name, server, few, many } of courses) {
      const step = round === 0 ? "warming up" : `round ${round} of ${options.rounds}`;
      options.onProgress(`${place.runtime.name}: connections, ${step}, ${name}`);
      const pair = [await run(server, FEW, options), await run(server, MANY, options)] as const;
      if (round === 0) continue;
      few.push(pair[0]);
      many.push(pair[1]);
    }
  }
  return courses.map(({ name, few, many }) => ({
    runtime: place.runtime.name,
    server: name,
    messagesPerSecond: compare(few, many, ({ perSecond }) => perSecond, (one, other) => other / one),
    processorTime: compare(few, many, ({ microseconds }) => microseconds, (one, other) => one / other),
    longest: compare(few, many, ({ longest }) => longest, (one, other) => one / other),
  }));
}

interface Run {
  readonly perSecond: number;
  readonly microseconds: number;
  readonly longest: number;
}

async function run(server: Running, connections: number, options: ConnectionsOptions): Promise<Run> {
  const before = await server.processorTime();
  const { address } = server;
  const until = { messages: options.messages };
  const told = await send([
    options.loadgen,
    ...argumentsOf({ address, connections, messages: 1, headers: 12, body: 4096, until }),
  ]);
  const after = await server.processorTime();
  return {
    perSecond: told.per_second,
    microseconds: ((after ?? NaN) - (before ?? NaN)) * 1e6 / told.messages,
    longest: told.ms_p99,
  };
}

function compare(
  few: readonly Run[],
  many: readonly Run[],
  figure: (run: Run) => number,
  ratio: (few: number, many: number) => number,
): Comparison {
  return {
    few: median(few.map(figure)),
    many: median(many.map(figure)),
    ratio: median(few.map((run, round) => ratio(figure(run), figure(many[round]!)))),
  };
}
