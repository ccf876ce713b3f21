import type { StreamPair } from "../adapters/stream.ts";

/** Both ends of a connection in memory. */
export function memoryPair(): [StreamPair, StreamPair] {
  const up = new TransformStream<Uint8Array, Uint8Array>();
  const down = new TransformStream<Uint8Array, Uint8Array>();
  return [
    { readable: up.readable, writable: down.writable },
    { readable: down.readable, writable: up.writable },
  ];
}
