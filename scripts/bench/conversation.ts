/** What an MTA says on a connection with one message, as the load generator does: for what is measured without one. */

import type { Command } from "../../src/protocol/mod.ts";
import type { Text } from "../../src/wire/text.ts";

/** What comes once on a connection. */
export const GREETING: readonly Command<Text>[] = [
  { type: "negotiate", version: 6, actions: 0x1ff, protocol: 0x1fffff, extra: "" },
  { type: "connect", hostname: "client.example.org", family: "inet", port: 25, address: "192.0.2.25" },
  { type: "helo", hostname: "client.example.org" },
];

/** What comes for each message. */
export const MESSAGE: readonly Command<Text>[] = [
  { type: "mail", address: "<sender@example.org>", arguments: [] },
  { type: "rcpt", address: "<recipient@example.net>", arguments: [] },
  { type: "data" },
  ...Array.from({ length: 12 }, (_, at): Command<Text> => ({
    type: "header",
    name: `X-Header-${at}`,
    value: " a header value of an ordinary length",
  })),
  { type: "endOfHeaders" },
  { type: "body", chunk: new Uint8Array(4_096) },
  { type: "endOfMessage", chunk: "" },
];
