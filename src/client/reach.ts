import { type Address, formatAddress, parseAddress } from "../adapters/address.ts";
import { runtimeAdapter } from "../adapters/runtime.ts";
import { addressError, type Socket } from "../adapters/socket.ts";
import { MilterError } from "../errors.ts";
import type { Callee } from "./milter.ts";

/** What reaching a milter depends on. */
export interface ReachOptions {
  /** How long it may take, in milliseconds. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A milter at an address, by the sockets of this runtime.
 *
 * @throws {TypeError} if the address is none.
 */
export function milterAt(where: string | Address, options: ReachOptions): Callee {
  const address = parseAddress(where);
  return { name: formatAddress(address), open: () => reach(address, options) };
}

/** Connects. @throws {MilterError} `CONNECTION` or `TIMEOUT`; or what the signal was aborted with. */
async function reach(address: Address, { timeout, signal }: ReachOptions): Promise<Socket> {
  signal?.throwIfAborted();
  const connecting = (await runtimeAdapter()).connect(address).catch((error) => {
    throw addressError("connect to", address, error);
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let onAbort = () => {};
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const name = formatAddress(address);
      reject(new MilterError("TIMEOUT", `Cannot connect to ${name}: no answer for ${timeout / 1000} s`));
    }, timeout);
    onAbort = () => reject(signal!.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([connecting, tooLate]);
  } catch (error) {
    connecting.then((socket) => {
      socket.start({ data() {}, end() {}, drain() {}, closed() {} });
      socket.destroy();
    }, () => {
      // It failed by itself, which is told already or no longer matters.
    });
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
