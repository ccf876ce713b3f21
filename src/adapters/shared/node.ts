import * as net from "node:net";
import { getSystemErrorName } from "node:util";
import type { Address, TcpAddress } from "../address.ts";
import { opened } from "../node.ts";
import type { Opened } from "./opened.ts";

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
export async function openByNode(address: Address): Promise<Opened> {
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
