/** What an MTA says, as tests write it. */

import type { Command, CommandType, Text } from "../src/protocol/mod.ts";

/** A command, or its type where it does not matter what it says. */
export type Line = CommandType | Command<Text>;

export function connect(address: string, hostname = "client.example"): Command<Text> {
  return { type: "connect", hostname, family: address.includes(":") ? "inet6" : "inet", port: 4321, address };
}

export function helo(hostname: Text): Command<Text> {
  return { type: "helo", hostname };
}

export function mail(address: Text, ...rest: Text[]): Command<Text> {
  return { type: "mail", address, arguments: rest };
}

export function rcpt(address: Text, ...rest: Text[]): Command<Text> {
  return { type: "rcpt", address, arguments: rest };
}

/** A header as it stands in a message: `header("Subject: spam")`. */
export function header(line: string): Command<Text> {
  const colon = line.indexOf(":");
  return { type: "header", name: line.slice(0, colon), value: line.slice(colon + 1) };
}

export function body(chunk: Text): Command<Text> {
  return { type: "body", chunk };
}

/** The end of the message, with a last piece of its body from MTAs that send one. */
export function endOfMessage(chunk: Text = ""): Command<Text> {
  return { type: "endOfMessage", chunk };
}

export function unknown(command: Text): Command<Text> {
  return { type: "unknown", command };
}

/** A client that greets. */
export const GREETING: readonly Line[] = ["connect", "helo"];

/** A message to one recipient, with one header and one chunk of body. */
export const MESSAGE: readonly Line[] = [
  "mail",
  "rcpt",
  "data",
  "header",
  "endOfHeaders",
  "body",
  "endOfMessage",
];

/** A whole conversation. */
export const CONVERSATION: readonly Line[] = [...GREETING, ...MESSAGE];

/** What is said of a command that is named by its type alone. */
const SAMPLES: { readonly [Type in CommandType]: Command<Text> } = {
  negotiate: { type: "negotiate", version: 6, actions: 0x1ff, protocol: 0x1fffff, extra: "" },
  connect: connect("192.0.2.1"),
  helo: helo("client.example"),
  mail: mail("<sender@example.com>"),
  rcpt: rcpt("<user@example.com>"),
  data: { type: "data" },
  header: header("Subject: A test"),
  endOfHeaders: { type: "endOfHeaders" },
  body: body("Hello\r\n"),
  endOfMessage: endOfMessage(),
  unknown: unknown("VRFY user"),
  macros: { type: "macros", stage: "M", definitions: "i\0" + "4bXyZ12345\0" },
  abort: { type: "abort" },
  quit: { type: "quit" },
  quitNewConnection: { type: "quitNewConnection" },
};

/** The command that a line stands for. */
export function commandOf(line: Line): Command<Text> {
  return typeof line === "string" ? SAMPLES[line] : line;
}
