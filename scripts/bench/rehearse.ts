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
import { reasonOf } from "./entrant.ts";
import { Running } from "./running.ts";

/** Rehearses a filter at an address of a kind, in a process of its own, and tells what came of it. */
async function outcome(
  { command, env = {} }: Installed,
  filter: FilterName,
  socket: "tcp" | "unix",
): Promise<string> {
  try {
    await using running = await Running.start({
      command: (address) => command(filter, address),
      env,
      socket,
    });
    return told(await rehearse(running.address));
  } catch (error) {
    return reasonOf(error);
  }
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
        for (const socket of ["tcp", "unix"] as const) {
          console.log(`  ${filter}, ${socket}: ${await outcome(installed, filter, socket)}`);
        }
      }
      for (const note of notes) console.log(`  It ${note}.`);
    } catch (error) {
      console.log(`${name} is missing: ${reasonOf(error)}`);
    }
  }
} finally {
  await Deno.remove(scratch, { recursive: true });
}
