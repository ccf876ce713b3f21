import { connect, createServer, type Server, type Socket as NodeSocketHandle } from "node:net";
import type { Address } from "./address.ts";
import { type Adapter, type Listener, peerName, type Socket, type SocketEvents } from "./socket.ts";
import { clearPath, removePath, setMode } from "./unix_socket.ts";

/** `node:net`. */
export const nodeAdapter: Adapter = {
  async listen(address, onSocket): Promise<Listener> {
    if ("path" in address) await clearPath(address);
    const server = createServer(
      { allowHalfOpen: true, noDelay: true },
      (socket) => onSocket(new NodeSocket(socket, address)),
    );
    await opened(
      server,
      "listening",
      () => server.listen("path" in address ? { path: address.path } : { ...address }),
    );
    if ("path" in address) await setMode(address);
    return {
      address: boundAddress(server, address),
      async close() {
        // The server counts its connections; it is done for us when it takes no more.
        server.close();
        if ("path" in address) await removePath(address);
      },
    };
  },

  async connect(address): Promise<Socket> {
    const socket = connect({ ...address, allowHalfOpen: true, noDelay: true });
    await opened(socket, "connect", () => {});
    return new NodeSocket(socket, address);
  },
};

/** Waits for the event that says that it worked, or for the error. */
function opened(emitter: Server | NodeSocketHandle, event: string, begin: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    emitter.once("error", reject);
    emitter.once(event, () => {
      emitter.off("error", reject);
      resolve();
    });
    begin();
  });
}

function boundAddress(server: Server, asked: Address): Address {
  const bound = server.address();
  return typeof bound === "object" && bound !== null && "host" in asked
    ? { host: asked.host, port: bound.port }
    : asked;
}

class NodeSocket implements Socket {
  readonly peer: string;
  readonly #socket: NodeSocketHandle;

  constructor(socket: NodeSocketHandle, address: Address) {
    this.#socket = socket;
    this.peer = peerName(address, socket.remoteAddress, socket.remotePort);
  }

  start(events: SocketEvents): void {
    let failure: unknown;
    this.#socket
      .on("data", (chunk: Uint8Array) => events.data(chunk))
      .on("end", () => events.end())
      .on("drain", () => events.drain())
      .on("error", (error) => failure = error)
      .on("close", () => events.closed(failure));
  }

  write(bytes: Uint8Array): boolean {
    return this.#socket.write(bytes);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
