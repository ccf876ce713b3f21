import {
  connect,
  createServer,
  type Server,
  Socket as NetSocket,
  type SocketConstructorOpts,
} from "node:net";
import type { MilterError } from "../errors.ts";
import type { Address } from "./address.ts";
import { scarcity } from "./descriptors.ts";
import {
  acceptError,
  type Adapter,
  allTaken,
  BACKLOG,
  LARGE,
  type Listener,
  peerName,
  type Socket,
  type SocketEvents,
  WRITE_HIGH_WATER,
} from "./socket.ts";
import { flushAtEndOfTurn, workAtEndOfTurn } from "./turn.ts";
import { clearPath, removePath, secure } from "./unix_socket.ts";

/** `node:net`. */
export const nodeAdapter: Adapter = {
  async listen(address, onSocket, onFailure = () => {}): Promise<Listener> {
    if ("path" in address) await clearPath(address);
    let taken = 0;
    const take = (socket: NetSocket) => {
      taken++;
      onSocket(new NodeSocket(socket, address));
    };
    const server = serverOf(take, onFailure);
    await opened(
      server,
      "listening",
      () => {
        const target = "path" in address ? { path: address.path } : address;
        server.listen({ ...target, backlog: BACKLOG });
      },
    );
    return await secure({
      address: boundAddress(server, address),
      async close() {
        await allTaken(() => taken);
        // The server counts its connections; it is done for us when it takes no more.
        server.close();
        if ("path" in address) await removePath(address);
      },
    });
  },

  async connect(address): Promise<Socket> {
    const socket = connect({ ...address, allowHalfOpen: true, noDelay: true });
    await opened(socket, "connect", () => {});
    return new NodeSocket(socket, address);
  },
};

/** A server that hands over the connections that it can keep. */
export function serverOf(
  onConnection: (socket: NetSocket) => void,
  onFailure: (error: MilterError) => void,
): Server {
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
    const failure = scarcity(descriptorOf(socket));
    if (failure === undefined) return onConnection(directly(socket));
    socket.on("error", () => {}).destroy(); // Nobody asks how that went.
    onFailure(failure);
  });
  return server.once("listening", () => server.on("error", (error) => onFailure(acceptError(error))));
}

/** What Node has no public name for: the connection itself, and the server that counts it. */
interface Handled {
  _handle?: { readonly fd?: number } | null;
  _server?: unknown;
}

/** The descriptor of a connection. */
function descriptorOf(socket: NetSocket): number | undefined {
  return (socket as Handled)._handle?.fd;
}

/** What all connections of the process are read into, one read after the other. */
const scratch = new Uint8Array(64 * 1024);

/** Other runtimes that have `node:net` have it in their own way. */
const isNode = !("Deno" in globalThis || "Bun" in globalThis);

/**
 * A connection that is read without Node's stream, which takes 64 KB of memory for each read: a message takes an eighth
 * less processor time. Node can do so where it connects, by `onread`; one that a server has taken is made anew around
 * its handle, by options that Node uses itself and does not document. Where these are not to be had, the stream is read.
 */
function directly(socket: NetSocket): NetSocket {
  const { _handle: handle, _server } = socket as Handled;
  if (!isNode || !handle) return socket;
  Object.assign(socket, { _handle: null, _server: null });
  const callback = (size: number): boolean => {
    direct.emit("data", scratch.subarray(0, size));
    return true;
  };
  const options = { handle, allowHalfOpen: true, manualStart: true, onread: { buffer: scratch, callback } };
  const direct = Object.assign(new NetSocket(options as SocketConstructorOpts), { _server });
  return direct;
}

/** Waits for the event that says that it worked, or for the error. */
export function opened(emitter: Server | NetSocket, event: string, begin: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    emitter.once("error", reject);
    emitter.once(event, () => {
      emitter.off("error", reject);
      resolve();
    });
    begin();
  });
}

/** Where a server listens: the real port where 0 was asked for. */
export function boundAddress(server: Server, asked: Address): Address {
  const bound = server.address();
  return typeof bound === "object" && bound !== null && "host" in asked
    ? { host: asked.host, port: bound.port }
    : asked;
}

/** A connection of `node:net`; `address` is that of the listener or that was connected to. */
export class NodeSocket implements Socket {
  readonly #socket: NetSocket;
  readonly #address: Address;
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #events: SocketEvents | undefined;

  constructor(socket: NetSocket, address: Address) {
    this.#socket = socket;
    this.#address = address;
  }

  /** Asked of the system only when it is wanted. */
  get peer(): string {
    return peerName(this.#address, this.#socket.remoteAddress, this.#socket.remotePort);
  }

  get host(): string | undefined {
    return this.#socket.remoteAddress;
  }

  start(events: SocketEvents): void {
    let failure: unknown;
    this.#events = events;
    this.#socket
      .on("data", (chunk: Uint8Array) => this.#receive(chunk))
      .on("end", () => this.#events?.end())
      .on("drain", () => this.#events?.drain())
      .on("error", (error) => failure = error)
      .on("close", () => this.#finish(failure))
      .resume();
  }

  /**
   * The connection is gone. Node 24 keeps a socket that has closed until its next full collection, so the socket must
   * not keep what was done with it: without this the collector took a third of the time.
   */
  #finish(failure: unknown): void {
    const events = this.#events;
    this.#events = undefined;
    events?.closed(failure);
  }

  #receive(chunk: Uint8Array): void {
    this.#events?.data(chunk, false);
    if (chunk.length >= LARGE) this.work();
    else workAtEndOfTurn(this);
  }

  work(): void {
    this.#events?.endOfTurn?.();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#waiting.length === 0) flushAtEndOfTurn(this);
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    return this.#waitingBytes < WRITE_HIGH_WATER && !this.#socket.writableNeedDrain;
  }

  /** Hands over what waits. */
  flush(): void {
    const full = this.#waitingBytes >= WRITE_HIGH_WATER;
    let room = true;
    for (const bytes of this.#waiting) room = this.#socket.write(bytes);
    // To set an array's length is slow, and a new one for each write is garbage.
    while (this.#waiting.length > 0) this.#waiting.pop();
    this.#waitingBytes = 0;
    if (full && room) this.#events?.drain();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.flush();
    this.#socket.end();
  }

  close(): void {
    this.flush();
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
