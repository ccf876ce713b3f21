import { closeSync } from "node:fs";
import type { Address } from "../address.ts";
import { fromCLibrary } from "./c_library.ts";
import { keepingFile, type Opened } from "./opened.ts";

/** What is used of Bun's API. */
interface BunApi {
  listen(
    options: ({ hostname: string; port: number } | { unix: string }) & { socket: { data(): void } },
  ): { readonly fd: number; readonly port: number; stop(): void };
  readonly FFI: {
    dlopen(
      library: string,
      functions: { dup: { args: ["i32"]; returns: "i32" } },
    ): { readonly symbols: { dup(fd: number): number } };
  };
}

declare const Bun: BunApi;

/** Bun takes connections from the next turn on: before that it is stopped, and a copy of the descriptor stays. */
export function openByBun(address: Address): Opened {
  const target = "path" in address ? { unix: address.path } : { hostname: address.host, port: address.port };
  const listener = Bun.listen({ ...target, socket: { data() {} } });
  const { port } = listener;
  try {
    const fd = copyOf(listener.fd, Bun);
    keepingFile(address, () => listener.stop());
    return { fd, port, close: () => closeSync(fd) };
  } catch (error) {
    listener.stop();
    throw error;
  }
}

function copyOf(fd: number, { FFI }: BunApi): number {
  return fromCLibrary((library) =>
    FFI.dlopen(library, { dup: { args: ["i32"], returns: "i32" } }).symbols.dup(fd)
  );
}
