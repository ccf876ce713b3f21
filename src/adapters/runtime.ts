import type { Adapter } from "./socket.ts";

/** The sockets of this runtime; only its own adapter is loaded. */
export async function runtimeAdapter(): Promise<Adapter> {
  if ("Deno" in globalThis) return (await import("./deno.ts")).denoAdapter;
  if ("Bun" in globalThis) return (await import("./bun.ts")).bunAdapter;
  return (await import("./node.ts")).nodeAdapter;
}
