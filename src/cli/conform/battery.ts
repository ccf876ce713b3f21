import type { Address } from "../../adapters/address.ts";
import type { CaseGroup } from "./case.ts";
import { examine, listens, type Result, revives } from "./examine.ts";

/** Who is told while cases are played. */
export interface Audience {
  /** The cases of a group come next. */
  group(title: string): void;
  /** A case is being played, the so-manieth of so many. */
  begins(name: string, number: number, count: number): void;
  /** A case was played. */
  ended(result: Result): void;
}

/** What became of all cases. */
export interface Outcome {
  readonly results: readonly Result[];
  /** The case after which nobody listened any more, so that no other was played. */
  readonly stopped: string | undefined;
  /** How many cases were not played. */
  readonly left: number;
}

/** Plays cases one after the other, as long as somebody listens. */
export async function playAll(
  address: Address,
  groups: readonly CaseGroup[],
  timeout: number,
  audience: Audience,
): Promise<Outcome> {
  const results: Result[] = [];
  const count = groups.flatMap(({ cases }) => cases).length;
  for (const { title, cases } of groups) {
    audience.group(title);
    for (const played of cases) {
      audience.begins(played.name, results.length + 1, count);
      const result = await examine(address, played, timeout);
      const fell = result.outcome === "fault" && !await listens(address, timeout);
      const told = fell ? { ...result, why: `${result.why}; and it listens no more` } : result;
      results.push(told);
      audience.ended(told);
      if (fell && !await revives(address, timeout)) {
        return { results, stopped: played.name, left: count - results.length };
      }
    }
  }
  return { results, stopped: undefined, left: 0 };
}
