/** How much memory a filter takes that reads a large body. */

import { median } from "./figures.ts";
import { type Place, ServerProcess } from "./process.ts";
import { Sender } from "./sender.ts";

const MB = 1_000_000;

/** How much a body of any size may add to the process, in bytes. */
export const MEMORY_GOAL: number = 20 * MB;

/** A server and a body for it. */
interface Course {
  readonly title: string;
  readonly server: readonly string[];
  readonly size: number;
  /** Whether the goal holds for it. */
  readonly aims?: boolean;
}

const COURSES: readonly Course[] = [
  { title: "none: a bare responder, 100 MB", server: ["bare.ts"], size: 100 * MB },
  { title: "answers each chunk, 1 MB", server: ["filter.ts", "answered"], size: 1 * MB },
  { title: "answers each chunk, 100 MB", server: ["filter.ts", "answered"], size: 100 * MB, aims: true },
  { title: "answers at the end only, 100 MB", server: ["filter.ts", "declared"], size: 100 * MB, aims: true },
  { title: "the same, and is slow, 20 MB", server: ["filter.ts", "slow"], size: 20 * MB, aims: true },
];

export interface MemoryResult {
  readonly runtime: string;
  readonly title: string;
  /** The process's memory before the body. */
  readonly before: number;
  /** What the body added to it at its peak, in bytes: the median of the rounds, the least and the most. */
  readonly added: number;
  readonly lowest: number;
  readonly highest: number;
  readonly seconds: number;
  readonly goal: number | undefined;
}

export interface MemoryOptions {
  readonly rounds: number;
  readonly onProgress: (text: string) => void;
}

/** Measures one runtime, each time in a new process. */
export async function measureMemory(place: Place, options: MemoryOptions): Promise<MemoryResult[]> {
  const results: MemoryResult[] = [];
  for (const { title, server, size, aims = false } of COURSES) {
    const runs = [];
    for (let round = 1; round <= options.rounds; round++) {
      options.onProgress(`${place.runtime.name}: ${title}, round ${round} of ${options.rounds}`);
      runs.push(await run(place, server, size));
    }
    const added = runs.map(({ peak, before }) => peak - before);
    results.push({
      runtime: place.runtime.name,
      title,
      before: median(runs.map(({ before }) => before)),
      added: median(added),
      lowest: Math.min(...added),
      highest: Math.max(...added),
      seconds: median(runs.map(({ seconds }) => seconds)),
      goal: aims ? MEMORY_GOAL : undefined,
    });
  }
  return results;
}

async function run(place: Place, script: Course["server"], size: number) {
  await using server = await ServerProcess.start(place, script);
  const sender = await Sender.connect(server.port);
  for (let message = 0; message < 10; message++) await sender.send(1000);
  const { now } = await server.memory();
  await server.forgetPeak();
  const started = performance.now();
  await sender.send(size);
  const seconds = (performance.now() - started) / 1000;
  const { peak } = await server.memory();
  sender.close();
  return { before: now, peak, seconds };
}
