/** Stands between an MTA and its filter, and hears what each says. */

import { chmodSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { type Address, type Filter, parseAddress, serve } from "../../mod.ts";
import {
  type Command,
  decodeCommand,
  decodeReply,
  encodeCommand,
  Framer,
  type Offer,
  type Reply,
} from "../../src/protocol/mod.ts";
import type { ServeMtaOptions } from "./on_each_mta.ts";

/** What one of the two has said. */
export type Said =
  | { readonly by: "mta"; readonly command: Command }
  | { readonly by: "filter"; readonly reply: Reply };

/** How a {@linkcode Wiretap} meddles: by default not at all. */
export interface WiretapOptions {
  /** Makes another offer of the MTA's. */
  readonly offer?: (offer: Offer) => Offer;
}

/** The longest packet of these tests. */
const MAX_PACKET = 1 << 20;

/** A served filter with somebody on the line. */
export interface TappedServer extends AsyncDisposable {
  readonly tap: Wiretap;
}

/** Serves a filter where the options say, and hears what is said. */
export async function serveTapped(
  filter: Filter,
  options: ServeMtaOptions,
  meddling?: WiretapOptions,
): Promise<TappedServer> {
  const server = await serve(filter, { ...options, listen: { host: "127.0.0.1", port: 0 } });
  const tap = await Wiretap.between(parseAddress(options.listen), server.address, meddling);
  return {
    tap,
    async [Symbol.asyncDispose]() {
      await tap[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Takes the MTA's connections at one address and passes them on to another. */
export class Wiretap implements AsyncDisposable {
  #said: Said[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(to: Address, { offer }: WiretapOptions) {
    this.#server = createServer((mta) => {
      const filter = this.#keep(connect(to));
      this.#pass(this.#keep(mta), filter, offer && ((chunk) => altered(chunk, offer)), (packet) => {
        this.#said.push({ by: "mta", command: decodeCommand(packet) });
      });
      this.#pass(filter, mta, undefined, (packet) => {
        this.#said.push({ by: "filter", reply: decodeReply(packet) });
      });
    });
  }

  /** Listens where the MTA calls; the filter listens elsewhere. */
  static async between(mta: Address, filter: Address, options: WiretapOptions = {}): Promise<Wiretap> {
    const tap = new Wiretap(filter, options);
    await new Promise<void>((ready) => tap.#server.listen(mta, ready));
    if ("path" in mta) chmodSync(mta.path, 0o666);
    return tap;
  }

  /** What was said since the last time that it was asked for. */
  take(): Said[] {
    const said = this.#said;
    this.#said = [];
    return said;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((closed) => this.#server.close(closed));
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket);
    return socket.setNoDelay().on("close", () => this.#sockets.delete(socket)).on("error", () => {});
  }

  #pass(
    from: Socket,
    to: Socket,
    first: ((chunk: Uint8Array) => Uint8Array) | undefined,
    hear: (packet: Uint8Array) => void,
  ): void {
    const framer = new Framer(MAX_PACKET);
    from.on("data", (chunk) => {
      to.write(first === undefined ? chunk : first(chunk));
      first = undefined;
      framer.push(new Uint8Array(chunk));
      for (let packet = framer.next(); packet !== undefined; packet = framer.next()) hear(packet);
    }).on("end", () => to.end());
  }
}

/** An offer is one small write, which comes in one piece. */
function altered(chunk: Uint8Array, alter: (offer: Offer) => Offer): Uint8Array {
  return encodeCommand(alter(decodeCommand(new Uint8Array(chunk).subarray(4)) as Offer));
}
