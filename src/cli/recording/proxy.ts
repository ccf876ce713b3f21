import type { Address } from "../../adapters/address.ts";
import { type Adapter, addressError, type Listener, type Socket } from "../../adapters/socket.ts";
import type { Deed, Side } from "./entry.ts";
import { Relay } from "./relay.ts";

/** Who looks at all connections of a proxy. */
export interface Audience {
  opened(connection: number, peer: string): void;
  saw(connection: number, side: Side, deed: Deed): void;
  /** The filter could not be reached: the MTA's connection is closed. */
  failed(connection: number, error: Error): void;
  closed(connection: number): void;
  /** While it resolves, nothing more is read. */
  room(): Promise<void> | undefined;
}

/** Where a proxy listens, and where it passes connections on to. */
export interface ProxyOptions {
  readonly listen: Address;
  readonly forward: Address;
}

/** How long the filter may take to be connected to, in milliseconds. */
const CONNECT_TIMEOUT = 30_000;

/** Stands between MTAs and a filter, for any number of connections at once. */
export class Proxy implements AsyncDisposable {
  readonly #adapter: Adapter;
  readonly #forward: Address;
  readonly #audience: Audience;
  /** What ends each open connection at once. */
  readonly #open = new Map<number, () => void>();
  readonly #idle = new Set<() => void>();
  #listener: Listener | undefined;
  #last = 0;
  #stopped = false;

  private constructor(adapter: Adapter, forward: Address, audience: Audience) {
    this.#adapter = adapter;
    this.#forward = forward;
    this.#audience = audience;
  }

  /**
   * Listens, and passes on what comes.
   *
   * @throws {MilterError} `LISTEN` if the address cannot be listened on.
   */
  static async start(
    adapter: Adapter,
    { listen, forward }: ProxyOptions,
    audience: Audience,
  ): Promise<Proxy> {
    const proxy = new Proxy(adapter, forward, audience);
    try {
      proxy.#listener = await adapter.listen(listen, (socket) => void proxy.#take(socket));
    } catch (error) {
      throw addressError("listen on", listen, error);
    }
    return proxy;
  }

  /** Where it listens: the real port where 0 was asked for. */
  get address(): Address {
    return this.#listener!.address;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#open.size;
  }

  /** Takes no more connections, and ends those that are open. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#listener!.close();
    const idle = new Promise<void>((resolve) => this.#idle.add(resolve));
    for (const end of [...this.#open.values()]) end();
    if (this.#open.size > 0) await idle;
  }

  async #take(mta: Socket): Promise<void> {
    const connection = ++this.#last;
    const audience = this.#audience;
    this.#open.set(connection, () => this.#refuse(connection, mta));
    audience.opened(connection, mta.peer);
    let filter: Socket;
    try {
      filter = await this.#connect();
    } catch (error) {
      if (!this.#open.has(connection)) return;
      audience.failed(connection, addressError("connect to", this.#forward, error));
      return this.#refuse(connection, mta);
    }
    // The trace has ended meanwhile.
    if (!this.#open.has(connection)) return discard(filter);
    const relay = new Relay({ mta, filter }, {
      saw: (side, deed) => audience.saw(connection, side, deed),
      closed: () => this.#gone(connection),
      room: () => audience.room(),
    });
    this.#open.set(connection, () => relay.destroy());
    if (this.#stopped) relay.destroy();
  }

  async #connect(): Promise<Socket> {
    const connecting = this.#adapter.connect(this.#forward);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("it takes too long")), CONNECT_TIMEOUT);
    });
    try {
      return await Promise.race([connecting, late]);
    } catch (error) {
      connecting.then(discard, () => {}); // Should it still come.
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends a connection of which nothing was read. */
  #refuse(connection: number, mta: Socket): void {
    discard(mta);
    this.#gone(connection);
  }

  #gone(connection: number): void {
    this.#open.delete(connection);
    this.#audience.closed(connection);
    if (this.#open.size > 0) return;
    for (const resolve of this.#idle) resolve();
  }
}

/** Closes a connection that nobody listens to. */
function discard(socket: Socket): void {
  socket.start({ data() {}, end() {}, drain() {}, closed() {} });
  socket.destroy();
}
