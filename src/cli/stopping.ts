import process from "node:process";

/** A command that runs until it is told to stop. */
export interface Stopping extends Disposable {
  /** Resolves when SIGINT or SIGTERM comes, or the caller's signal aborts. */
  readonly asked: Promise<void>;
}

/** Waits for the word to stop. It is waited for once: who asks again ends the process at once. */
export function stopping(signal: AbortSignal | undefined): Stopping {
  let stop = () => {};
  const asked = new Promise<void>((resolve) => stop = resolve);
  const forget = () => {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.off(name, heard);
    signal?.removeEventListener("abort", heard);
  };
  const heard = () => {
    forget();
    stop();
  };
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", heard);
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, heard);
  return { asked, [Symbol.dispose]: forget };
}
