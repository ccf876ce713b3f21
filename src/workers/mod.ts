/**
 * Serving a filter by several processes on one address: for filters that compute much, and for new versions of
 * a module and its packages without a pause.
 *
 * ```ts
 * import { serveWorkers } from "@kilter/milter/workers";
 *
 * await using workers = await serveWorkers("examples/strip_x.ts", { listen: "inet:0@127.0.0.1", workers: 2 });
 * console.log(workers.address);
 * ```
 *
 * @module
 */

export type { Address, InheritedSocket, TcpAddress, UnixAddress } from "../adapters/address.ts";
export type { ServeOptions, Server, ShutdownOptions } from "../server/server.ts";
export type { ErrorPolicy } from "../session/policy.ts";
export type { Limits } from "../session/limits.ts";
export type { Log, LogEntry } from "../session/log.ts";
export type { Timeouts } from "../session/timeouts.ts";
export type { WorkerState } from "./crew.ts";
export type {
  PlaceEvent,
  ProcessEvent,
  WorkerAnswered,
  WorkerDied,
  WorkerDrained,
  WorkerEvent,
  WorkerFailed,
  WorkerReady,
  WorkerSilent,
} from "./events.ts";
export { type ReloadOptions, serveWorkers, type ServeWorkersOptions, type Workers } from "./serve_workers.ts";
