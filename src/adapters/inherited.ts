import { readFile, readlink } from "node:fs/promises";
import type { Server } from "node:net";
import type { MilterError } from "../errors.ts";
import type { Address, InheritedSocket } from "./address.ts";
import { NodeSocket, opened, serverOf } from "./node.ts";
import { BACKLOG, type Listener, type Socket } from "./socket.ts";

/**
 * Listens on a socket that listens already, by `node:net` on every runtime: Bun and Deno have no way of their own.
 * What listens stays with whoever opened it, the file of a Unix socket as well. Fails with the runtime's own error.
 */
export async function listenInherited(
  { fd }: InheritedSocket,
  onSocket: (socket: Socket) => void,
  onFailure: (error: MilterError) => void = () => {},
): Promise<Listener> {
  let address: Address = { path: await unixPath(fd) };
  const server = serverOf((socket) => onSocket(new NodeSocket(socket, address)), onFailure);
  server.once("listening", () => address = tcpAddress(server) ?? address);
  await opened(server, "listening", () => server.listen({ fd, backlog: BACKLOG }));
  return {
    address,
    close() {
      // The server counts its connections; it is done for us when it takes no more.
      server.close();
      return Promise.resolve();
    },
  };
}

function tcpAddress(server: Server): Address | undefined {
  const bound = server.address();
  if (typeof bound !== "object" || bound === null || !("port" in bound)) return undefined;
  return { host: bound.address, port: bound.port };
}

/**
 * The path of a Unix socket, which no runtime tells of one that it has not made, and Linux tells in a file; elsewhere
 * the path of its descriptor has to do.
 */
async function unixPath(fd: number): Promise<string> {
  try {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(await readlink(`/proc/self/fd/${fd}`)) ?? [];
    // Columns: address, references, protocol, flags, type, state, inode, path.
    const rows = (await readFile("/proc/net/unix", "utf8")).split("\n").map((line) => line.split(" "));
    const row = rows.find((row) => row.filter((cell) => cell !== "")[6] === inode);
    const path = row?.slice(row.indexOf(inode!) + 1).join(" ");
    if (path) return path;
  } catch {
    // There is no such file, or no permission to read it.
  }
  return `/dev/fd/${fd}`;
}
