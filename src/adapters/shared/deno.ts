import { readdirSync, statSync } from "node:fs";
import type { Address } from "../address.ts";
import { BACKLOG } from "../socket.ts";
import { removePath } from "../unix_socket.ts";
import { fromCLibrary } from "./c_library.ts";
import { keepingFile, type Opened } from "./opened.ts";

/** What is used of Deno's API. */
interface DenoApi {
  listen(
    options: ({ transport: "tcp"; hostname: string; port: number } | { transport: "unix"; path: string }) & {
      tcpBacklog: number;
    },
  ): {
    readonly addr: { readonly port?: number };
    close(): void;
  };
  dlopen(
    library: string,
    functions: Readonly<Record<keyof CFunctions, CFunctionRow>>,
  ): { readonly symbols: CFunctions; close(): void };
}

declare const Deno: DenoApi;

/** What is taken, and returned. */
interface CFunctionRow {
  readonly parameters: ["i32"];
  readonly result: "i32";
}

/** What is called of the C library. */
interface CFunctions {
  dup(fd: number): number;
  close(fd: number): number;
}

/** Calls a function of the C library. */
function callFromDeno(name: keyof CFunctions, fd: number): number {
  const row: CFunctionRow = { parameters: ["i32"], result: "i32" };
  return fromCLibrary((library) => {
    const functions = Deno.dlopen(library, { dup: row, close: row });
    const result = functions.symbols[name](fd);
    functions.close();
    return result;
  });
}

/** A copy of a descriptor, which every process has that is started while it is open. */
export function copyByDeno(descriptor: number): Omit<Opened, "port"> {
  const fd = callFromDeno("dup", descriptor);
  return { fd, close: () => void callFromDeno("close", fd) };
}

/** How often it is tried to learn which descriptor is the new one. */
const ATTEMPTS = 10;

/** Deno takes connections only when it is asked to. It does not tell the descriptor: it is the one that is new. */
export async function openByDeno(address: Address): Promise<Opened> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = new Set(socketsOfProcess());
    const listener = Deno.listen(
      "path" in address
        ? { transport: "unix", path: address.path, tcpBacklog: BACKLOG }
        : { transport: "tcp", hostname: address.host, port: address.port, tcpBacklog: BACKLOG },
    );
    const added = socketsOfProcess().filter((fd) => !before.has(fd));
    const port = listener.addr.port ?? 0;
    if (added.length === 1) {
      const copy = copyByDeno(added[0]!);
      keepingFile(address, () => listener.close());
      return { ...copy, port };
    }
    // Something else has opened a socket in this very moment, a look-up of a name perhaps.
    listener.close();
    if ("path" in address) await removePath(address);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("the descriptor of its socket is not known");
}

/** The descriptors of all sockets that this process has. */
function socketsOfProcess(): number[] {
  return readdirSync("/dev/fd").filter((fd) =>
    statSync(`/dev/fd/${fd}`, { throwIfNoEntry: false })?.isSocket()
  )
    .map(Number);
}
