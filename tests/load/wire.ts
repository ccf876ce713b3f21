import type { Address } from "../../src/adapters/address.ts";
import { runtimeAdapter } from "../../src/adapters/runtime.ts";
import { concat } from "../../src/wire/concat.ts";
import type { Wire } from "../wires.ts";

/** A wire by the sockets of the library. What is written goes out when something is awaited, all at once, as MTAs do it. */
export async function bufferedWire(address: Address): Promise<Wire> {
  const socket = await (await runtimeAdapter()).connect(address);
  const arrived: Uint8Array[] = [];
  let written: Uint8Array[] = [];
  let ended = false;
  let wake = () => {};
  const end = () => {
    ended = true;
    wake();
  };
  const flush = () => {
    if (written.length > 0) socket.write(concat(written));
    written = [];
  };
  const closed = new Promise<void>((resolve) => {
    socket.start({
      data(chunk) {
        arrived.push(Uint8Array.from(chunk));
        wake();
      },
      end,
      drain: () => {}, // Each answer is waited for.
      closed() {
        end();
        resolve();
      },
    });
  });
  return {
    write: (bytes) => void written.push(bytes),
    async read() {
      flush();
      while (arrived.length === 0 && !ended) await new Promise<void>((resolve) => wake = resolve);
      return arrived.shift();
    },
    end() {
      flush();
      socket.end();
    },
    reset: () => socket.destroy(),
    close() {
      flush();
      socket.close();
      return closed;
    },
  };
}
