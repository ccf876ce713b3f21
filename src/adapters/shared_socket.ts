import type { Address, InheritedSocket } from "./address.ts";
import type { Opened } from "./shared/opened.ts";
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

/**
 * Opens a socket for others, and takes no connection from it.
 *
 * @throws {MilterError} `LISTEN` if the address is in use or not permitted.
 */
export async function openShared(asked: Address | InheritedSocket): Promise<SharedSocket> {
  if ("fd" in asked) return await passed(asked);
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
async function passed({ fd }: InheritedSocket): Promise<SharedSocket> {
  const copy = onDeno ? (await import("./shared/deno.ts")).copyByDeno(fd) : { fd, close() {} };
  return {
    fd: copy.fd,
    everywhere: onDeno,
    address: undefined,
    close: () => Promise.resolve(copy.close()),
  };
}

/** By this runtime's own means: none of them says how a socket is opened whose connections are left to others. */
async function openHere(address: Address): Promise<Opened> {
  if (onDeno) return (await import("./shared/deno.ts")).openByDeno(address);
  if ("Bun" in globalThis) return (await import("./shared/bun.ts")).openByBun(address);
  return (await import("./shared/node.ts")).openByNode(address);
}
