/** A thousand connections at once: what that costs, beside sixteen. */

import { median } from "../bench/figures.ts";
import { type Place, ServerProcess } from "../bench/process.ts";

/** The part of the throughput with few connections that is to be left with many. */
export const CONNECTIONS_GOAL = 0.8;

const [FEW, MANY] = [16, 1000];

/** The filter that answers everything, and the least that answers at all. */
const SERVERS = { ours: ["filter.ts", "answered"], bare: ["bare.ts"] } as const;

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
  /** How much of the speed is left: over 1 if many are faster. */
  readonly ratio: number;
}

export interface ConnectionsResult {
  readonly runtime: string;
  readonly server: keyof typeof SERVERS;
  readonly messagesPerSecond: Comparison;
  /** Processor time of the server, in microseconds, for a message. */
  readonly processorTime: Comparison;
}

/** Measures few and many in turns, of the filter and of the bare responder. */
export async function measureConnections(
  place: Place,
  options: ConnectionsOptions,
): Promise<ConnectionsResult[]> {
  await using servers = new AsyncDisposableStack();
  const courses = [];
  for (const [name, script] of Object.entries(SERVERS)) {
    const server = servers.use(await ServerProcess.start(place, script));
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
  }));
}

interface Run {
  readonly perSecond: number;
  readonly microseconds: number;
}

async function run(server: ServerProcess, connections: number, options: ConnectionsOptions): Promise<Run> {
  const before = await server.processorTime();
  const args = ["-a", `127.0.0.1:${server.port}`, "-c", `${connections}`, "-n", `${options.messages}`];
  const { success, stdout } = await new Deno.Command(options.loadgen, { args, stderr: "inherit" }).output();
  if (!success) throw new Error(`Cannot measure: the load generator failed with ${connections} connections`);
  const { messages, per_second: perSecond } = JSON.parse(new TextDecoder().decode(stdout));
  const after = await server.processorTime();
  return { perSecond, microseconds: ((after ?? NaN) - (before ?? NaN)) * 1e6 / messages };
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
