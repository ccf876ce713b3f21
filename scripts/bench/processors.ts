/** Which processor a process has. */

/** Puts a command on one of two processors. */
export type Pin = (processor: 0 | 1, command: readonly string[]) => string[];

/** Leaves a command as it is. */
export const unpinned: Pin = (_processor, command) => [...command];

/** Gives a command a processor, where that can be done: `undefined` where it can't. */
export async function pinning(): Promise<Pin | undefined> {
  const pin: Pin = (processor, command) => ["taskset", "-c", `${processor}`, ...command];
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
  // As long as this process lives, however it ends.
  const spin =
    `while kill -0 ${Deno.pid} 2>/dev/null; do n=0; while [ $n -lt 99999 ]; do n=$((n+1)); done; done`;
  // In a group of its own of the least weight: the scheduler weighs groups of processes before processes.
  const script = (processor: number) =>
    `echo 19 >/proc/self/autogroup; exec chrt -i 0 taskset -c ${processor} sh -c '${spin}'`;
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
