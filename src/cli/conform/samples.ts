import { type Command, encodeMacros } from "../../protocol/mod.ts";
import type { Text } from "../../wire/text.ts";

/** A command as an MTA says it. */
export type Said = Command<Text>;

/** The client connected: from an address that is nobody's, RFC 5737, unless another is given. */
export function connect(change: Partial<Extract<Said, { type: "connect" }>> = {}): Said {
  return {
    type: "connect",
    hostname: "client.example",
    family: "inet",
    port: 4321,
    address: "192.0.2.1",
    ...change,
  };
}

/** The client greeted. */
export function helo(hostname: Text = "client.example"): Said {
  return { type: "helo", hostname };
}

/** The client named the sender. */
export function mail(address: Text = "<sender@example.com>", ...rest: Text[]): Said {
  return { type: "mail", address, arguments: rest };
}

/** The client named a recipient. */
export function rcpt(address: Text = "<recipient@example.com>", ...rest: Text[]): Said {
  return { type: "rcpt", address, arguments: rest };
}

/** A header, its value as it stands behind the colon. */
export function header(name: Text, value: Text): Said {
  return { type: "header", name, value };
}

/** A piece of the body. */
export function body(chunk: Text): Said {
  return { type: "body", chunk };
}

/** The message is complete. */
export function endOfMessage(chunk: Text = ""): Said {
  return { type: "endOfMessage", chunk };
}

/** A command of SMTP that the MTA does not know. */
export function unknown(command: Text): Said {
  return { type: "unknown", command };
}

/** Macros for the command with this code. */
export function macros(stage: string, values: Readonly<Record<string, string>> = {}): Said {
  return { type: "macros", stage, definitions: encodeMacros(values) };
}

export const DATA: Said = { type: "data" };
export const END_OF_HEADERS: Said = { type: "endOfHeaders" };
export const ABORT: Said = { type: "abort" };
export const QUIT: Said = { type: "quit" };
export const NEW_CONNECTION: Said = { type: "quitNewConnection" };

/** The headers of a mail that nobody could take offence at. */
export const HEADERS: readonly Said[] = [
  header("From", " Sender <sender@example.com>"),
  header("To", " recipient@example.com"),
  header("Subject", " A test of a milter"),
  header("Date", " Thu, 1 Jan 2026 00:00:00 +0000"),
  header("Message-ID", " <1@client.example>"),
];

/** A client that connects and greets. */
export function greeting(): Said[] {
  return [
    macros("C", { j: "mta.example", "{daemon_name}": "mta.example", v: "Postfix 3.7.11" }),
    connect(),
    macros("H"),
    helo(),
  ];
}

/** The parts of a mail that are not as usual. */
export interface Parts {
  readonly mail?: Said;
  readonly rcpts?: readonly Said[];
  readonly headers?: readonly Said[];
  readonly chunks?: readonly Said[];
  readonly end?: Said;
}

/** A mail, from MAIL on, with macros before each command as Postfix has them. */
export function message(parts: Parts = {}): Said[] {
  const {
    mail: sender = mail(),
    rcpts = [rcpt()],
    headers = HEADERS,
    chunks = [body("This is a test.\r\n")],
    end = endOfMessage(),
  } = parts;
  const id = { i: "4bXyZ12345" };
  const after = (stage: string, values: Readonly<Record<string, string>>) => (said: Said) => [
    macros(stage, values),
    said,
  ];
  return [
    macros("M", { "{mail_addr}": "sender@example.com", "{mail_mailer}": "smtp" }),
    sender,
    ...rcpts.flatMap(after("R", { "{rcpt_addr}": "recipient@example.com", "{rcpt_mailer}": "local" })),
    ...after("T", id)(DATA),
    ...headers.flatMap(after("L", id)),
    ...after("N", id)(END_OF_HEADERS),
    ...chunks.flatMap(after("B", id)),
    ...after("E", id)(end),
  ];
}

/** A mail without macros. */
export function withoutMacros(commands: readonly Said[]): Said[] {
  return commands.filter(({ type }) => type !== "macros");
}
