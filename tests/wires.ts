/** Connections as tests hold them: in memory, or over a socket that none of our adapters has made. */

import { connect } from "node:net";
import type { Address, StreamPair } from "../mod.ts";

/** A test's end of a connection. */
export interface Wire {
  write(bytes: Uint8Array): void;
  /** The next bytes; `undefined` when the peer has closed its side, or the connection is gone. */
  read(): Promise<Uint8Array | undefined>;
  /** Closes this side only: the peer can still write. */
  end(): void;
  /** Cuts the connection as a crash does. */
  reset(): void;
  /** Closes both sides. */
  close(): Promise<void>;
}

/** Both ends of a connection in memory. */
export function memoryPair(): [StreamPair, StreamPair] {
  const up = new TransformStream<Uint8Array, Uint8Array>();
  const down = new TransformStream<Uint8Array, Uint8Array>();
  return [
    { readable: up.readable, writable: down.writable },
    { readable: down.readable, writable: up.writable },
  ];
}

/** A wire over Web Streams. */
export function streamWire({ readable, writable }: StreamPair): Wire {
  const reader = readable.getReader();
  const writer = writable.getWriter();
  const ignore = () => {}; // That the peer has gone shows when the test reads.
  writer.closed.catch(ignore);
  return {
    write: (bytes) => void writer.write(bytes).catch(ignore),
    read: () => reader.read().then(({ value }) => value, () => undefined),
    end: () => void writer.close().catch(ignore),
    reset() {
      writer.abort(new Error("reset")).catch(ignore);
      reader.cancel().catch(ignore);
    },
    async close() {
      await Promise.all([writer.close().catch(ignore), reader.cancel().catch(ignore)]);
    },
  };
}

/** A wire to a server, over a socket of `node:net`, which every runtime has. */
export async function socketWire(address: Address): Promise<Wire> {
  const socket = connect({ ...address, allowHalfOpen: true });
  const chunks: Uint8Array[] = [];
  let ended = false;
  let wake = () => {};
  const end = () => {
    ended = true;
    wake();
  };
  const closed = new Promise<void>((resolve) => socket.on("close", () => (end(), resolve())));
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  socket.on("error", () => {}).on("end", end).on("data", (chunk: Uint8Array) => {
    chunks.push(new Uint8Array(chunk)); // A Buffer equals no Uint8Array.
    wake();
  });
  return {
    write: (bytes) => void socket.write(bytes),
    async read() {
      while (chunks.length === 0 && !ended) await new Promise<void>((resolve) => wake = resolve);
      return chunks.shift();
    },
    end: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
    close() {
      socket.destroy();
      return closed;
    },
  };
}
