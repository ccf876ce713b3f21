import { type Address, formatAddress, type InheritedSocket, parseListen } from "../adapters/address.ts";
import { listenInherited } from "../adapters/inherited.ts";
import { isLoopback, parseNetwork } from "../adapters/network.ts";
import { type Adapter, addressError, type Listener } from "../adapters/socket.ts";
import type { ConversationOptions } from "../session/conversation.ts";
import type { Filter } from "../session/filter.ts";
import { checkPolicy } from "../session/policy.ts";
import { Service } from "./service.ts";

/** How a filter is served. */
export interface ServeOptions extends ConversationOptions {
  /**
   * Where to listen: see {@linkcode parseAddress}; or `fd:3`, a socket that listens already, by its descriptor, as
   * systemd passes it.
   */
  readonly listen: string | Address | InheritedSocket;
  /**
   * Who may connect by TCP: IP addresses and networks, `["192.0.2.7", "10.0.0.0/8", "2001:db8::/32"]`; others are
   * turned away at once. By default everybody who gets there, of which a server warns that listens to more than this
   * machine. Who may connect by a Unix socket is said by its {@linkcode UnixAddress.mode}.
   */
  readonly allow?: readonly string[];
  /** Shuts the server down when it aborts. */
  readonly signal?: AbortSignal;
  /** Is told where the server listens, once it does. */
  readonly onListen?: (address: Address) => void;
}

/** How a server is shut down. */
export interface ShutdownOptions {
  /**
   * How long messages in progress may take to reach their verdict, in milliseconds; 10,000 by default. Those that do
   * not are answered by `onError`, and their `session.signal` aborts.
   */
  readonly timeout?: number;
  /**
   * How long a connection without a message in progress is kept open for the next, which is answered by `onError`, in
   * milliseconds; 1,000 by default. When it was closed, the MTA judges by itself.
   */
  readonly idle?: number;
  /**
   * How long connections that are open are first served on as before, in milliseconds, while no more are taken; 0 by
   * default. Those that end by themselves meanwhile notice nothing.
   */
  readonly linger?: number;
}

/** How long a connection without a message in progress is kept by default. */
export const IDLE = 1_000;

/** How long the last answers may take to go out when the time is up, in milliseconds. */
const LAST_WORDS = 1_000;

/** A filter that is being served. */
export interface Server extends AsyncDisposable {
  /** Where it listens: the real port where 0 was asked for. */
  readonly address: Address;
  /** How many connections from MTAs are open. */
  readonly connections: number;
  /** Resolves when the server has ended: it was shut down, and its last connection is closed. */
  readonly finished: Promise<void>;
  /**
   * Serves another filter from now on: connections that are open keep the one that they began with.
   *
   * @throws {TypeError} if it is no filter.
   */
  replace(filter: Filter): void;
  /**
   * Takes no more connections than have come, lets messages in progress reach their verdict, has those that still
   * begin answered by `onError` (its error has the code `CLOSING`), and closes each connection when nothing happens on
   * it any more, or the time is up. Resolves when all is closed. A later call can only shorten the time.
   */
  shutdown(options?: ShutdownOptions): Promise<void>;
}

/** Serves a filter by the sockets of one runtime. */
export async function serveBy(adapter: Adapter, filter: Filter, options: ServeOptions): Promise<Server> {
  checkFilter(filter);
  checkPolicy(options.onError ?? "tempfail");
  options.signal?.throwIfAborted();
  const address = parseListen(options.listen);
  if (options.allow !== undefined && !Array.isArray(options.allow)) {
    throw new TypeError("Cannot serve: allow must be a list of addresses and networks");
  }
  const service = new Service(filter, options, options.allow?.map(parseNetwork));
  let listener: Listener;
  try {
    listener = "fd" in address
      ? await listenInherited(address, service.take, service.miss)
      : await adapter.listen(address, service.take, service.miss);
  } catch (error) {
    throw addressError("listen on", address, error);
  }
  const open = "fd" in address ? undefined : openToAll(listener.address, options.allow);
  if (open !== undefined) service.warn(open);
  const server = new RunningServer(listener, service);
  options.signal?.addEventListener("abort", server.onAbort, { once: true });
  const forget = () => options.signal?.removeEventListener("abort", server.onAbort);
  server.finished.then(forget, forget);
  if (options.signal?.aborted) server.onAbort();
  options.onListen?.(server.address);
  return server;
}

/** The warning about a server that listens to more than this machine, and does not say to whom; none if it is not so. */
export function openToAll(address: Address, allow: readonly string[] | undefined): string | undefined {
  if (allow !== undefined || !("host" in address) || isLoopback(address.host)) return undefined;
  return `Listening on ${formatAddress(address)} to everybody who gets there: "allow" says who may connect`;
}

function checkFilter(filter: Filter): Filter {
  if (typeof filter !== "function") throw new TypeError("Cannot serve: the filter is no function");
  return filter;
}

class RunningServer implements Server {
  readonly address: Address;
  readonly finished: Promise<void>;
  readonly #listener: Listener;
  readonly #service: Service;
  #finish!: (ending: Promise<void>) => void;
  #shutdown: Promise<void> | undefined;
  /** When connections are no longer served as before. */
  #linger: { readonly until: number; readonly timer: ReturnType<typeof setTimeout> | undefined } = {
    until: Infinity,
    timer: undefined,
  };
  /** When what has not ended is cut. */
  #deadline: { readonly at: number; readonly timer: ReturnType<typeof setTimeout> | undefined } = {
    at: Infinity,
    timer: undefined,
  };

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

  replace(filter: Filter): void {
    this.#service.filter = checkFilter(filter);
  }

  readonly onAbort = (): void => {
    this.shutdown().catch(() => {
      // Told by `finished`.
    });
  };

  shutdown({ timeout = 10_000, idle = IDLE, linger = 0 }: ShutdownOptions = {}): Promise<void> {
    const until = performance.now() + linger;
    if (this.#shutdown === undefined) {
      this.#shutdown = this.#end(this.#listener.close());
      this.#finish(this.#shutdown);
    }
    if (until < this.#linger.until) this.#drainAt(until, idle);
    if (until + timeout < this.#deadline.at) this.#cutAt(until + timeout);
    return this.#shutdown;
  }

  /** Serves connections as before until a time. */
  #drainAt(until: number, idle: number): void {
    clearTimeout(this.#linger.timer);
    const drain = () => this.#service.drain(idle);
    const wait = until - performance.now();
    this.#linger = { until, timer: wait <= 0 ? void drain() : later(drain, wait) };
  }

  /** Cuts at a time what has not ended by then. */
  #cutAt(at: number): void {
    clearTimeout(this.#deadline.timer);
    const cut = () => {
      this.#service.cut();
      this.#deadline = { at, timer: setTimeout(() => this.#service.destroy(), LAST_WORDS) };
    };
    this.#deadline = { at, timer: later(cut, at - performance.now()) };
  }

  async #end(closed: Promise<void>): Promise<void> {
    try {
      await closed;
    } finally {
      await this.#service.idle();
      clearTimeout(this.#linger.timer);
      clearTimeout(this.#deadline.timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}

/** The longest that a timer waits, in milliseconds: longer ones would end at once. */
const LONGEST = 2 ** 31 - 1;

function later(act: () => void, milliseconds: number): ReturnType<typeof setTimeout> {
  return setTimeout(act, Math.min(Math.max(0, milliseconds), LONGEST));
}
