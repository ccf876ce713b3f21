import { closeSync, openSync } from "node:fs";
import process from "node:process";

/** What a signal does, by its name. */
export type SignalHandlers = Readonly<Partial<Record<"SIGTERM" | "SIGINT" | "SIGHUP", () => void>>>;

/** Has signals do this, until what is returned is called. */
export function onSignals(handlers: SignalHandlers): () => void {
  const all = Object.entries(handlers);
  for (const [name, handler] of all) process.on(name, handler);
  return () => {
    for (const [name, handler] of all) process.off(name, handler);
  };
}

/** Whether the terminal that this process was started from has gone: then SIGHUP means that, and nobody sent it. */
export function terminalHasGone(): boolean {
  if (!process.stderr.isTTY) return false;
  try {
    closeSync(openSync("/dev/tty", "r"));
    return false;
  } catch {
    return true;
  }
}
