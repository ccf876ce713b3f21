/** Milters of others, from Debian's packages: each test has one of its own, on loopback. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Address } from "../../mod.ts";
import { LeashedProcess } from "../mta/leash.ts";
import { listening, reserveEndpoint } from "../mta/ports.ts";

/** A milter that runs. */
export interface DebianMilter extends AsyncDisposable {
  readonly address: Address;
}

/** How a milter is run. */
export interface MilterRecipe {
  readonly program: string;
  /** The files that it needs, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Its arguments, where it is to listen and its files being in a directory. */
  readonly arguments: (port: number, directory: string) => readonly string[];
}

/** Why a milter cannot be run here; `false` if it can. */
export function whyNot(program: string): string | false {
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    return `tests with ${program} need Linux, as root`;
  }
  return existsSync(program)
    ? false
    : `tests with a real milter: ${program} is not there; see tests/mta/install.sh`;
}

/** Starts a milter, and waits until it listens. */
export async function startMilter(recipe: MilterRecipe): Promise<DebianMilter> {
  // OpenDKIM takes no key from below a directory that others may write to, as /tmp is.
  const directory = mkdtempSync("/run/kilter-peer-");
  const log = join(directory, "log");
  const { endpoint, release } = await reserveEndpoint();
  for (const [name, text] of Object.entries(recipe.files ?? {})) {
    writeFileSync(join(directory, name), text, { mode: 0o600 });
  }
  // One that asks DNS of the domains in our mails is not to wait long for what does not exist.
  const command = ["env", "RES_OPTIONS=timeout:1 attempts:1", recipe.program];
  // libmilter looks for the word to end every five seconds.
  const child = new LeashedProcess([...command, ...recipe.arguments(endpoint.port, directory)], log, "KILL");
  const stop = async () => {
    await child.end();
    await release();
    rmSync(directory, { recursive: true });
  };
  try {
    await listening(endpoint, child);
  } catch (error) {
    const said = readFileSync(log, "utf8");
    await stop();
    throw new Error(`${recipe.program} does not start: ${said}`, { cause: error });
  }
  return { address: endpoint, [Symbol.asyncDispose]: stop };
}
