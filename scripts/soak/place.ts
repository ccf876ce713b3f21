import type { Program, Runtime } from "../runtimes.ts";
import { stage } from "../stage.ts";

const ROOT: string = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** Where a runtime's servers run: the project or, for those that can't take it as it stands, a copy of it. */
export interface Place {
  readonly runtime: Runtime;
  readonly program: Program;
  readonly directory: string;
}

/** Makes the runtime's copy of the project in `scratch`, if it needs one that is not there yet. */
export async function prepare(runtime: Runtime, program: Program, scratch: string): Promise<Place> {
  if (runtime.kind === "deno") return { runtime, program, directory: ROOT };
  const directory = `${scratch}/${runtime.reads}`;
  const made = await Deno.stat(directory).then(() => true, () => false);
  if (!made) await stage(directory, runtime.reads);
  return { runtime, program, directory };
}

/** The command that runs a script of the project. */
export function commandFor(
  { runtime, program, directory }: Place,
  script: string,
  args: readonly string[] = [],
): string[] {
  return [
    program.path,
    ...runtime.kind === "deno" ? ["run", "-A", "--quiet", "--no-check"] : [],
    ...runtime.reads === "es2022" ? [`--import=${directory}/tests/runtimes/node_ts.mjs`] : [],
    `${directory}/${script}`,
    ...args,
  ];
}
