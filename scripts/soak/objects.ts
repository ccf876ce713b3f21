/** What is on the heap before and after many messages. */

import { grownBetween } from "../../tests/load/heap.ts";
import { send } from "../../tests/load/traffic.ts";
import type { Place } from "../bench/process.ts";
import { SoakServer } from "./server_process.ts";

/** Engines still compile, and pools fill. */
const WARM_UP = 5000;

export interface ObjectsOptions {
  readonly messages: number;
  readonly connections: number;
  readonly onProgress: (text: string) => void;
}

export interface ObjectsResult {
  readonly runtime: string;
  readonly messages: number;
  /** Bytes that the heap has grown by, for each message; less than 0 if it has become smaller. */
  readonly growth: number;
  /** How many things were on the heap. */
  readonly things: readonly [number, number];
  /** The classes of which one more is left of every hundredth message, or more often. */
  readonly grown: readonly string[];
  readonly wrong: readonly string[];
}

/** Counts what is on the heap of a filter's process, sends it messages, and counts again. */
export async function measureObjects(place: Place, options: ObjectsOptions): Promise<ObjectsResult> {
  const { messages, connections } = options;
  await using server = await SoakServer.start(place);
  const pass = async (count: number, title: string) => {
    let done = 0;
    const { wrong } = await send({
      ...{ port: server.port, messages: count, connections, perSecond: Infinity },
      onDone: () => {
        if (++done % 100 === 0) options.onProgress(`${place.runtime.name}: ${title}, ${done} of ${count}`);
      },
    });
    await server.rests();
    return { wrong, objects: await server.objects(), heap: (await server.report()).heap };
  };
  const first = await pass(WARM_UP, "warming up");
  const second = await pass(messages, "messages");
  const total = (counts: Readonly<Record<string, number>>) =>
    Object.values(counts).reduce((sum, count) => sum + count, 0);
  return {
    runtime: place.runtime.name,
    messages,
    growth: (second.heap - first.heap) / messages,
    things: [total(first.objects), total(second.objects)],
    grown: grownBetween(first.objects, second.objects, messages / 100),
    wrong: [...first.wrong, ...second.wrong],
  };
}
