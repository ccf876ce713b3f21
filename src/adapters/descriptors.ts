import { readFileSync } from "node:fs";
import type { MilterError } from "../errors.ts";
import { acceptError } from "./socket.ts";

/**
 * Connections that come when the process may open nothing more: Deno tells of them, and lets them wait. Bun lets them
 * wait too, and asks for each again and again, which takes a whole processor. Node closes them, and tells nobody. So with
 * these two the last descriptors are not for connections: one that gets such a descriptor is closed, and told of.
 */

/** How many descriptors are kept from connections: filters that are at work need some. */
const KEPT = 16;

let most: number | undefined;

/** Why a connection that has this descriptor cannot be kept; `undefined` if it can, or if nobody knows. */
export function scarcity(descriptor: number | undefined): MilterError | undefined {
  most ??= limit();
  if (descriptor === undefined || descriptor < most - KEPT) return undefined;
  return acceptError({ code: "EMFILE" });
}

/** How many descriptors the process may have, where the system tells; a descriptor is the lowest that was free. */
function limit(): number {
  // Deno needs no help, and would ask its user whether the file may be read.
  if ("Deno" in globalThis) return Infinity;
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1")) ?? [];
    return Number(soft ?? Infinity);
  } catch {
    return Infinity; // Only Linux has the file.
  }
}
