/** Where our own servers run that are measured, on each runtime: the project as it is now. */

import type { Program, Runtime } from "./runtimes.ts";
import { stage } from "./stage.ts";

const ROOT: string = new URL("..", import.meta.url).pathname.replace(/\/$/, "");

/** A runtime, and the project, or a copy of it for those that can't take it as it stands. */
export interface Place {
  readonly runtime: Runtime;
  readonly program: Program;
  readonly directory: string;
}

/** The copies that this process has made, by directory. Several runtimes share one. */
const made = new Map<string, Promise<void>>();

/** A runtime's place. Its copy of the project is in `cache`: a new one, if an earlier process has left one there. */
export async function freshPlace(runtime: Runtime, program: Program, cache: string): Promise<Place> {
  if (runtime.kind === "deno") return { runtime, program, directory: ROOT };
  const directory = `${cache}/${runtime.reads}`;
  if (!made.has(directory)) made.set(directory, copyTo(directory, runtime.reads));
  await made.get(directory);
  return { runtime, program, directory };
}

async function copyTo(directory: string, reads: Runtime["reads"]): Promise<void> {
  await Deno.remove(directory, { recursive: true }).catch(() => {
    // There is none.
  });
  await stage(directory, reads);
}

/** The command that runs a script of the project, by its path from the project's root. */
export function commandFor(
  { runtime, program, directory }: Place,
  [script, ...args]: readonly string[],
): string[] {
  return [
    program.path,
    ...runtime.kind === "deno" ? ["run", "-A", "--quiet", "--no-check"] : [],
    ...runtime.reads === "es2022" ? [`--import=${directory}/tests/runtimes/node_ts.mjs`] : [],
    `${directory}/${script}`,
    ...args,
  ];
}
