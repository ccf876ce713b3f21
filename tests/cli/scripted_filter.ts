/** A filter that says what a test has it say, byte for byte: what no served filter would. */

import { createServer, type Server, type Socket } from "node:net";
import { Framer } from "../../src/protocol/mod.ts";
import type { Address } from "../../mod.ts";

/** Answers one connection. */
export interface Role {
  /** Says something to a packet; or closes, or reads no more. */
  packet(packet: Uint8Array): Uint8Array | "close" | "deaf" | undefined;
  /** Says something when the peer has closed its side. */
  end?(): Uint8Array | undefined;
}

export class ScriptedFilter implements AsyncDisposable {
  readonly address: Address;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>, port: number) {
    this.#server = server;
    this.#sockets = sockets;
    this.address = { host: "127.0.0.1", port };
  }

  /** The address for an option. */
  get option(): string {
    return "port" in this.address ? `inet:${this.address.port}@127.0.0.1` : "";
  }

  /** Listens; each connection gets a role of its own, by its number from 0. */
  static async listen(role: (connection: number) => Role): Promise<ScriptedFilter> {
    const sockets = new Set<Socket>();
    let connections = 0;
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const { packet: answer, end } = role(connections++);
      sockets.add(socket.setNoDelay());
      socket.on("close", () => sockets.delete(socket)).on("error", () => {});
      const framer = new Framer(1 << 24);
      socket.on("end", () => {
        const last = end?.();
        if (last !== undefined) socket.write(last);
        socket.end();
      });
      socket.on("data", (chunk) => {
        framer.push(new Uint8Array(chunk));
        for (let packet = framer.next(); packet !== undefined; packet = framer.next()) {
          const said = answer(packet);
          if (said === "close") return void socket.end();
          if (said === "deaf") return void socket.pause();
          if (said !== undefined) socket.write(said);
        }
      });
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    const bound = server.address();
    return new ScriptedFilter(server, sockets, typeof bound === "object" && bound !== null ? bound.port : 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((closed) => this.#server.close(closed));
  }
}
