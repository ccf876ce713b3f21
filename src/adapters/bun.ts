import type { MilterError } from "../errors.ts";
import type { Address } from "./address.ts";
import { Admission, type Admitted } from "./admission.ts";
import { scarcity } from "./descriptors.ts";
import {
  acceptError,
  type Adapter,
  allTaken,
  LARGE,
  type Listener,
  peerName,
  type Socket,
  type SocketEvents,
  WRITE_HIGH_WATER,
} from "./socket.ts";
import { flushAtEndOfTurn, workAtEndOfTurn } from "./turn.ts";
import { clearPath, removePath, secure } from "./unix_socket.ts";

/** What is used of Bun's API, so that other runtimes can check this file. */
interface BunApi {
  listen(options: BunOptions): BunListener;
  connect(options: BunOptions): Promise<BunConnection>;
}

declare const Bun: BunApi;

type BunOptions = ({ readonly hostname: string; readonly port: number } | { readonly unix: string }) & {
  readonly allowHalfOpen: boolean;
  readonly socket: BunHandlers;
};

/** One set of handlers for all connections; each finds its own socket in `data`. */
interface BunHandlers {
  readonly binaryType: "uint8array";
  open(connection: BunConnection): void;
  data(connection: BunConnection, chunk: Uint8Array): void;
  drain(connection: BunConnection): void;
  end(connection: BunConnection): void;
  close(connection: BunConnection, error?: unknown): void;
  error(connection: BunConnection, error: unknown): void;
}

interface BunListener {
  readonly port: number;
  stop(closeConnections?: boolean): void;
}

interface BunConnection {
  /** `undefined` if the connection was not kept. */
  data: BunSocket | undefined;
  readonly fd: number;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  write(bytes: Uint8Array): number;
  pause(): void;
  resume(): void;
  shutdown(): void;
  end(): void;
  terminate(): void;
}

/** `Bun.listen` and `Bun.connect`, which tell the system not to wait with small packets (`TCP_NODELAY`). */
export const bunAdapter: Adapter = {
  async listen(address, onSocket, onFailure = () => {}): Promise<Listener> {
    if ("path" in address) await clearPath(address);
    const admission = new Admission();
    let taken = 0;
    const take = (connection: BunConnection) => {
      taken++;
      const socket = new BunSocket(connection, address, admission);
      admission.next(() => {
        if (socket.closed) return;
        try {
          onSocket(socket);
        } catch (error) {
          socket.destroy();
          onFailure(acceptError(error));
        }
      });
      return socket;
    };
    const listener = Bun.listen(bunOptions(address, take, onFailure));
    return await secure({
      address: "path" in address ? address : { host: address.host, port: listener.port },
      async close() {
        admission.open();
        await allTaken(() => taken);
        listener.stop(false);
        if ("path" in address) await removePath(address);
      },
    });
  },

  connect(address): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const connected = (connection: BunConnection) => {
        const socket = new BunSocket(connection, address);
        resolve(socket);
        return socket;
      };
      Bun.connect(bunOptions(address, connected)).catch(reject);
    });
  },
};

function bunOptions(
  address: Address,
  onConnection: (connection: BunConnection) => BunSocket,
  onFailure?: (error: MilterError) => void,
): BunOptions {
  const target = "path" in address ? { unix: address.path } : { hostname: address.host, port: address.port };
  return {
    ...target,
    // Without it the peer's end closes the connection at once, and answers are lost.
    allowHalfOpen: true,
    socket: {
      binaryType: "uint8array",
      open: (connection) => {
        const failure = onFailure && scarcity(connection.fd);
        if (failure !== undefined) {
          connection.terminate();
          return onFailure!(failure);
        }
        onConnection(connection).hold();
      },
      data: ({ data: socket }, chunk) => {
        socket?.receive(chunk);
      },
      drain: (connection) => connection.data?.flush(),
      end: (connection) => connection.data?.events?.end(),
      close: (connection, error) => connection.data?.finish(error),
      error: (connection, error) => connection.data?.finish(error),
    },
  };
}

/** What this version of TypeScript's library does not know of an `ArrayBuffer` yet (ECMAScript 2024). */
type TransferableBuffer = ArrayBufferLike & { transfer(length: number): ArrayBuffer };

class BunSocket implements Socket, Admitted {
  talked = 0;
  /** Whether the connection is gone. */
  closed = false;
  events: SocketEvents | undefined;
  readonly #address: Address;
  readonly #connection: BunConnection;
  /** By what it was let in, if it was. */
  readonly #admission: Admission | undefined;
  #queue: Uint8Array[] = [];
  #queued = 0;
  #blocked = false;
  #ending = false;
  #closing = false;
  #unstarted = false;

  constructor(connection: BunConnection, address: Address, admission?: Admission) {
    this.#connection = connection;
    this.#admission = admission;
    this.#address = address;
    connection.data = this;
  }

  /** Asked of the system only when it is wanted. */
  get peer(): string {
    return peerName(this.#address, this.#connection.remoteAddress, this.#connection.remotePort);
  }

  get host(): string | undefined {
    return "path" in this.#address ? undefined : this.#connection.remoteAddress;
  }

  start(events: SocketEvents): void {
    this.events = events;
    this.#admission?.talks(this);
    if (this.#unstarted) this.#connection.resume();
    this.#unstarted = false;
  }

  /** Bun reads at once: what comes before anybody listens must wait. */
  hold(): void {
    if (this.events !== undefined) return;
    this.#unstarted = true;
    this.#connection.pause();
  }

  /** Bun has allocated the chunk for this call alone, and collects it late. */
  receive(chunk: Uint8Array): void {
    this.#admission?.talks(this);
    const large = chunk.length >= LARGE;
    this.events?.data(chunk, !large);
    if (!large) return workAtEndOfTurn(this);
    this.work();
    (chunk.buffer as TransferableBuffer).transfer(0);
  }

  work(): void {
    if (!this.closed) this.events?.endOfTurn?.();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#queue.length === 0) flushAtEndOfTurn(this);
    this.#queue.push(bytes);
    this.#queued += bytes.length;
    this.#blocked ||= this.#queued > WRITE_HIGH_WATER;
    return !this.#blocked;
  }

  /** Writes what waits, as far as the system takes it; Bun calls again when it takes more. */
  flush(): void {
    const queue = this.#queue;
    if (queue.length === 0) return;
    for (let at = 0; at < queue.length; at++) {
      const bytes = queue[at]!;
      const taken = this.#connection.write(bytes);
      if (taken > 0) this.#queued -= taken;
      if (taken < bytes.length) {
        this.#queue = queue.slice(at);
        if (taken > 0) this.#queue[0] = bytes.subarray(taken);
        return;
      }
    }
    while (queue.length > 0) queue.pop();
    if (this.#closing) this.#connection.end();
    else if (this.#ending) this.#connection.shutdown();
    else if (this.#blocked) {
      this.#blocked = false;
      this.events?.drain();
    }
  }

  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  end(): void {
    this.#ending = true;
    if (this.#queue.length === 0) this.#connection.shutdown();
  }

  close(): void {
    this.#closing = true;
    if (this.#queue.length === 0) this.#connection.end();
  }

  destroy(): void {
    this.#connection.terminate();
  }

  /** The connection is gone. */
  finish(error?: unknown): void {
    if (this.closed) return;
    this.closed = true;
    this.#queue = [];
    this.#admission?.leaves(this);
    this.events?.closed(error);
  }
}
