/**
 * A bare responder: the least that answers an MTA at all, by the sockets of the runtime that this is. It reads
 * a packet's length, looks at one byte, and answers "continue". The yardstick for what a filter costs. It listens on a free port, and
 * prints it.
 *
 *   deno run -A scripts/bench/bare.ts
 *
 * @module
 */

const AGREEMENT = Uint8Array.of(0, 0, 0, 13, 0x4f, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0);
const CONTINUE = Uint8Array.of(0, 0, 0, 1, 0x63);

/** Commands that are not answered: ABORT, macros, QUIT. */
const SILENT = new Set([0x41, 0x44, 0x51]);

/** One connection: gives the answer to each packet that is complete. */
function responder(write: (bytes: Uint8Array) => unknown): (chunk: Uint8Array) => void {
  let rest: Uint8Array = new Uint8Array(0);
  return (chunk) => {
    let bytes = chunk;
    if (rest.length > 0) {
      bytes = new Uint8Array(rest.length + chunk.length);
      bytes.set(rest);
      bytes.set(chunk, rest.length);
    }
    let at = 0;
    while (bytes.length - at > 4) {
      const length = bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
      if (bytes.length - at < 4 + length) break;
      const code = bytes[at + 4]!;
      if (code === 0x4f) write(AGREEMENT);
      else if (!SILENT.has(code)) write(CONTINUE);
      at += 4 + length;
    }
    rest = bytes.slice(at);
  };
}

interface Runtimes {
  readonly Deno?: typeof Deno;
  readonly Bun?: {
    listen(options: object): { readonly port: number };
  };
}

interface BunConnection {
  data: (chunk: Uint8Array) => void;
  write(bytes: Uint8Array): number;
}

const { Deno: deno, Bun: bun } = globalThis as unknown as Runtimes;
const hostname = "127.0.0.1";
const port = 0;

if (deno !== undefined) {
  const serve = async (conn: Deno.Conn) => {
    const buffer = new Uint8Array(64 * 1024);
    const respond = responder((bytes) => conn.write(bytes));
    for (let size = await conn.read(buffer); size !== null; size = await conn.read(buffer)) {
      respond(buffer.subarray(0, size));
    }
    conn.close();
  };
  const listener = deno.listen({ hostname, port });
  console.log(listener.addr.port);
  for await (const conn of listener) {
    conn.setNoDelay(true);
    serve(conn);
  }
} else if (bun !== undefined) {
  const listener = bun.listen({
    hostname,
    port,
    socket: {
      open: (connection: BunConnection) => connection.data = responder((bytes) => connection.write(bytes)),
      data: (connection: BunConnection, chunk: Uint8Array) => connection.data(chunk),
    },
  });
  console.log(listener.port);
} else {
  const { createServer } = await import("node:net");
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("data", responder((bytes) => socket.write(bytes))).on("error", () => socket.destroy());
  });
  server.listen({ host: hostname, port }, () => {
    const address = server.address();
    if (typeof address === "object") console.log(address?.port);
  });
}
