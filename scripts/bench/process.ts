/** The processes that are measured, and what the system tells of them. */

import type { Program, Runtime } from "../runtimes.ts";
import { stage } from "../stage.ts";

const ROOT: string = new URL("../../", import.meta.url).pathname;

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

/** Puts a command on one of two processors, where that can be done: `undefined` where it can't. */
export async function pinning(): Promise<((processor: 0 | 1, command: string[]) => string[]) | undefined> {
  const pin = (processor: number, command: string[]) => ["taskset", "-c", `${processor}`, ...command];
  try {
    const [command, ...args] = pin(1, ["true"]);
    const { success } = await new Deno.Command(command!, { args, stdout: "null", stderr: "null" }).output();
    return success ? pin : undefined;
  } catch {
    return undefined; // There is no taskset.
  }
}

/**
 * Keeps both processors from halting, until it is disposed of: by a process on each that works when no other does.
 *
 * A virtual processor that halts takes long to wake, and whoever writes to what sleeps there pays for it. A bare
 * responder answers before the load generator's processor halts, a slower server after it: so the ratio of the two
 * tells how the machine sleeps.
 */
export function keepAwake(): AsyncDisposable {
  // In a group of its own of the least weight: the scheduler weighs groups of processes before processes.
  const script = (processor: number) =>
    `echo 19 >/proc/self/autogroup; exec chrt -i 0 taskset -c ${processor} sh -c 'while :; do :; done'`;
  const children = [0, 1].map((processor) =>
    new Deno.Command("setsid", { args: ["sh", "-c", script(processor)], stdin: "null", stderr: "null" })
      .spawn()
  );
  return {
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill();
      await Promise.all(children.map((child) => child.status));
    },
  };
}

/** The command that runs a script of this folder. */
export function commandFor(
  { runtime, program, directory }: Place,
  [script, ...args]: readonly string[],
): string[] {
  return [
    program.path,
    ...runtime.kind === "deno" ? ["run", "-A", "--quiet", "--no-check"] : [],
    ...runtime.reads === "es2022" ? [`--import=${directory}/tests/runtimes/node_ts.mjs`] : [],
    `${directory}/scripts/bench/${script}`,
    ...args,
  ];
}

/** A server in a process of its own, which ends when it is disposed of. */
export class ServerProcess implements AsyncDisposable {
  readonly port: number;
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Starts a script that listens on a free port and prints it. */
  static async start(
    place: Place,
    script: readonly string[],
    around: (command: string[]) => string[] = (command) => command,
  ): Promise<ServerProcess> {
    const [command, ...more] = around(commandFor(place, script));
    const child = new Deno.Command(command!, {
      args: more,
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    })
      .spawn();
    let printed = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      printed += text;
      if (printed.endsWith("\n")) return new ServerProcess(child, Number(printed));
    }
    throw new Error(`Cannot measure ${place.runtime.name}: ${script[0]} ended instead of listening`);
  }

  /** The processor time that it has used so far, in seconds; `undefined` where the system does not tell. */
  async processorTime(): Promise<number | undefined> {
    const stat = await this.#ask("stat");
    if (stat === undefined) return undefined;
    // The second field is the program's name, which may hold anything. Linux counts in hundredths of a second.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  /** The memory that it has in use, and the most that it had since {@linkcode forgetPeak}, in bytes. */
  async memory(): Promise<{ readonly now: number; readonly peak: number }> {
    const status = await this.#ask("status") ?? "";
    const field = (name: string) =>
      1024 * Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, "m").exec(status)?.[1]);
    return { now: field("VmRSS"), peak: field("VmHWM") };
  }

  /** Starts the peak of the memory anew; where the system refuses, it stays that of the whole life. */
  async forgetPeak(): Promise<void> {
    await Deno.writeTextFile(`/proc/${this.#child.pid}/clear_refs`, "5").catch(() => {
      // Then what is measured is an upper bound.
    });
  }

  #ask(file: string): Promise<string | undefined> {
    return Deno.readTextFile(`/proc/${this.#child.pid}/${file}`).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#child.status;
  }
}
