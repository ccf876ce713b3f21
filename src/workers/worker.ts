import { serve } from "../server/serve.ts";
import type { ServeOptions, Server } from "../server/server.ts";
import type { Filter } from "../session/filter.ts";
import { isProgram, passedSockets, work } from "./worker_end.ts";

/** The program of a worker that serves one module. */
export const WORKER: string = import.meta.url;

/** What it is told. */
export interface WorkerData {
  /** The URL of the module. */
  readonly module: string;
  readonly options: Omit<ServeOptions, "listen">;
}

let server: Server | undefined;
let late = 0;

/** Serves the filter that the module exports as its default, with the options that it exports beside it. */
async function start({ module, options }: WorkerData) {
  const exported: { readonly default?: unknown; readonly options?: object } = await import(module);
  if (typeof exported.default !== "function") {
    throw new TypeError(`Cannot serve: the default export of ${module} is no filter`);
  }
  const [listen] = passedSockets(1);
  server = await serve(exported.default as Filter, { ...options, ...exported.options, listen: listen! });
  return [server.address];
}

async function shutdown(options: { readonly timeout?: number; readonly linger?: number }) {
  const { timeout = 10_000, linger = 0 } = options;
  // A moment before what is left is cut.
  const timer = setTimeout(() => late = server?.connections ?? 0, Math.max(linger + timeout - 1, 0));
  await server?.shutdown(options);
  clearTimeout(timer);
  return late;
}

if (isProgram(import.meta.url)) {
  work({ start, state: () => ({ connections: server?.connections ?? 0 }), shutdown });
}
