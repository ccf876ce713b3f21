import { chmod, chown, lstat, readFile, rm, stat } from "node:fs/promises";
import { connect } from "node:net";
import { dirname } from "node:path";
import { platform } from "node:process";
import { MilterError } from "../errors.ts";
import { formatAddress, type UnixAddress } from "./address.ts";
import type { Listener } from "./socket.ts";

/** The most bytes of a socket's path. Node 20 cuts a longer one off, and listens there. */
const MAX_PATH = platform === "darwin" ? 103 : 107;

/**
 * Makes room for a Unix socket: removes the file that a server which ended badly left behind.
 *
 * Only a socket that nobody answers is removed.
 *
 * @throws {MilterError} `LISTEN` if somebody answers, the file is no socket, or its path is too long.
 */
export async function clearPath(address: UnixAddress): Promise<void> {
  const refuse = (why: string) => {
    throw new MilterError("LISTEN", `Cannot listen on ${formatAddress(address)}: ${why}`);
  };
  const size = new TextEncoder().encode(address.path).length;
  if (size > MAX_PATH) refuse(`the path of ${size} bytes is over the limit of ${MAX_PATH}`);
  await stat(dirname(address.path)); // Node says EACCES where there is no directory.
  const found = await lstat(address.path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) refuse("there is a file that is no socket");
  if (await answers(address.path)) refuse("the address is in use");
  await rm(address.path, { force: true });
}

/**
 * Gives a socket file the permissions, the owner and the group that its address asks for. A listener that cannot have
 * them is closed.
 *
 * @throws {MilterError} `LISTEN` if the name of an owner or a group is not known.
 */
export async function secure(listener: Listener): Promise<Listener> {
  const { address } = listener;
  if (!("path" in address)) return listener;
  const { path, mode, owner, group } = address;
  try {
    if (mode !== undefined) await chmod(path, mode);
    if (owner !== undefined || group !== undefined) {
      const { uid, gid } = await stat(path);
      await chown(path, await idOf(address, "owner") ?? uid, await idOf(address, "group") ?? gid);
    }
    return listener;
  } catch (error) {
    await listener.close();
    throw error;
  }
}

/** The files that tell the number of a name. */
const ACCOUNTS = { owner: "/etc/passwd", group: "/etc/group" } as const;

/** The number of the user, or the group, that an address names; `undefined` if it names none. */
async function idOf(address: UnixAddress, what: keyof typeof ACCOUNTS): Promise<number | undefined> {
  const account = address[what];
  if (typeof account !== "string") return account;
  const lines = (await readFile(ACCOUNTS[what], "utf8")).split("\n");
  const line = lines.find((line) => line.startsWith(`${account}:`));
  if (line !== undefined) return Number(line.split(":")[2]);
  throw new MilterError(
    "LISTEN",
    `Cannot listen on ${formatAddress(address)}: ${ACCOUNTS[what]} has no ${account}`,
  );
}

/** Removes the socket file of a server that has closed, where its runtime has not. */
export async function removePath({ path }: UnixAddress): Promise<void> {
  await rm(path, { force: true });
}

/** Whether a server is behind the socket file: one that refuses the probe for want of permission may be. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once(
      "error",
      (error: Error & { code?: string }) => resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"),
    );
  });
}
