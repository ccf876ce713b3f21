/** The parts of Kilter by themselves: `deno bench` measures the files of micro/. */

import type { Micro } from "./courses.ts";
import { reasonOf } from "./entrant.ts";
import type { Result } from "./figures.ts";

/** Where the benchmarks are. */
export const MICRO: string = new URL("./micro/", import.meta.url).pathname;

/** What `deno bench --json` prints of a benchmark; times are in nanoseconds. */
interface Bench {
  readonly name: string;
  readonly results: readonly { readonly ok?: Times }[];
}

interface Times {
  readonly min: number;
  readonly p75: number;
  readonly p99: number;
}

/** Runs them all. Each is a contender of its own on the course. */
export async function measureMicro(course: Micro): Promise<Result[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bench", "-A", "--quiet", "--no-check", "--json", MICRO],
  }).output();
  const decoder = new TextDecoder();
  if (success) return resultsOf(course.name, decoder.decode(stdout));
  return [{
    course: course.name,
    contender: "deno bench",
    figures: {},
    failed: reasonOf(decoder.decode(stderr)),
  }];
}

/** Reads what `deno bench --json` prints. */
export function resultsOf(course: string, json: string): Result[] {
  const { benches }: { readonly benches: readonly Bench[] } = JSON.parse(json);
  return benches.map(({ name, results }) => {
    const times = results[0]?.ok;
    if (times === undefined) return { course, contender: name, figures: {}, failed: "it threw" };
    const microseconds = (time: number) => time / 1000;
    const usual = microseconds(times.p75);
    // An average would tell of the longest calls: of what else the machine did.
    const iteration = {
      median: usual,
      lowest: microseconds(times.min),
      highest: microseconds(times.p99),
      rounds: [usual],
    };
    return { course, contender: name, figures: { iteration } };
  });
}
