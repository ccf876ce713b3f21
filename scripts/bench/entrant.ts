/** The contenders that take part, and those that can't. */

import type { Contender, Installed } from "./contenders.ts";

/** A contender that is installed. */
export interface Entrant {
  readonly contender: Contender;
  readonly installed: Installed;
}

/** One that is not, and why. */
export interface Absent {
  readonly contender: Contender;
  readonly why: string;
}

/** Installs contenders, one after the other. */
export async function enter(
  contenders: readonly Contender[],
  cache: string,
  onProgress: (text: string) => void,
): Promise<{ readonly entrants: Entrant[]; readonly absent: Absent[] }> {
  const entrants: Entrant[] = [];
  const absent: Absent[] = [];
  for (const contender of contenders) {
    onProgress(`installing ${contender.title}`);
    try {
      entrants.push({ contender, installed: await contender.install(cache) });
    } catch (error) {
      absent.push({ contender, why: reasonOf(error) });
    }
  }
  return { entrants, absent };
}

/** What an error says, in a line. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : `${error}`;
  return text.replaceAll(/\s*\n\s*/g, "; ").slice(0, 300);
}
