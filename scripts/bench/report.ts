/** What a measurement has come to, as it is written down. */

import type { Contender } from "./contenders.ts";
import type { Absent, Entrant } from "./entrant.ts";
import type { Result } from "./figures.ts";
import type { Machine } from "./machine.ts";
import type { Judged } from "./targets.ts";

/** Everything that results.json holds. */
export interface Report {
  /** When it began, in UTC, and how long it took. */
  readonly began: string;
  readonly seconds: number;
  readonly mode: "full" | "quick";
  /** Whether the processors were kept from halting. */
  readonly awake: boolean;
  /** Whether filter and load generator had a processor each where they should. */
  readonly pinned: boolean;
  /** The commit of ours that was measured. */
  readonly commit: string;
  readonly machine: Machine;
  /** Who took part, or should have: in the order of the tables. */
  readonly contenders: readonly Listed[];
  /** What was not measured, and why. */
  readonly leftOut: readonly string[];
  readonly targets: readonly Judged[];
  readonly results: readonly Result[];
}

/** A contender in the report. */
export interface Listed extends Pick<Contender, "name" | "title" | "kind" | "notes"> {
  readonly version?: string;
  /** Why it could not be installed. */
  readonly missing?: string;
}

/** Lists contenders in their order, those that are there and those that are not. */
export function listed(
  contenders: readonly Contender[],
  { entrants, absent }: { readonly entrants: readonly Entrant[]; readonly absent: readonly Absent[] },
): Listed[] {
  return contenders.map((contender) => {
    const { name, title, kind, notes } = contender;
    const version = entrants.find((entrant) => entrant.contender === contender)?.installed.version;
    const missing = absent.find((one) => one.contender === contender)?.why;
    return {
      ...{ name, title, kind, notes },
      ...(version === undefined ? {} : { version }),
      ...(missing === undefined ? {} : { missing }),
    };
  });
}
