import { denoAdapter } from "../../src/adapters/deno.ts";
import type { Socket } from "../../src/adapters/socket.ts";
import { type Command, MtaEnd, type Text } from "../../src/protocol/mod.ts";

/** The longest chunk of a body that every MTA sends. */
const CHUNK = 65_535;

/** Plays an MTA that sends mails with large bodies: waits for each answer, or, without answers, for the socket. */
export class Sender {
  readonly #socket: Socket;
  readonly #end: MtaEnd = new MtaEnd();
  #wake: () => void = () => {};
  #room = true;
  #lost: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const lose = () => {
      this.#lost ??= new Error("The filter has closed the connection");
      this.#wake();
    };
    socket.start({
      data: (chunk) => {
        this.#end.receive(chunk);
        this.#wake();
      },
      drain: () => {
        this.#room = true;
        this.#wake();
      },
      end: lose,
      closed: lose,
    });
  }

  /** Connects to a filter on this machine, negotiates, and introduces a client. */
  static async connect(port: number): Promise<Sender> {
    const sender = new Sender(await denoAdapter.connect({ host: "127.0.0.1", port }));
    sender.#end.negotiate();
    await sender.#flush();
    await sender.#say({
      type: "connect",
      hostname: "client.example.org",
      family: "inet",
      port: 25,
      address: "192.0.2.25",
    });
    await sender.#say({ type: "helo", hostname: "client.example.org" });
    return sender;
  }

  /** Sends a mail with a body of so many bytes, and waits for the verdict. */
  async send(size: number): Promise<void> {
    await this.#say({ type: "mail", address: "<sender@example.org>", arguments: [] });
    await this.#say({ type: "rcpt", address: "<recipient@example.net>", arguments: [] });
    await this.#say({ type: "data" });
    await this.#say({ type: "header", name: "Subject", value: " a large body" });
    await this.#say({ type: "endOfHeaders" });
    const chunk = new Uint8Array(CHUNK).fill(0x61);
    for (let sent = 0; sent < size; sent += CHUNK) {
      await this.#say({ type: "body", chunk: size - sent < CHUNK ? chunk.subarray(0, size - sent) : chunk });
    }
    await this.#say({ type: "endOfMessage", chunk: "" });
  }

  close(): void {
    this.#socket.destroy();
  }

  async #say(command: Command<Text>): Promise<void> {
    if (this.#end.send(command)) await this.#flush();
  }

  async #flush(): Promise<void> {
    const bytes = this.#end.take();
    if (bytes !== undefined) this.#room = this.#socket.write(bytes);
    while (!this.#room || this.#end.awaiting !== undefined) {
      if (this.#lost !== undefined) throw this.#lost;
      if (this.#room && this.#end.next() !== undefined) continue;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}
