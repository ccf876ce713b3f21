/** Requests by HTTP, down to their bytes. */

import { connect, type Socket } from "node:net";
import { type Address, parseAddress } from "../mod.ts";

/** What came back. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Asks a server for a path. */
export async function request(address: Address | string, path: string, method = "GET"): Promise<HttpAnswer> {
  const text = await say(address, `${method} ${path} HTTP/1.1\r\nHost: test\r\n\r\n`);
  const [head = "", ...body] = text.split("\r\n\r\n");
  const [first = "", ...fields] = head.split("\r\n");
  const headers = fields.map((field) => [field.split(": ")[0]!.toLowerCase(), field.split(": ")[1] ?? ""]);
  return {
    status: Number(first.split(" ")[1]),
    headers: Object.fromEntries(headers),
    body: body.join("\r\n\r\n"),
  };
}

/** Sends these bytes, each character one, and gives all that comes until the server closes. */
export async function say(address: Address | string, bytes: string): Promise<string> {
  const socket = await open(address);
  socket.write(bytes, "latin1");
  return await rest(socket);
}

/** Connects. */
export async function open(address: Address | string): Promise<Socket> {
  const socket = connect({ ...parseAddress(address) });
  // A server that closes without having read all makes an error of it.
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return socket.on("error", () => {});
}

/** All that still comes on a connection until the server closes it. */
export async function rest(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Uint8Array) => text += String.fromCharCode(...chunk));
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
  return text;
}
