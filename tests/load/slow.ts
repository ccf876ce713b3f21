import type { Address } from "../../mod.ts";
import type { Socket } from "../../src/adapters/socket.ts";
import { runtimeAdapter } from "../../src/adapters/runtime.ts";
import { delay } from "../harness/files.ts";

export interface DribbleOptions {
  readonly connections: number;
  /** How long a peer waits after each byte, in milliseconds. */
  readonly every: number;
  /** Whether a peer that was cut off comes again. */
  readonly again?: boolean;
}

/** Peers that never come to an end, until this is disposed of. */
export interface Dribble extends AsyncDisposable {
  /** How many are connected. */
  readonly open: number;
  /** How many times one was cut off, and how long the longest had lasted, in milliseconds. */
  readonly cut: number;
  readonly longest: number;
}

/** The beginning of the largest packet that is taken. */
const PACKET: readonly number[] = [0, 0x0f, 0, 0, 0x4f];

/** Connects so many peers that announce a long packet, and send a byte of it now and then, not all at the same time. */
export async function dribble(
  address: Address,
  { connections, every, again }: DribbleOptions,
): Promise<Dribble> {
  const adapter = await runtimeAdapter();
  const sockets = new Set<Socket>();
  let [cut, longest, over] = [0, 0, false];
  let wake = () => {};
  /** Those that come again, and are not there yet. */
  let returning: Promise<unknown> = Promise.resolve();
  const join = async () => {
    if (over) return;
    const socket = await adapter.connect(address);
    if (over) return socket.destroy();
    sockets.add(socket);
    const began = performance.now();
    let sent = 0;
    const say = () => {
      socket.write(Uint8Array.of(PACKET[sent++] ?? 0));
      timer = setTimeout(say, every);
    };
    let timer = setTimeout(say, every * Math.random());
    socket.start({
      data: () => {},
      end: () => socket.close(),
      drain: () => {},
      closed() {
        clearTimeout(timer);
        sockets.delete(socket);
        wake();
        if (over) return;
        cut++;
        longest = Math.max(longest, performance.now() - began);
        if (again) returning = Promise.all([returning, delay(every * Math.random()).then(join)]);
      },
    });
  };
  // By and by: no system lets as many wait at its door as one likes.
  for (let at = 0; at < connections; at += 50) await Promise.all(Array.from({ length: 50 }, join));
  return {
    get open() {
      return sockets.size;
    },
    get cut() {
      return cut;
    },
    get longest() {
      return longest;
    },
    async [Symbol.asyncDispose]() {
      over = true;
      await returning;
      for (const socket of sockets) socket.destroy();
      while (sockets.size > 0) await new Promise<void>((resolve) => wake = resolve);
    },
  };
}
