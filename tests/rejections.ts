/**
 * Promises that failed and that nobody asked, which end a process where nothing listens. The test runners of
 * Bun and Node fail a test by them on their own; Deno's would end.
 */

import process from "node:process";
import { settle } from "./mta_player.ts";

/** What failed unheard while `body` ran. */
export async function unheard(body: () => Promise<void>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  process.on("unhandledRejection", onError);
  try {
    await body();
    await settle();
  } finally {
    process.off("unhandledRejection", onError);
  }
  return errors;
}
