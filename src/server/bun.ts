/**
 * Serving a filter by the sockets of Bun, whichever runtime this is.
 *
 * @module
 */

import { bunAdapter } from "../adapters/bun.ts";
import type { Filter } from "../session/filter.ts";
import { serveBy, type ServeOptions, type Server } from "./server.ts";

export type { ServeOptions, Server } from "./server.ts";

/** As {@linkcode serve} of the package's main entry point, by the sockets of Bun. */
export function serve(filter: Filter, options: ServeOptions): Promise<Server> {
  return serveBy(bunAdapter, filter, options);
}
