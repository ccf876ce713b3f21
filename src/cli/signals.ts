import { closeSync, openSync } from "node:fs";
import process from "node:process";

/** What a command can be told while it runs. */
export interface Orders {
  /** By SIGTERM, SIGINT, and the caller's signal. */
  stop(): void;
  /** By SIGHUP, unless it says that the terminal has gone: then it is to stop. Without it SIGHUP ends the process. */
  reload?(): void;
}

/** Has signals, and a caller's, do this until what is returned is disposed of. */
export function onSignals({ stop, reload }: Orders, signal: AbortSignal | undefined): Disposable {
  const handlers = {
    SIGTERM: stop,
    SIGINT: stop,
    ...reload && { SIGHUP: () => terminalHasGone() ? stop() : reload() },
  };
  for (const [name, handler] of Object.entries(handlers)) process.on(name, handler);
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  return {
    [Symbol.dispose]() {
      for (const [name, handler] of Object.entries(handlers)) process.off(name, handler);
      signal?.removeEventListener("abort", stop);
    },
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

/** A command that runs until it is told to stop. */
export interface Stopping extends Disposable {
  /** Resolves when SIGINT or SIGTERM comes, or the caller's signal aborts. */
  readonly asked: Promise<void>;
}

/** Waits for the word to stop. It is waited for once: who asks again ends the process at once. */
export function stopping(signal: AbortSignal | undefined): Stopping {
  let orders: Disposable | undefined;
  const forget = () => orders?.[Symbol.dispose]();
  const asked = new Promise<void>((resolve) => {
    const stop = () => {
      forget();
      resolve();
    };
    orders = onSignals({ stop }, signal);
  });
  return { asked, [Symbol.dispose]: forget };
}
