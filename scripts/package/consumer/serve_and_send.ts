/** A user's program: serves an example filter, and is the mail server that sends a message through it. */

import { connect } from "node:net";
import { serve } from "@kilter/milter";
import { type Command, MtaEnd, type Reply } from "@kilter/milter/protocol";
import stripX from "../../../examples/strip_x.ts";

const MESSAGE: readonly Command<string>[] = [
  { type: "connect", hostname: "client.example", family: "inet", port: 25, address: "192.0.2.1" },
  { type: "helo", hostname: "client.example" },
  { type: "mail", address: "<news@shop.example>", arguments: [] },
  { type: "rcpt", address: "<zoot@example.com>", arguments: [] },
  { type: "header", name: "Subject", value: " Half price" },
  { type: "header", name: "X-Mailer", value: " GrailMailer" },
  { type: "endOfHeaders" },
  { type: "body", chunk: "Hi\r\n" },
  { type: "endOfMessage", chunk: "" },
];

/** Sends the message to the filter on a port, and returns what the filter said at its end. */
async function send(port: number): Promise<Reply["type"][]> {
  const socket = connect({ host: "127.0.0.1", port });
  const chunks = socket[Symbol.asyncIterator]();
  const end = new MtaEnd();
  const replies: Reply["type"][] = [];
  const exchange = async (): Promise<void> => {
    socket.write(end.take()!);
    while (end.awaiting !== undefined) {
      const { done, value } = await chunks.next();
      if (done) throw new Error(`the filter left at ${end.awaiting}`);
      end.receive(value);
      for (let reply = end.next(); reply !== undefined; reply = end.next()) replies.push(reply.type);
    }
  };
  end.negotiate();
  await exchange();
  replies.length = 0;
  for (const command of MESSAGE) {
    if (end.send(command)) await exchange();
  }
  socket.end();
  return replies;
}

async function main(): Promise<void> {
  const server = await serve(stripX, { listen: "inet:0@127.0.0.1" });
  if (!("port" in server.address)) throw new Error("the server has no port");
  const replies = await send(server.address.port);
  await server.shutdown();
  if (replies.join() !== "continue,changeHeader,accept") throw new Error(`the filter said ${replies.join()}`);
}

main().catch((error) => {
  console.error(error);
  throw error; // Nobody handles it, so the program fails.
});
