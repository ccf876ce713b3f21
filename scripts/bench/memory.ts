/** How much memory a filter takes: at rest, for connections that idle, and while it reads a large body. */

import { setTimeout as delay } from "node:timers/promises";
import type { Memory } from "./courses.ts";
import { type Entrant, reasonOf } from "./entrant.ts";
import type { Result } from "./figures.ts";
import { argumentsOf, type Load, send } from "./loadgen.ts";
import { Running } from "./running.ts";
import { spreadOf } from "./statistics.ts";

/** How many connections idle, and how large the body is. */
const IDLE = 1_000;
const BODY = 100_000_000;

/** What comes before anything but the rest is measured: what the first messages need is not the connections'. */
const WARM_UP: Load["until"] = { messages: 2_000, seconds: 1 };

interface Measured {
  readonly rest: number;
  readonly idle: number;
  readonly growth: number;
}

/** Measures a contender, each round in two new processes: the body is not to use what the connections have left. */
export async function measureMemory(
  { contender, installed }: Entrant,
  course: Memory,
  { loadgen, rounds }: { readonly loadgen: string; readonly rounds: number },
): Promise<Result> {
  const measured: Measured[] = [];
  const of = { course: course.name, contender: contender.name };
  const start = () =>
    Running.start({
      command: (address) => installed.command(course.filter, address),
      ...(installed.env === undefined ? {} : { env: installed.env }),
    });
  try {
    for (let round = 1; round <= rounds; round++) {
      measured.push({ ...await measureConnections(start, loadgen), ...await measureBody(start, loadgen) });
    }
  } catch (error) {
    return { ...of, figures: {}, failed: reasonOf(error) };
  }
  const spread = (name: keyof Measured) => spreadOf(measured.map((round) => round[name]))!;
  return { ...of, figures: { rest: spread("rest"), idle: spread("idle"), growth: spread("growth") } };
}

type Start = () => Promise<Running>;

async function measureConnections(start: Start, loadgen: string): Promise<Pick<Measured, "rest" | "idle">> {
  await using running = await start();
  const { now: rest } = await running.memory();
  await warmUp(running, loadgen);
  const { now: before } = await running.memory();
  const during = await whileIdle([loadgen, "-a", running.address, "-c", `${IDLE}`, "-i"], running);
  return { rest, idle: (during - before) / IDLE };
}

async function measureBody(start: Start, loadgen: string): Promise<Pick<Measured, "growth">> {
  await using running = await start();
  await warmUp(running, loadgen);
  await running.forgetPeak();
  const { now: before } = await running.memory();
  await send([
    loadgen,
    ...argumentsOf(load(running, { connections: 1, body: BODY, until: { messages: 1 } })),
  ]);
  const { peak } = await running.memory();
  return { growth: peak - before };
}

async function warmUp(running: Running, loadgen: string): Promise<void> {
  await send([loadgen, ...argumentsOf(load(running, { until: WARM_UP }))]);
}

function load({ address }: Running, rest: Partial<Load> & Pick<Load, "until">): Load {
  return { address, connections: 16, messages: 20, headers: 12, body: 4_000, ...rest };
}

/** The memory in use while connections idle that have said HELO. */
async function whileIdle(command: readonly string[], running: Running): Promise<number> {
  const [program, ...args] = command;
  const child = new Deno.Command(program!, { args, stdin: "piped", stdout: "piped", stderr: "inherit" })
    .spawn();
  const { value } = await child.stdout.getReader().read();
  if (!new TextDecoder().decode(value).startsWith("ready")) {
    throw new Error(`${IDLE} connections could not be opened`);
  }
  await delay(300);
  const { now } = await running.memory();
  await child.stdin.close();
  await child.status;
  return now;
}
