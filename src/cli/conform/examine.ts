import type { Address } from "../../adapters/address.ts";
import { type Case, Fault, NotApplicable } from "./case.ts";
import { Patience, pause } from "./patience.ts";
import { Stand } from "./stand.ts";
import { Wire } from "./wire.ts";

/** What became of a case. */
export interface Result {
  readonly name: string;
  readonly about: string;
  readonly rule: string;
  readonly outcome: "passed" | "fault" | "not applicable";
  /** What the milter does wrong, or why it can't be judged. */
  readonly why: string | undefined;
  readonly milliseconds: number;
}

/** How often a milter that is gone is called again, and how long is waited between, in milliseconds. */
const REVIVAL = { calls: 10, wait: 200 } as const;

/** Plays a case against a milter, which may take so many milliseconds for its answers. */
export async function examine(address: Address, played: Case, timeout: number): Promise<Result> {
  const { name, about, rule } = played;
  const started = performance.now();
  const stand = new Stand(address, timeout);
  const ended = (outcome: Result["outcome"], why?: string): Result => ({
    name,
    about,
    rule,
    outcome,
    why,
    milliseconds: Math.round(performance.now() - started),
  });
  try {
    await played.play(stand);
    return ended("passed");
  } catch (error) {
    if (error instanceof Fault) return ended("fault", error.message);
    if (error instanceof NotApplicable) return ended("not applicable", error.message);
    throw error;
  } finally {
    await stand.close();
  }
}

/**
 * Makes sure that somebody listens.
 *
 * @throws {MilterError} `CONNECTION` if nobody does.
 */
export async function call(address: Address, timeout: number): Promise<void> {
  const wire = await Wire.open(address, new Patience(timeout));
  await wire.close();
}

/** Whether somebody listens now. */
export async function listens(address: Address, timeout: number): Promise<boolean> {
  try {
    await call(address, timeout);
    return true;
  } catch {
    // That is what was asked.
    return false;
  }
}

/** Whether somebody listens again within two seconds: what has died may be started anew by its guard. */
export async function revives(address: Address, timeout: number): Promise<boolean> {
  for (let count = 0; count < REVIVAL.calls; count++) {
    await pause(REVIVAL.wait);
    if (await listens(address, timeout)) return true;
  }
  return false;
}
