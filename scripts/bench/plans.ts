/** How long it takes to plan the edits of many headers. */

import { commandFor, type Place } from "./process.ts";

/** How many headers the messages have; half as many edits are made. */
const PLAN_SIZES: readonly number[] = [1_000, 4_000, 16_000];

/** How long a message of the first size may take, in milliseconds. */
export const PLAN_GOAL = 10;

export interface PlanResult {
  readonly runtime: string;
  readonly size: number;
  /** Milliseconds: the median, and the slowest, which is the first one of a process that has just started. */
  readonly median: number;
  readonly slowest: number;
  /** How often the time of the smallest message it takes, beside what n log n would give. */
  readonly growth: number | undefined;
  readonly linearithmic: number | undefined;
  /** Whether it is fast enough and grows slowly enough. */
  readonly met: boolean;
}

/** Measures one runtime. */
export async function measurePlans(place: Place): Promise<PlanResult[]> {
  const [command, ...args] = commandFor(place, ["plan.ts", ...PLAN_SIZES.map(String)]);
  const { success, stdout } = await new Deno.Command(command!, { args, stderr: "inherit" }).output();
  if (!success) throw new Error(`Cannot measure ${place.runtime.name}: plan.ts failed`);
  const times: { readonly size: number; readonly first: number; readonly median: number }[] = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  const base = times[0]!;
  return times.map(({ size, first, median }) => {
    const growth = size === base.size ? undefined : median / base.median;
    const linearithmic = size === base.size
      ? undefined
      : size * Math.log(size) / (base.size * Math.log(base.size));
    return {
      runtime: place.runtime.name,
      size,
      median,
      slowest: first,
      growth,
      linearithmic,
      // The clock and the collector have their say too.
      met: growth === undefined ? median < PLAN_GOAL : growth < linearithmic! * 1.5,
    };
  });
}
