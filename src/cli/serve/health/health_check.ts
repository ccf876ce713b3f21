import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Address } from "../../../adapters/address.ts";
import { boundAddress, opened } from "../../../adapters/node.ts";
import { addressError, type Listener } from "../../../adapters/socket.ts";
import { clearPath, removePath, secure } from "../../../adapters/unix_socket.ts";
import { answerTo, type Checked } from "./answers.ts";

/** What is given to whoever asks: a probe needs a small part of it. */
const LIMITS = {
  /** How many connections are open at once; further ones are closed. */
  connections: 64,
  /** The most bytes of a request's head. */
  headBytes: 8 * 1024,
  /** How long a connection may be open, for request and answer, in milliseconds. */
  lifetime: 10_000,
} as const;

/** What may be other than it is. */
export interface HealthCheckOptions {
  /** How long a connection may be open, in milliseconds; 10,000 by default. */
  readonly lifetime?: number;
}

/** Tells by HTTP how a server fares, until it is disposed of. One connection is one request. */
export class HealthCheck implements AsyncDisposable {
  readonly #server: Server;
  readonly #listener: Listener;

  private constructor(server: Server, listener: Listener) {
    this.#server = server;
    this.#listener = listener;
  }

  /**
   * Listens.
   *
   * @throws {MilterError} `LISTEN` if the address is in use or not permitted.
   */
  static async open(
    address: Address,
    checked: Checked,
    { lifetime = LIMITS.lifetime }: HealthCheckOptions = {},
  ): Promise<HealthCheck> {
    const server = createServer(
      { maxHeaderSize: LIMITS.headBytes },
      (request, response) => void answer(request, response, checked),
    );
    server.maxConnections = LIMITS.connections;
    server.on("connection", (socket) => limitLife(socket, lifetime));
    try {
      return new HealthCheck(server, await listen(server, address));
    } catch (error) {
      throw addressError("listen on", address, error);
    }
  }

  /** Where it listens: the real port where 0 was asked for. */
  get address(): Address {
    return this.#listener.address;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener.close();
    this.#server.closeAllConnections();
  }
}

async function listen(server: Server, address: Address): Promise<Listener> {
  if ("path" in address) await clearPath(address);
  const where = "path" in address ? { path: address.path } : { ...address };
  await opened(server, "listening", () => server.listen(where));
  server.on("error", () => {
    // A connection failed in the making: no descriptor was free. The next may work.
  });
  return await secure({
    address: boundAddress(server, address),
    async close() {
      server.close();
      if ("path" in address) await removePath(address);
    },
  });
}

/** Cuts a peer who asks slowly, or takes the answer slowly. */
function limitLife(socket: Socket, lifetime: number): void {
  const timer = setTimeout(() => socket.destroy(), lifetime);
  socket.once("close", () => clearTimeout(timer));
}

async function answer(request: IncomingMessage, response: ServerResponse, checked: Checked): Promise<void> {
  const { method = "", url = "" } = request;
  const { status, headers, body } = await answerTo(method, url, checked);
  const bytes = new TextEncoder().encode(body);
  response.writeHead(status, {
    ...headers,
    "content-length": bytes.length,
    "cache-control": "no-store",
    connection: "close",
  });
  response.end(method === "HEAD" ? undefined : bytes);
}
