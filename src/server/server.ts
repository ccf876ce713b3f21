import { type Address, parseAddress } from "../adapters/address.ts";
import { type Adapter, addressError, type Listener } from "../adapters/socket.ts";
import type { ConversationOptions } from "../session/conversation.ts";
import type { Filter } from "../session/filter.ts";
import { checkPolicy } from "../session/policy.ts";
import { Service } from "./service.ts";

/** How a filter is served. */
export interface ServeOptions extends ConversationOptions {
  /** Where to listen: see {@linkcode parseAddress}. */
  readonly listen: string | Address;
  /** Shuts the server down when it aborts. */
  readonly signal?: AbortSignal;
  /** Is told where the server listens, once it does. */
  readonly onListen?: (address: Address) => void;
}

/** How a server is shut down. */
export interface ShutdownOptions {
  /** How long messages in progress may take to reach their verdict, in milliseconds; 10,000 by default. */
  readonly timeout?: number;
}

/** A filter that is being served. */
export interface Server extends AsyncDisposable {
  /** Where it listens: the real port where 0 was asked for. */
  readonly address: Address;
  /** How many connections from MTAs are open. */
  readonly connections: number;
  /** Resolves when the server has ended: it was shut down, and its last connection is closed. */
  readonly finished: Promise<void>;
  /**
   * Takes no more connections, closes those without a message in progress, and the others when their message
   * has its verdict or the time is up. Resolves when all is closed.
   */
  shutdown(options?: ShutdownOptions): Promise<void>;
}

/** Serves a filter by the sockets of one runtime. */
export async function serveBy(adapter: Adapter, filter: Filter, options: ServeOptions): Promise<Server> {
  if (typeof filter !== "function") throw new TypeError("Cannot serve: the filter is no function");
  checkPolicy(options.onError ?? "tempfail");
  options.signal?.throwIfAborted();
  const address = parseAddress(options.listen);
  const service = new Service(filter, options);
  let listener: Listener;
  try {
    listener = await adapter.listen(address, service.take);
  } catch (error) {
    throw addressError("listen on", address, error);
  }
  const server = new RunningServer(listener, service);
  options.signal?.addEventListener("abort", server.onAbort, { once: true });
  const forget = () => options.signal?.removeEventListener("abort", server.onAbort);
  server.finished.then(forget, forget);
  if (options.signal?.aborted) server.onAbort();
  options.onListen?.(server.address);
  return server;
}

class RunningServer implements Server {
  readonly address: Address;
  readonly finished: Promise<void>;
  readonly #listener: Listener;
  readonly #service: Service;
  #finish!: (ending: Promise<void>) => void;
  #shutdown: Promise<void> | undefined;

  constructor(listener: Listener, service: Service) {
    this.address = listener.address;
    this.#listener = listener;
    this.#service = service;
    this.finished = new Promise((resolve) => this.#finish = resolve);
    this.finished.catch(() => {
      // Whoever awaits it is told; so is who called shutdown.
    });
  }

  get connections(): number {
    return this.#service.size;
  }

  readonly onAbort = (): void => {
    this.shutdown().catch(() => {
      // Told by `finished`.
    });
  };

  shutdown(options: ShutdownOptions = {}): Promise<void> {
    if (this.#shutdown === undefined) {
      this.#shutdown = this.#end(options.timeout ?? 10_000);
      this.#finish(this.#shutdown);
    }
    return this.#shutdown;
  }

  async #end(timeout: number): Promise<void> {
    const timer = setTimeout(() => this.#service.destroy(), timeout);
    try {
      const closed = this.#listener.close();
      this.#service.drain();
      await closed;
    } finally {
      await this.#service.idle();
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}
