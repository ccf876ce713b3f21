/** Addresses of loopback: finding one that is free, and seeing when it no longer is. */

import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { setTimeout } from "node:timers/promises";
import type { Endpoint } from "./smtp_client.ts";

/** An address of loopback that is nobody else's until it is given back. */
export interface ReservedEndpoint {
  readonly endpoint: Endpoint;
  release(): Promise<void>;
}

/**
 * Reserves an address that nobody listens on, nor is given by the system to somebody before we do: Linux hands out
 * ports from 32768 on. Tests run side by side, also in processes of their own: each keeps the same port of another
 * address of loopback to itself as long as it needs this one, so that no two take the same.
 */
export async function reserveEndpoint(): Promise<ReservedEndpoint> {
  for (;;) {
    const endpoint = { host: "127.0.0.1", port: 10_000 + Math.floor(Math.random() * 20_000) };
    const sign = await listenOn({ ...endpoint, host: RESERVED });
    if (sign === undefined) continue;
    const probe = await listenOn(endpoint);
    if (probe === undefined) {
      await close(sign);
      continue;
    }
    await close(probe);
    return { endpoint, release: () => close(sign) };
  }
}

/** The address of loopback on which a port says that it is reserved. */
const RESERVED = "127.0.0.77";

/** Listens; `undefined` where somebody does already. */
function listenOn(endpoint: Endpoint): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(undefined)).listen(
      { ...endpoint, exclusive: true },
      () => resolve(server),
    );
  });
}

function close(server: Server): Promise<void> {
  return new Promise((closed) => server.close(() => closed()));
}

/** Waits until a process listens there. Connecting to find out would bother the MTA and its filter. */
export async function listening(
  { port }: Endpoint,
  process: { readonly exitCode: number | null },
  timeout = 10_000,
): Promise<void> {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A`;
  for (const deadline = Date.now() + timeout; !readFileSync("/proc/net/tcp", "latin1").includes(local);) {
    if (process.exitCode !== null) throw new Error(`exit code ${process.exitCode}`);
    if (Date.now() > deadline) throw new Error(`nothing listens on port ${port} after ${timeout} ms`);
    await setTimeout(5);
  }
}
