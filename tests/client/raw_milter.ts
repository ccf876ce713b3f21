/** A milter that says bytes, right or wrong: what a served filter would never send. */

import { createServer, type Server, type Socket } from "node:net";
import type { Address } from "../../mod.ts";
import {
  type Agreement,
  type Command,
  type CommandType,
  decodeCommand,
  encodeReply,
  Framer,
  type Reply,
  type Text,
} from "../../src/protocol/mod.ts";
import { delay } from "../harness.ts";

/** What a milter does: says replies or bytes, or waits for some milliseconds; closes; says nothing. */
export type Does = readonly (Reply<Text> | Uint8Array | number)[] | "close" | "reset" | "nothing";

/** What a milter does at each command; `"continue"` where nothing is given and an answer is due. */
export type RawScript = { readonly [Type in CommandType]?: Does | ((command: Command) => Does) };

const UNANSWERED: readonly CommandType[] = ["macros", "abort", "quit", "quitNewConnection"];

/** The usual agreement: nothing left out, everything may be edited. */
export const AGREED: Agreement = {
  type: "negotiate",
  version: 6,
  actions: 0x1ff,
  protocol: 0,
  macros: [],
};

/** Listens on loopback, and answers each connection by a script. */
export class RawMilter implements AsyncDisposable {
  /** All commands that came, macros left out. */
  readonly heard: Command[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(script: RawScript) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket)).on("error", () => {}).on(
        "end",
        () => socket.end(),
      );
      const framer = new Framer(1 << 21);
      socket.on("data", (chunk) => {
        framer.push(new Uint8Array(chunk));
        for (let packet = framer.next(); packet !== undefined; packet = framer.next()) {
          this.#answer(socket, script, decodeCommand(packet.slice()));
        }
      });
    });
  }

  static async listen(script: RawScript): Promise<RawMilter> {
    const milter = new RawMilter(script);
    await new Promise<void>((ready) => milter.#server.listen(0, "127.0.0.1", ready));
    return milter;
  }

  get address(): Address {
    return { host: "127.0.0.1", port: (this.#server.address() as { port: number }).port };
  }

  /** Waits until all connections are closed. */
  async left(): Promise<void> {
    for (let wait = 0; this.#sockets.size > 0; wait++) {
      if (wait > 400) throw new Error("connections are left open");
      await delay(5);
    }
  }

  #answer(socket: Socket, script: RawScript, command: Command): void {
    const { type } = command;
    if (type !== "macros") this.heard.push(command);
    const usual: Does = type === "negotiate"
      ? [AGREED]
      : UNANSWERED.includes(type)
      ? []
      : [{ type: "continue" }];
    const row = script[type] ?? usual;
    const does = typeof row === "function" ? row(command) : row;
    if (does === "close") socket.end();
    else if (does === "reset") socket.resetAndDestroy();
    else if (does !== "nothing") say(socket, does);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((closed) => this.#server.close(() => closed()));
  }
}

function say(socket: Socket, [first, ...rest]: Exclude<Does, string>): void {
  if (first === undefined || socket.destroyed) return;
  if (typeof first === "number") {
    const stop = () => clearTimeout(timer);
    const timer = setTimeout(() => {
      socket.off("close", stop);
      say(socket, rest);
    }, first);
    socket.once("close", stop);
  } else {
    socket.write(first instanceof Uint8Array ? first : encodeReply(first));
    say(socket, rest);
  }
}
