/** How fast filters answer, beside a responder that does nothing else. */

import { median } from "./figures.ts";
import { pinning, type Place, ServerProcess } from "./process.ts";

/** The part of a bare responder's speed that a filter is to reach. */
export const SPEED_GOAL = 0.75;

/** The servers that are measured, each with the script and its arguments. */
const SERVERS = {
  bare: ["bare.ts"],
  answered: ["filter.ts", "answered"],
  declared: ["filter.ts", "declared"],
} as const;

/** How many messages a server gets before it is measured: engines go on compiling what runs once for each message. */
const WARM_UP = 12_000;

/** One kind of run: a server, and how many messages the MTA sends on a connection. */
interface Load {
  readonly server: keyof typeof SERVERS;
  readonly perConnection: number;
}

/** What is compared: a filter with the bare responder, which got the same messages. */
interface Comparison {
  readonly title: string;
  readonly ours: Load;
  readonly bare: Load;
  readonly goal?: number;
}

const ONE: Load = { server: "bare", perConnection: 1 };
const TWENTY: Load = { server: "bare", perConnection: 20 };

const COMPARISONS: readonly Comparison[] = [
  { title: "answers everything", ours: { ...ONE, server: "answered" }, bare: ONE, goal: SPEED_GOAL },
  { title: "  20 mails a connection", ours: { ...TWENTY, server: "answered" }, bare: TWENTY },
  { title: "answers at the end only", ours: { ...ONE, server: "declared" }, bare: ONE },
];

/** A figure of the filter and of the bare responder, each the median of all rounds, and what they are to each other. */
export interface Pair {
  readonly ours: number;
  readonly bare: number;
  /** The median of the rounds' ratios: of each, what was measured side by side. */
  readonly ratio: number;
  readonly lowest: number;
  readonly highest: number;
}

export interface SpeedResult {
  readonly runtime: string;
  readonly title: string;
  readonly messagesPerSecond: Pair;
  /** Processor time of the server; only where the system tells it. */
  readonly microsecondsPerMessage: Pair | undefined;
  readonly goal: number | undefined;
}

/** What one run gave. */
interface Measured {
  readonly perSecond: number;
  readonly microseconds: number | undefined;
}

export interface SpeedOptions {
  readonly loadgen: string;
  readonly messages: number;
  readonly rounds: number;
  readonly onProgress: (text: string) => void;
}

/** Compiles the load generator into the directory; `undefined` if there is no C compiler. */
export async function buildLoadgen(directory: string): Promise<string | undefined> {
  const program = `${directory}/loadgen`;
  const source = new URL("./loadgen.c", import.meta.url).pathname;
  try {
    const cc = new Deno.Command("cc", { args: ["-O2", "-o", program, source], stderr: "inherit" });
    return (await cc.output()).success ? program : undefined;
  } catch {
    return undefined; // There is no cc.
  }
}

/**
 * Measures one runtime: a warm-up of each load first, then rounds of all loads, to and fro. Many short rounds tell more
 * than a few long ones: what else the machine does falls on both of a pair, or spoils that pair alone.
 */
export async function measureSpeed(place: Place, options: SpeedOptions): Promise<SpeedResult[]> {
  const pin = await pinning();
  const around = (command: string[]) => pin?.(1, command) ?? command;
  await using servers = new AsyncDisposableStack();
  const started = new Map<string, ServerProcess>();
  for (const [name, script] of Object.entries(SERVERS)) {
    started.set(name, servers.use(await ServerProcess.start(place, script, around)));
  }

  const loads = [
    ...new Map(COMPARISONS.flatMap(({ ours, bare }) => [bare, ours]).map((load) => [key(load), load])),
  ];
  const figures = new Map<string, Measured[]>(loads.map(([name]) => [name, []]));
  for (const [name, load] of loads) {
    options.onProgress(`${place.runtime.name}: warming up, ${name}`);
    await run(started.get(load.server)!, load, { ...options, messages: WARM_UP }, pin);
  }
  for (let round = 1; round <= options.rounds; round++) {
    for (const [name, load] of round % 2 === 0 ? loads : loads.toReversed()) {
      options.onProgress(`${place.runtime.name}: round ${round} of ${options.rounds}, ${name}`);
      figures.get(name)!.push(await run(started.get(load.server)!, load, options, pin));
    }
  }
  return COMPARISONS.map(({ title, ours, bare, goal }) => {
    const pairOf = (figure: (measured: Measured) => number | undefined) => {
      const [mine, theirs] = [ours, bare].map((load) => figures.get(key(load))!.map(figure));
      return pair(mine!, theirs!);
    };
    return {
      runtime: place.runtime.name,
      title,
      messagesPerSecond: pairOf(({ perSecond }) => perSecond)!,
      microsecondsPerMessage: pairOf(({ microseconds }) => microseconds),
      goal,
    };
  });
}

function key({ server, perConnection }: Load): string {
  return perConnection === 1 ? server : `${server}, ${perConnection} mails a connection`;
}

async function run(
  server: ServerProcess,
  { perConnection }: Load,
  { loadgen, messages }: SpeedOptions,
  pin: Awaited<ReturnType<typeof pinning>>,
): Promise<Measured> {
  const before = await server.processorTime();
  const call = [
    ...[loadgen, "-a", `127.0.0.1:${server.port}`],
    ...["-c", "16", "-m", `${perConnection}`, "-n", `${messages}`],
  ];
  const [command, ...args] = pin?.(0, call) ?? call;
  const { success, stdout } = await new Deno.Command(command!, { args, stderr: "inherit" }).output();
  if (!success) throw new Error("Cannot measure: the load generator failed");
  const { messages: done, per_second: perSecond } = JSON.parse(new TextDecoder().decode(stdout));
  // The last connections are still being closed.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const after = await server.processorTime();
  const microseconds = before === undefined || after === undefined
    ? undefined
    : (after - before) * 1e6 / done;
  return { perSecond, microseconds };
}

function pair(
  ours: readonly (number | undefined)[],
  bare: readonly (number | undefined)[],
): Pair | undefined {
  const known = (figures: readonly (number | undefined)[]) =>
    figures.filter((figure) => figure !== undefined);
  const [mine, theirs] = [known(ours), known(bare)];
  if (mine.length === 0 || mine.length !== theirs.length) return undefined;
  const ratios = mine.map((figure, round) => figure / theirs[round]!);
  return {
    ours: median(mine),
    bare: median(theirs),
    ratio: median(ratios),
    lowest: Math.min(...ratios),
    highest: Math.max(...ratios),
  };
}
