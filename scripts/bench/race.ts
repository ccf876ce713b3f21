/** Races: several contenders, each in a process of its own, get the same messages in turn. */

import { setTimeout as delay } from "node:timers/promises";
import type { Contender } from "./contenders.ts";
import type { Race } from "./courses.ts";
import { type Entrant, reasonOf } from "./entrant.ts";
import type { FigureName, Result } from "./figures.ts";
import { answersTo, argumentsOf, type Load, send, type Told } from "./loadgen.ts";
import { type Pin, unpinned } from "./processors.ts";
import { Running } from "./running.ts";
import { type Spread, spreadOf } from "./statistics.ts";

/**
 * How long a server gets messages before it is measured, in seconds: engines of JavaScript go on compiling what runs
 * once for each message, until some 12,000 have passed.
 */
export const WARM_UP = { compiled: 0.3, engine: 6 } as const;

/** How many times its share of the time a slow contender may take for a course, before it is let off the other rounds. */
const INDULGENCE = 2;

export interface RaceOptions {
  readonly loadgen: string;
  /** How to give a process a processor; `undefined` where that can't be done. */
  readonly pin: Pin | undefined;
  readonly rounds: (course: Race) => number;
  /** A part of the seconds that courses take. */
  readonly pace: number;
  readonly onProgress: (text: string) => void;
  readonly onResult: (result: Result) => void;
}

/** A contender on its way: the process, as long as it lives, and what it has done on the course so far. */
interface Runner {
  readonly entrant: Entrant;
  running?: Running | undefined;
  rounds: Measured[];
  seconds: number;
  failed?: string | undefined;
}

/** What one round gave. */
interface Measured {
  readonly told: Told;
  /** Microseconds of processor time for each message. */
  readonly processor: number | undefined;
}

/** Races that the same processes can run, in groups. */
export function heatsOf(races: readonly Race[]): Race[][] {
  const heats = Map.groupBy(
    races,
    (race) => [race.field, race.filter, race.socket, race.pinned, race.only].join(),
  );
  return [...heats.values()];
}

/** Runs races of one heat. */
export async function runHeat(
  races: readonly Race[],
  entrants: readonly Entrant[],
  options: RaceOptions,
): Promise<void> {
  const runners: Runner[] = entrants.map((entrant) => ({ entrant, rounds: [], seconds: 0 }));
  await using _ending = {
    async [Symbol.asyncDispose]() {
      await Promise.all(runners.map(({ running }) => running?.[Symbol.asyncDispose]()));
    },
  };
  for (const race of races) {
    for (const runner of runners) {
      Object.assign(runner, { rounds: [], seconds: 0, failed: undefined });
      await ready(runner, race, options);
    }
    const rounds = options.rounds(race);
    for (let round = 1; round <= rounds; round++) {
      // To and fro, so that neighbours are measured side by side, and neither always before the other.
      for (const runner of round % 2 === 1 ? runners : runners.toReversed()) {
        options.onProgress(`${race.name}, round ${round} of ${rounds}: ${runner.entrant.contender.title}`);
        const letOff = runner.seconds > race.seconds * options.pace * rounds * INDULGENCE;
        if (runner.running !== undefined && !letOff) await runRound(runner, race, options);
      }
    }
    for (const runner of runners) options.onResult(resultOf(runner, race));
  }
}

/** Starts the contender's process, if it has none that lives, and warms it up. */
async function ready(runner: Runner, race: Race, options: RaceOptions): Promise<void> {
  if (runner.running !== undefined) return;
  const { contender, installed } = runner.entrant;
  options.onProgress(`${race.name}: ${contender.title} warms up`);
  try {
    runner.running = await Running.start({
      command: (address) => installed.command(race.filter, address),
      ...(installed.env === undefined ? {} : { env: installed.env }),
      socket: race.socket,
      ...(race.pinned && options.pin !== undefined ? { pin: options.pin } : {}),
    });
    const seconds = WARM_UP[warmUpOf(contender)];
    await send(
      commandFor(runner.running, { ...race, connections: 16, messages: 1, body: 4_000, headers: 12 }, {
        ...options,
        seconds,
      }),
    );
  } catch (error) {
    await fail(runner, error);
  }
}

/** Which warm-up a contender needs. */
export function warmUpOf(contender: Contender): keyof typeof WARM_UP {
  return contender.kind === "peer" || contender.name === "bare-c" ? "compiled" : "engine";
}

async function runRound(runner: Runner, race: Race, options: RaceOptions): Promise<void> {
  const running = runner.running!;
  const started = performance.now();
  try {
    const before = await running.processorTime();
    const told = await send(commandFor(running, race, { ...options, seconds: race.seconds * options.pace }));
    // The last connections are still being closed.
    await delay(50);
    const after = await running.processorTime();
    const processor = before === undefined || after === undefined
      ? undefined
      : (after - before) * 1e6 / told.messages;
    runner.rounds.push({ told, processor });
  } catch (error) {
    await fail(runner, error);
  }
  runner.seconds += (performance.now() - started) / 1000;
}

/** Ends a process that went wrong: the next course gets a new one. */
async function fail(runner: Runner, error: unknown): Promise<void> {
  runner.failed = reasonOf(error);
  await runner.running?.[Symbol.asyncDispose]();
  runner.running = undefined;
}

function commandFor(
  { address }: Running,
  race: Race,
  { loadgen, pin = unpinned, seconds }: Pick<RaceOptions, "loadgen" | "pin"> & { readonly seconds: number },
): string[] {
  const load: Load = { ...race, address, until: { seconds } };
  // The scheduler shares the processors between sessions before it does between processes.
  const apart = race.field === "workers" ? ["setsid", "--wait"] : [];
  return (race.pinned ? pin : unpinned)(0, [...apart, loadgen, ...argumentsOf(load)]);
}

function resultOf({ entrant, rounds, failed }: Runner, race: Race): Result {
  const spread = (of: (measured: Measured) => number | undefined): Spread | undefined =>
    spreadOf(rounds.map(of).filter((figure) => figure !== undefined));
  const figures: Partial<Record<FigureName, Spread | undefined>> = {
    perSecond: spread(({ told }) => told.per_second),
    megabytes: race.body >= 1e6 ? spread(({ told }) => told.per_second * race.body / 1e6) : undefined,
    p50: spread(({ told }) => told.ms_p50),
    p99: spread(({ told }) => told.ms_p99),
    processor: spread(({ processor }) => processor),
    answers: spread(({ told }) => told.answered / told.messages),
    busy: spread(({ told }) => told.busy),
  };
  const missing = race.filter === "answered" &&
    rounds.some(({ told }) => told.answered < answersTo(told, race));
  return {
    course: race.name,
    contender: entrant.contender.name,
    figures: Object.fromEntries(Object.entries(figures).filter(([, figure]) => figure !== undefined)),
    ...(missing ? { remark: "does not answer everything" } : {}),
    ...(failed === undefined ? {} : { failed }),
  };
}
