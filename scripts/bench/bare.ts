/**
 * A bare responder: the least that answers an MTA at all, by the sockets of the runtime that this is: the yardstick for
 * what a filter costs. Of a packet it looks at the length and at the command, and only counts the bytes of the rest.
 * It listens where it is told, or on a free port, which it prints.
 *
 *   deno run -A scripts/bench/bare.ts [answered | end] [host:port | /path]
 *
 * `answered` answers every command; `end` negotiates away all answers but that to the end of the message.
 *
 * @module
 */

import { argv } from "node:process";

const [, , mode = "answered", address = "127.0.0.1:0"] = argv;
const answersAtEnd = mode === "end";

/** `SMFIP_NR_*`: nothing is answered before the end of the message. */
const NO_REPLIES = [0x00, 0x0f, 0xf0, 0x80];
const AGREEMENT = Uint8Array.of(
  ...[0, 0, 0, 13, 0x4f, 0, 0, 0, 6, 0, 0, 0, 0],
  ...answersAtEnd ? NO_REPLIES : [0, 0, 0, 0],
);
const CONTINUE = Uint8Array.of(0, 0, 0, 1, 0x63);
const ACCEPT = Uint8Array.of(0, 0, 0, 1, 0x61);

/** Commands that are never answered: ABORT, macros, QUIT. */
const SILENT = [0x41, 0x44, 0x51];

/** The answer to a command, by its code. */
const ANSWERS: readonly (Uint8Array | undefined)[] = Array.from({ length: 256 }, (_, code) => {
  if (code === 0x4f) return AGREEMENT;
  if (code === 0x45) return ACCEPT;
  return answersAtEnd || SILENT.includes(code) ? undefined : CONTINUE;
});

/** One connection: gives the answer to each packet that is complete. */
function responder(write: (bytes: Uint8Array) => unknown): (chunk: Uint8Array) => void {
  let seen = 0;
  let length = 0;
  let code = 0;
  return (chunk) => {
    for (let at = 0; at < chunk.length;) {
      if (seen < 4) {
        length = length << 8 | chunk[at++]!;
        seen++;
        continue;
      }
      if (seen === 4) {
        code = chunk[at++]!;
        seen++;
        length--;
      }
      const here = Math.min(length, chunk.length - at);
      at += here;
      length -= here;
      if (length > 0) return;
      seen = 0;
      const answer = ANSWERS[code];
      if (answer !== undefined) write(answer);
    }
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
const [hostname = "", port = ""] = address.split(":");
const onPath = address.startsWith("/");

if (deno !== undefined) {
  const serve = async (conn: Deno.Conn) => {
    const buffer = new Uint8Array(64 * 1024);
    const respond = responder((bytes) => conn.write(bytes));
    for (let size = await conn.read(buffer); size !== null; size = await conn.read(buffer)) {
      respond(buffer.subarray(0, size));
    }
    conn.close();
  };
  const listener = onPath
    ? deno.listen({ transport: "unix", path: address })
    : deno.listen({ hostname, port: Number(port) });
  console.log("port" in listener.addr ? listener.addr.port : address);
  for await (const conn of listener) {
    if ("setNoDelay" in conn) conn.setNoDelay(true);
    serve(conn);
  }
} else if (bun !== undefined) {
  const listener = bun.listen({
    ...onPath ? { unix: address } : { hostname, port: Number(port) },
    socket: {
      open: (connection: BunConnection) => connection.data = responder((bytes) => connection.write(bytes)),
      data: (connection: BunConnection, chunk: Uint8Array) => connection.data(chunk),
    },
  });
  console.log(onPath ? address : listener.port);
} else {
  const { createServer } = await import("node:net");
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("data", responder((bytes) => socket.write(bytes))).on("error", () => socket.destroy());
  });
  server.listen(onPath ? { path: address } : { host: hostname, port: Number(port) }, () => {
    const bound = server.address();
    console.log(typeof bound === "object" ? bound?.port : bound);
  });
}
