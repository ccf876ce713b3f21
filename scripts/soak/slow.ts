/** Peers that never finish a packet: what mails beside them feel of it, and how long they last. */

import { dribble } from "../../tests/load/slow.ts";
import { argumentsOf, send } from "../bench/loadgen.ts";
import { median } from "../bench/statistics.ts";
import type { Place } from "../places.ts";
import { SoakServer } from "./server_process.ts";

/** How many times longer the slowest hundredth of the mails may take beside them. */
export const SLOW_GOAL = 2;

/** How many there are, how often each sends a byte, and how long a packet may take, in milliseconds. */
const PEERS = { connections: 500, every: 1000, again: true } as const;
const DEADLINE = 4000;

/** How late they may be cut off: the server looks four times in a deadline, and what is held up is not cut off either. */
const TOLERANCE = 2 * DEADLINE;

export interface SlowOptions {
  readonly loadgen: string;
  /** How many mails are sent in each run. */
  readonly messages: number;
  readonly rounds: number;
  readonly onProgress: (text: string) => void;
}

export interface SlowResult {
  readonly runtime: string;
  /** Milliseconds that a mail takes, of 100 all but one: alone and beside the slow peers, medians of the rounds. */
  readonly alone: number;
  readonly beside: number;
  /** What they are to each other, the median of the rounds. */
  readonly ratio: number;
  /** How many peers were cut off, and how long the longest had lasted, in milliseconds. */
  readonly cut: number;
  readonly longest: number;
  /** Whether all were cut off in time. */
  readonly inTime: boolean;
}

export async function measureSlow(place: Place, options: SlowOptions): Promise<SlowResult> {
  await using server = await SoakServer.start(place, [`${DEADLINE}`]);
  const rounds: { readonly alone: number; readonly beside: number }[] = [];
  let [cut, longest] = [0, 0];
  await p99(server, options);
  for (let round = 1; round <= options.rounds; round++) {
    options.onProgress(`${place.runtime.name}: slow peers, round ${round} of ${options.rounds}`);
    const alone = await p99(server, options);
    await using peers = await dribble({ host: "127.0.0.1", port: server.port }, PEERS);
    const beside = await p99(server, options);
    const patience = performance.now() + TOLERANCE;
    while (peers.cut < PEERS.connections && performance.now() < patience) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    rounds.push({ alone, beside });
    cut += peers.cut;
    longest = Math.max(longest, peers.longest);
  }
  return {
    runtime: place.runtime.name,
    alone: median(rounds.map(({ alone }) => alone)),
    beside: median(rounds.map(({ beside }) => beside)),
    ratio: median(rounds.map(({ alone, beside }) => beside / alone)),
    ...{ cut, longest },
    inTime: cut >= PEERS.connections * options.rounds && longest < TOLERANCE,
  };
}

async function p99(server: SoakServer, { loadgen, messages }: SlowOptions): Promise<number> {
  const address = `127.0.0.1:${server.port}`;
  const load = { address, connections: 16, messages: 20, headers: 12, body: 4096, until: { messages } };
  return (await send([loadgen, ...argumentsOf(load)])).ms_p99;
}
