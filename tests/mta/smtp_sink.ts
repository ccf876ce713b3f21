/**
 * Where the MTAs under test deliver to: an SMTP server that takes all mail and keeps it, except for mail to "later", which
 * is to wait.
 */

import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { type Endpoint, linesOf } from "./smtp_client.ts";

/** A mail that was delivered; text is one character per byte. */
export interface Mail {
  /** What stood after `MAIL FROM:`, arguments and all: `<a@example.test> SIZE=123`. */
  readonly from: string;
  /** What stood after each `RCPT TO:`. */
  readonly to: readonly string[];
  /** The message, dots unstuffed. */
  readonly data: string;
}

/** A message's header lines in order, each with its folds: `["Subject", "a\r\n b"]`. */
export function headersOf(mail: Mail): [name: string, value: string][] {
  return mail.data.split("\r\n\r\n", 1)[0]!.split(/\r\n(?![ \t])/).map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
  });
}

/** A message's Subject. */
export function subjectOf(mail: Mail): string | undefined {
  return headersOf(mail).find(([name]) => name === "Subject")?.[1];
}

/** What follows a message's first empty line. */
export function bodyOf(mail: Mail): string {
  return mail.data.slice(mail.data.indexOf("\r\n\r\n") + 4);
}

export class SmtpSink {
  readonly mails: Mail[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      // An MTA that drops its connection is ending; its mail, if it mattered, will be missed.
      socket.on("error", () => {});
      this.#serve(socket).catch(() => socket.destroy());
    });
  }

  static async listen(): Promise<SmtpSink> {
    const sink = new SmtpSink();
    await new Promise<void>((ready, failed) => {
      sink.#server.once("error", failed).listen(0, "127.0.0.1", ready);
    });
    return sink;
  }

  get endpoint(): Endpoint {
    return { host: "127.0.0.1", port: (this.#server.address() as AddressInfo).port };
  }

  /** The first mail that `wanted` takes, once it is here. */
  async find(wanted: (mail: Mail) => boolean, timeout = 10_000): Promise<Mail> {
    for (const deadline = Date.now() + timeout; Date.now() < deadline; await setTimeout(5)) {
      const mail = this.mails.find(wanted);
      if (mail) return mail;
    }
    throw new Error(`no such mail was delivered within ${timeout} ms`);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((done) => this.#server.close(() => done()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(socket: Socket): Promise<void> {
    const lines = linesOf(socket);
    let from = "";
    let to: string[] = [];
    socket.write("220 sink.example.test ESMTP\r\n");
    for await (const line of lines) {
      const [, verb = "", argument = ""] = /^(MAIL FROM:|RCPT TO:|[A-Z]*) *(.*)/i.exec(line) ?? [];
      switch (verb.toUpperCase()) {
        case "EHLO":
          socket.write("250-sink.example.test\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 DSN\r\n");
          continue;
        case "MAIL FROM:":
          [from, to] = [argument, []];
          break;
        case "RCPT TO:":
          if (argument.startsWith("<later@")) {
            socket.write("451 4.3.2 Later\r\n");
            continue;
          }
          to.push(argument);
          break;
        case "DATA":
          socket.write("354 go on\r\n");
          this.mails.push({ from, to, data: await dataOf(lines) });
          break;
        case "QUIT":
          socket.end("221 bye\r\n");
          continue;
      }
      socket.write("250 fine\r\n");
    }
  }
}

/** Reads a message up to its last dot. */
async function dataOf(lines: AsyncGenerator<string>): Promise<string> {
  const message: string[] = [];
  for (;;) {
    const { value, done } = await lines.next();
    if (done) throw new Error("the connection ended inside DATA");
    if (value === ".") return message.map((line) => `${line}\r\n`).join("");
    message.push(value.startsWith(".") ? value.slice(1) : value);
  }
}
