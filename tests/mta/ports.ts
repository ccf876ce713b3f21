/** Addresses of loopback: finding one that is free, and seeing when it no longer is. */

import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout } from "node:timers/promises";
import type { Endpoint } from "./smtp_client.ts";

/**
 * An address of loopback that nobody listens on at the moment, nor is given by the system to somebody before we
 * do: Linux hands out ports from 32768 on.
 */
export async function freeEndpoint(): Promise<Endpoint> {
  for (;;) {
    const endpoint = { host: "127.0.0.1", port: 10_000 + Math.floor(Math.random() * 20_000) };
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false)).listen(endpoint.port, endpoint.host, () => resolve(true));
    });
    if (!free) continue;
    await new Promise((closed) => server.close(closed));
    return endpoint;
  }
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
