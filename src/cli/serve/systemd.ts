import { spawn } from "node:child_process";
import type { InheritedSocket } from "../../adapters/address.ts";

/** The variables of a process's environment. */
export type Environment = Record<string, string | undefined>;

/** The first descriptor that systemd passes. `SD_LISTEN_FDS_START` */
const FIRST = 3;

/**
 * The sockets that systemd has opened for this process: none if it was started by other means, or they were for
 * another. They are taken out of the environment, so that what a filter starts does not think them its own.
 *
 * The rule is that of sd_listen_fds(3).
 */
export function takeSockets(env: Environment, pid: number): InheritedSocket[] {
  const { LISTEN_PID, LISTEN_FDS } = env;
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete env[name];
  if (Number(LISTEN_PID) !== pid || !/^\d{1,4}$/.test(LISTEN_FDS ?? "")) return [];
  return Array.from({ length: Number(LISTEN_FDS) }, (_, index) => ({ fd: FIRST + index }));
}

/** What systemd is told of a service. See sd_notify(3) */
export type ServiceState = "READY=1" | "RELOADING=1" | "STOPPING=1";

/**
 * Tells systemd how the service fares, where it wants to know (`Type=notify`).
 *
 * No runtime can write to a Unix socket of datagrams, so that systemd's own `systemd-notify` does it; the unit must
 * allow that by `NotifyAccess=all`.
 *
 * @throws {Error} if that fails.
 */
export async function notify(env: Environment, state: ServiceState): Promise<void> {
  if (env["NOTIFY_SOCKET"] === undefined) return;
  const child = spawn("systemd-notify", [state], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Uint8Array) => said += new TextDecoder().decode(chunk));
  const why = await new Promise<string | undefined>((resolve) => {
    child.once("error", (error: Error & { code?: string }) => {
      resolve(error.code === "ENOENT" ? "there is no systemd-notify" : error.message);
    });
    child.once("close", (code) => resolve(code === 0 ? undefined : said.trim() || `it ended with ${code}`));
  });
  if (why !== undefined) throw new Error(`Cannot tell systemd ${state}: ${why}`);
}
