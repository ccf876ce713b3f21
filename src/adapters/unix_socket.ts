import { chmod, lstat, rm, stat } from "node:fs/promises";
import { connect } from "node:net";
import { dirname } from "node:path";
import { platform } from "node:process";
import { MilterError } from "../errors.ts";
import { formatAddress, type UnixAddress } from "./address.ts";

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

/** Gives the socket file the permissions that were asked for. */
export async function setMode({ path, mode }: UnixAddress): Promise<void> {
  if (mode !== undefined) await chmod(path, mode);
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
