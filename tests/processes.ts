/** Processes, as Linux tells of them. */

import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";

/** A process that another one has started. */
export interface Descendant {
  readonly pid: number;
  readonly name: string;
  /** The name of the one that started it. */
  readonly parent: string;
}

/** All processes that one has started, and those that they have. */
export function descendants(ancestor: number): readonly Descendant[] {
  const all = new Map<number, { readonly name: string; readonly parent: number }>();
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const [, name = "", parent = ""] = /^\d+ \((.*)\) . (\d+)/s.exec(
        readFileSync(`/proc/${entry}/stat`, "latin1"),
      ) ?? [];
      all.set(Number(entry), { name, parent: Number(parent) });
    } catch {
      // It has ended meanwhile.
    }
  }
  const descends = (pid: number | undefined): boolean =>
    pid !== undefined && (pid === ancestor || descends(all.get(pid)?.parent));
  return [...all].filter(([, { parent }]) => descends(parent)).map(([pid, { name, parent }]) => ({
    pid,
    name,
    parent: all.get(parent)?.name ?? "",
  }));
}

/** Signals all of these processes, but those that have ended since they were listed. */
export function signalAll(pids: readonly number[], name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if ((error as { code?: string }).code !== "ESRCH") throw error;
    }
  }
}
