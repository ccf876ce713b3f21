import { runtimeAdapter } from "../adapters/runtime.ts";
import { type StreamPair, StreamSocket } from "../adapters/stream.ts";
import type { ConversationOptions } from "../session/conversation.ts";
import type { Filter } from "../session/filter.ts";
import { IDLE, serveBy, type ServeOptions, type Server } from "./server.ts";
import { Service } from "./service.ts";

/**
 * Serves a filter to MTAs, by the sockets of the runtime that this is. Resolves when the server listens.
 *
 * A filter that throws, or takes too long, gets its message the answer of `onError`, a tempfail by default, so
 * that the client tries again later: nothing is lost, and nothing passes unfiltered.
 *
 * @throws {TypeError} if the address or another option is none.
 * @throws {MilterError} `LISTEN` if the address is in use or not permitted.
 *
 * @example
 * ```ts
 * import { accept, serve } from "@kilter/milter";
 *
 * await using server = await serve(async (session) => {
 *   console.log("mail from", (await session.envelopeFrom()).address);
 *   return accept();
 * }, { listen: "inet:0@127.0.0.1" });
 * console.log(server.address);
 * ```
 */
export async function serve(filter: Filter, options: ServeOptions): Promise<Server> {
  return await serveBy(await runtimeAdapter(), filter, options);
}

/**
 * Serves a filter to one MTA over a pair of Web Streams: a test, a pipe, a tunnel. Resolves when the
 * connection has ended.
 */
export async function serveStream(
  streams: StreamPair,
  filter: Filter,
  options: ConversationOptions & { readonly signal?: AbortSignal } = {},
): Promise<void> {
  options.signal?.throwIfAborted();
  const service = new Service(filter, options);
  const drain = () => service.drain(IDLE);
  options.signal?.addEventListener("abort", drain, { once: true });
  service.take(new StreamSocket(streams));
  await service.idle();
  options.signal?.removeEventListener("abort", drain);
}
