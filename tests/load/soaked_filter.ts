/**
 * The filter of the soak: does with each mail what its kind says, listens on a free port, and prints it. Then it
 * answers questions, each a line: `report` and `objects`, each answer a line of JSON. With a number a packet may take
 * so many milliseconds.
 *
 *   deno run -A tests/load/soaked_filter.ts [number]
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { serve } from "../../mod.ts";
import { collectGarbage, countObjects, heapSize, youngSize } from "./heap.ts";
import { KINDS } from "./kinds.ts";

/** What the filter's process tells of itself. */
export interface Report {
  /** Bytes of its heap that are in use, and of buffers, all garbage collected. */
  readonly heap: number;
  /** Bytes that its engine has taken for young objects. */
  readonly young: number;
  /** How many connections are open. */
  readonly connections: number;
  /** How messages have ended, by kind and verdict: `{ "small accept": 70, "cut none": 2 }`. */
  readonly endings: Readonly<Record<string, number>>;
}

const endings: Record<string, number> = {};

const server = await serve(async (session) => {
  const { address } = await session.envelopeFrom();
  return await (KINDS[address.split("@")[0]!] ?? KINDS["ordinary"]!).filter(session);
}, {
  listen: "127.0.0.1:0",
  timeouts: { packet: Number(process.argv[2] ?? 60_000) },
  // Filters that fail do so on purpose.
  log: () => {},
  observer: {
    messageEnded({ sender, verdict }) {
      const ending = `${sender?.address.split("@")[0]} ${verdict?.type ?? "none"}`;
      endings[ending] = (endings[ending] ?? 0) + 1;
    },
  },
  onListen: (address) => console.log("port" in address ? address.port : address.path),
});

const ANSWERS: Readonly<Record<string, () => Promise<unknown>>> = {
  async report(): Promise<Report> {
    await collectGarbage();
    return { heap: heapSize(), young: youngSize(), connections: server.connections, endings };
  },
  objects: countObjects,
};

for await (const question of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await ANSWERS[question]!()));
}
await server.shutdown({ timeout: 0 });
