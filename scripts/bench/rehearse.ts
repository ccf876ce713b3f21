/**
 * Installs the contenders, and tells whether each does what the benchmark measures, at each kind of address.
 *
 *   deno run -A scripts/bench/rehearse.ts --cache directory [name …]
 *
 * @module
 */

import { parseArgs } from "node:util";
import { CONTENDERS, type FilterName, type Installed } from "./contenders.ts";
import { type MailEvent, type Rehearsal, rehearse } from "./contenders/rehearsal.ts";

/** Rehearses a filter at an address, in a process of its own. */
async function withProcess(
  { command, env = {} }: Installed,
  filter: FilterName,
  address: string,
): Promise<Rehearsal> {
  const [program, ...args] = command(filter, address);
  const child = new Deno.Command(program!, { args, env: { ...env }, stdout: "null" }).spawn();
  try {
    for (let tries = 1;; tries++) {
      try {
        return await rehearse(address);
      } catch (error) {
        // It does not listen yet.
        if (tries === 100 || !(error instanceof Error && "code" in error && error.code === "CONNECTION")) {
          throw error;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

/** Where it can listen: at a port that was free a moment ago, and at a path in a directory. */
function addresses(directory: string): string[] {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return [`inet:${listener.addr.port}@127.0.0.1`, `unix:${directory}/${listener.addr.port}.sock`];
}

/** What was done about the events, those of one fate together. */
function told(rehearsal: Rehearsal): string {
  const events = Object.keys(rehearsal) as MailEvent[];
  return [...Map.groupBy(events, (event) => rehearsal[event])]
    .map(([fate, events]) => `${fate}: ${events.join(", ")}`).join("; ");
}

const { values, positionals } = parseArgs({ options: { cache: { type: "string" } }, allowPositionals: true });
const scratch = await Deno.makeTempDir({ prefix: "kilter-rehearsal-" });
try {
  for (const { name, install, notes } of CONTENDERS) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    try {
      const installed = await install(values.cache ?? scratch);
      console.log(`${name} ${installed.version}`);
      for (const filter of ["answered", "end", "default"] as const) {
        for (const address of addresses(scratch)) {
          const line = `  ${filter}, ${address.replace(/:.*/, "")}: `;
          await withProcess(installed, filter, address).then(
            (rehearsal) => console.log(line + told(rehearsal)),
            (error) => console.log(`${line}${error}`),
          );
        }
      }
      for (const note of notes) console.log(`  It ${note}.`);
    } catch (error) {
      console.log(`${name} is missing: ${error}`);
    }
  }
} finally {
  await Deno.remove(scratch, { recursive: true });
}
