import { closeSync, readdirSync, renameSync, statSync } from "node:fs";
import * as net from "node:net";
import process from "node:process";
import { getSystemErrorName } from "node:util";
import type { Address, InheritedSocket, TcpAddress } from "./address.ts";
import { opened } from "./node.ts";
import { addressError } from "./socket.ts";
import { clearPath, removePath, secure } from "./unix_socket.ts";

/**
 * A socket that this process has opened for others, which listen on it by its descriptor. While this process has it,
 * connections wait in it, whatever becomes of those who take them.
 */
export interface SharedSocket {
  readonly fd: number;
  /** Whether processes that this one starts have it without being given it, by the same number. */
  readonly everywhere: boolean;
  /** Where it is: the real port where 0 was asked for; not known of one that was passed to this process itself. */
  readonly address: Address | undefined;
  /** Lets go of it; what was passed to this process stays with whoever opened it. */
  close(): Promise<void>;
}

/** What a runtime has opened. */
interface Opened {
  readonly fd: number;
  readonly port: number;
  close(): void;
}

/**
 * Opens a socket for others, and takes no connection from it.
 *
 * @throws {MilterError} `LISTEN` if the address is in use or not permitted.
 */
export async function openShared(asked: Address | InheritedSocket): Promise<SharedSocket> {
  if ("fd" in asked) return passed(asked);
  try {
    if ("path" in asked) await clearPath(asked);
    const { fd, port, close } = await openHere(asked);
    const address = "path" in asked ? asked : { host: asked.host, port };
    const shared = {
      fd,
      everywhere: onDeno,
      address,
      async close() {
        close();
        if ("path" in asked) await removePath(asked);
      },
    };
    await secure(shared);
    return shared;
  } catch (error) {
    throw addressError("listen on", asked, error);
  }
}

/**
 * On Deno, whoever is given a descriptor at its start makes the socket one that blocks, for all who have it: a worker
 * that finds a connection taken by another would wait for the next, and do nothing else. So it is a copy that nobody
 * is given, because everybody has it.
 */
const onDeno: boolean = "Deno" in globalThis;

/** A socket that was passed to this process. */
function passed({ fd }: InheritedSocket): SharedSocket {
  const copy = onDeno ? callFromDeno("dup", fd) : fd;
  return {
    fd: copy,
    everywhere: onDeno,
    address: undefined,
    close: () => Promise.resolve(onDeno ? void callFromDeno("close", copy) : undefined),
  };
}

/** By this runtime's own means: none of them says how a socket is opened whose connections are left to others. */
function openHere(address: Address): Opened | Promise<Opened> {
  if (onDeno) return openByDeno(address);
  return "Bun" in globalThis ? openByBun(address) : openByNode(address);
}

/** What `node:cluster` opens its sockets by. It has no documentation, and is there since Node 0.6. */
interface NodeInternals {
  readonly _createServerHandle?: (
    address: string,
    port: number,
    type: 4 | 6 | -1,
  ) => NodeHandle | number;
}

interface NodeHandle {
  readonly fd: number;
  close(): void;
}

/** Node binds a socket, and leaves it to the first who listens to make it one that listens. */
async function openByNode(address: Address): Promise<Opened> {
  const { _createServerHandle: create } = net as NodeInternals;
  if (create === undefined) throw new Error("this version of Node cannot share sockets");
  const { host, port, type } = "path" in address
    ? { host: address.path, port: -1, type: -1 as const }
    : await resolved(address);
  const handle = create(host, port, type);
  if (typeof handle !== "number") return { fd: handle.fd, port, close: () => handle.close() };
  throw Object.assign(new Error(getSystemErrorName(handle)), { code: getSystemErrorName(handle) });
}

/** An address of TCP by numbers. Two may bind it at once; that nobody listens there only a listener finds out. */
async function resolved(
  { host, port }: TcpAddress,
): Promise<{ readonly host: string; readonly port: number; readonly type: 4 | 6 }> {
  const server = net.createServer();
  await opened(server, "listening", () => server.listen({ host, port }));
  const bound = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return { host: bound.address, port: bound.port, type: bound.family === "IPv6" ? 6 : 4 };
}

/** What is used of Deno's API. */
interface DenoApi {
  listen(
    options: { transport: "tcp"; hostname: string; port: number } | { transport: "unix"; path: string },
  ): {
    readonly addr: { readonly port?: number };
    close(): void;
  };
  dlopen(
    library: string,
    functions: Readonly<Record<keyof CFunctions, CFunctionRow>>,
  ): { readonly symbols: CFunctions; close(): void };
}

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
  const { Deno } = globalThis as unknown as { readonly Deno: DenoApi };
  const row: CFunctionRow = { parameters: ["i32"], result: "i32" };
  return fromCLibrary((library) => {
    const functions = Deno.dlopen(library, { dup: row, close: row });
    const result = functions.symbols[name](fd);
    functions.close();
    return result;
  });
}

/** How often it is tried to learn which descriptor is the new one. */
const ATTEMPTS = 10;

/** Deno takes connections only when it is asked to. It does not tell the descriptor: it is the one that is new. */
async function openByDeno(address: Address): Promise<Opened> {
  const { Deno } = globalThis as unknown as { readonly Deno: DenoApi };
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = new Set(socketsOfProcess());
    const listener = Deno.listen(
      "path" in address
        ? { transport: "unix", path: address.path }
        : { transport: "tcp", hostname: address.host, port: address.port },
    );
    const added = socketsOfProcess().filter((fd) => !before.has(fd));
    const port = listener.addr.port ?? 0;
    if (added.length === 1) {
      const fd = callFromDeno("dup", added[0]!);
      keepingFile(address, () => listener.close());
      return { fd, port, close: () => void callFromDeno("close", fd) };
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

/** What the C library is called: by GNU, by musl, on macOS, on FreeBSD. */
const C_LIBRARIES: readonly string[] = [
  "libc.so.6",
  "libc.so",
  "libc.musl-x86_64.so.1",
  "libc.musl-aarch64.so.1",
  "libSystem.B.dylib",
  "libc.so.7",
];

/** Bun takes connections from the next turn on: before that it is stopped, and a copy of the descriptor stays. */
function openByBun(address: Address): Opened {
  const { Bun } = globalThis as unknown as { readonly Bun: BunApi };
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

/** Closes a listener of which a copy stays: the file of a Unix socket would go with it. */
function keepingFile(address: Address, close: () => void): void {
  if (!("path" in address)) return close();
  const away = `${address.path}.${process.pid}`;
  renameSync(address.path, away);
  close();
  renameSync(away, address.path);
}

function copyOf(fd: number, { FFI }: BunApi): number {
  return fromCLibrary((library) =>
    FFI.dlopen(library, { dup: { args: ["i32"], returns: "i32" } }).symbols.dup(fd)
  );
}

/** What is had from the C library, by whichever name it goes here. */
function fromCLibrary<Value>(have: (library: string) => Value): Value {
  let failure: unknown;
  for (const library of C_LIBRARIES) {
    try {
      return have(library);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}
