import { closeSync, openSync } from "node:fs";
import process from "node:process";

/** What a server can be told while it serves. */
export interface Orders {
  /** By SIGTERM, SIGINT and the end of the terminal. */
  stop(): void;
  /** By SIGHUP. */
  reload(): void;
}

/** Has signals, and a caller's, do this until what is returned is called. */
export function onSignals({ stop, reload }: Orders, signal: AbortSignal | undefined): () => void {
  const handlers = {
    SIGTERM: stop,
    SIGINT: stop,
    SIGHUP: () => terminalHasGone() ? stop() : reload(),
  } as const;
  for (const [name, handler] of Object.entries(handlers)) process.on(name, handler);
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  return () => {
    for (const [name, handler] of Object.entries(handlers)) process.off(name, handler);
    signal?.removeEventListener("abort", stop);
  };
}

/** Whether the terminal that this process was started from has gone: then SIGHUP says that, and nobody sent it. */
function terminalHasGone(): boolean {
  if (!process.stderr.isTTY) return false;
  try {
    closeSync(openSync("/dev/tty", "r"));
    return false;
  } catch {
    return true;
  }
}
