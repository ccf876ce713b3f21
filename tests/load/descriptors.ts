import { readFileSync } from "node:fs";
import process from "node:process";

/** How many files and sockets this process may have open; as many as it likes where the system does not tell. */
function limit(): number {
  if (process.platform !== "linux") return Infinity;
  const text = readFileSync("/proc/self/limits", "utf8");
  return Number(/^Max open files\s+(\d+)/m.exec(text)?.[1] ?? Infinity);
}

/** What stands in the way of a test that needs so many descriptors; nothing if they can be had. */
export function tooFew(needed: number): string {
  return limit() < needed ? `it needs ${needed} descriptors, and \`ulimit -n\` allows ${limit()}` : "";
}
