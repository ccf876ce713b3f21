import { Ending } from "../server/ending.ts";
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

/** Serves the filter that the module exports as its default, with the options that it exports beside it. */
function workForModule(): void {
  let server: Server | undefined;
  let ending: Ending | undefined;
  work<WorkerData>({
    async start({ module, options }) {
      const exported: { readonly default?: unknown; readonly options?: object } = await import(module);
      if (typeof exported.default !== "function") {
        throw new TypeError(`Cannot serve: the default export of ${module} is no filter`);
      }
      const [listen] = passedSockets();
      // What it does not take as a filter or an option, it refuses.
      server = await serve(exported.default as Filter, { ...options, ...exported.options, listen: listen! });
      ending = new Ending([server]);
      return [server.address];
    },
    state: () => ({ connections: server?.connections ?? 0 }),
    shutdown: async (options) => await ending?.come(options) ?? 0,
  });
}

if (isProgram(import.meta.url)) workForModule();
