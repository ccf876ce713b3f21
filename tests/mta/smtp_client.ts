/**
 * The SMTP client of these tests: does what it is told, and shows what it was told in return.
 * Text and mail are strings of one character per byte.
 */

import { connect, type Socket } from "node:net";

/** Where a server listens. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** What an SMTP server answered to one command: `["550-5.7.1 No,", "550 5.7.1 no."]`. */
export interface Reply {
  readonly code: number;
  readonly lines: readonly string[];
  /** The lines as they came, joined with `\n`. */
  readonly text: string;
}

/** Lines, without their CRLF, until the peer ends the connection. */
export async function* linesOf(socket: Socket): AsyncGenerator<string> {
  socket.setEncoding("latin1");
  let rest = "";
  for await (const chunk of socket) {
    const lines = (rest + chunk).split("\r\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

export class SmtpClient {
  readonly #socket: Socket;
  readonly #lines: AsyncGenerator<string>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = linesOf(socket);
    // Who waits for a reply is told by `#lines`; a server that closes after 421 is none of a test's errors.
    socket.on("error", () => {});
  }

  /** Connects; the greeting is the first reply. */
  static to(server: Endpoint): SmtpClient {
    return new SmtpClient(connect(server));
  }

  /** Sends one command and waits for its answer. */
  command(line: string): Promise<Reply> {
    this.write(`${line}\r\n`);
    return this.reply();
  }

  /** Sends a whole message after DATA's 354, dots stuffed, and waits for the answer to its last dot. */
  message(text: string): Promise<Reply> {
    this.write(text.replaceAll(/(^|\r\n)\./g, "$1..") + (text.endsWith("\r\n") ? ".\r\n" : "\r\n.\r\n"));
    return this.reply();
  }

  /** Sends these bytes and waits for nothing. */
  write(text: string): void {
    this.#socket.write(text, "latin1");
  }

  /** Waits for the next answer. */
  async reply(): Promise<Reply> {
    const lines: string[] = [];
    do {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error("the SMTP server closed the connection");
      lines.push(value);
    } while (lines.at(-1)?.[3] === "-");
    return { code: Number(lines[0]?.slice(0, 3)), lines, text: lines.join("\n") };
  }

  /** QUIT, and the connection's end. */
  async quit(): Promise<void> {
    await this.command("QUIT");
    this.vanish();
  }

  /** Breaks the connection off, in the middle of whatever it is. */
  vanish(): void {
    this.#socket.destroy();
  }
}
