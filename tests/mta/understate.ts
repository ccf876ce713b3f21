/** Stands between an MTA and its filter, and has the MTA offer less than it can. */

import { chmodSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import type { Address } from "../../mod.ts";

/** Where the protocol flags stand in the first packet: after its length, its letter, version and actions. */
const PROTOCOL_AT = 13;

/**
 * Takes the MTA's connections at one address and passes them on to another, without some of the protocol flags that the
 * MTA offers.
 */
export async function understate(from: Address, to: Address, flags: number): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
    return socket;
  };
  const server = createServer((mta) => {
    const filter = keep(connect(to));
    keep(mta).once("data", (offer) => {
      const view = new DataView(offer.buffer, offer.byteOffset, offer.byteLength);
      view.setUint32(PROTOCOL_AT, view.getUint32(PROTOCOL_AT) & ~flags);
      filter.write(offer);
      mta.pipe(filter);
    });
    filter.pipe(mta);
  });
  await new Promise<void>((ready) => server.listen(from, ready));
  if ("path" in from) chmodSync(from.path, 0o666);
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
