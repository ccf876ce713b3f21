/** Decoding what an MTA sends, and encoding what it is answered. */

import { commandCodec, replyCodec } from "../../../src/protocol/codec.ts";
import { type Command, encodeCommand, type Reply } from "../../../src/protocol/mod.ts";
import { Reader } from "../../../src/wire/reader.ts";
import type { Text } from "../../../src/wire/text.ts";
import { Writer } from "../../../src/wire/writer.ts";

const COMMANDS: Readonly<Record<string, Command<Text>>> = {
  "MAIL": { type: "mail", address: "<sender@example.org>", arguments: ["SIZE=4096", "BODY=8BITMIME"] },
  "a header": { type: "header", name: "Subject", value: "a header value of an ordinary length" },
  "64 KB of body": { type: "body", chunk: new Uint8Array(65_535) },
  "the end of the message": { type: "endOfMessage", chunk: "" },
};

const REPLIES: Readonly<Record<string, Reply<Text>>> = {
  "continue": { type: "continue" },
  "a reply code": { type: "replyCode", text: "550 5.7.1 None shall pass" },
  "a header to insert": { type: "insertHeader", index: 1, name: "X-Filtered-By", value: " kilter" },
  "64 KB of body": { type: "replaceBody", chunk: new Uint8Array(65_535) },
};

for (const [title, command] of Object.entries(COMMANDS)) {
  const bytes = encodeCommand(command);
  const reader = new Reader();
  // Without the length, which the framer takes off.
  Deno.bench(`decode: ${title}`, () => void commandCodec.decode(reader.open(bytes, 4)));
}

for (const [title, reply] of Object.entries(REPLIES)) {
  const writer = new Writer();
  Deno.bench(`encode: ${title}`, () => {
    replyCodec.encode(writer, reply);
    writer.take();
  });
}
