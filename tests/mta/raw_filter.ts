/** A filter that says what it is told to, be it right or wrong: what a served filter would never send. */

import { createServer, type Server, type Socket } from "node:net";
import type { Address } from "../../mod.ts";
import {
  type CommandType,
  decodeCommand,
  encodeReply,
  type Header,
  type MacroRequest,
  Macros,
  type Reply,
  type Text,
} from "../../src/protocol/mod.ts";
import { Framer } from "../../src/wire/framer.ts";
import { chmodSync } from "node:fs";

/** What a filter asks for, and what it says. */
export interface Script {
  readonly actions?: number;
  readonly protocol?: number;
  readonly macros?: readonly MacroRequest[];
  /** What it says to each command of a kind: "continue" where nothing is given. */
  readonly answers?: { readonly [Type in CommandType]?: Reply<Text> };
  /** What it says at the end of the message. */
  readonly replies?: readonly Reply<Text>[];
}

/** Answers each connection by the script of the moment. */
export class RawFilter implements AsyncDisposable {
  /** What is said from now on. */
  script: Script = {};
  /** The headers of the message that came last. */
  headers: Header[] = [];
  /** The macros that the message that came last had at its end. */
  macros: Readonly<Record<string, string>> = {};
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket)).on("error", () => {});
      const framer = new Framer(1 << 20);
      socket.on("data", (chunk) => {
        framer.push(new Uint8Array(chunk));
        for (let packet = framer.next(); packet !== undefined; packet = framer.next()) {
          for (const reply of this.#answer(packet)) socket.write(encodeReply(reply));
        }
      });
    });
  }

  static async listen(address: Address): Promise<RawFilter> {
    const filter = new RawFilter();
    await new Promise<void>((ready) => filter.#server.listen(address, ready));
    if ("path" in address) chmodSync(address.path, 0o666);
    return filter;
  }

  #answer(packet: Uint8Array): readonly Reply<Text>[] {
    const command = decodeCommand(packet.slice());
    const { actions = 0x1ff, protocol = 0, macros = [], answers = {}, replies } = this.script;
    switch (command.type) {
      case "negotiate":
        return [{ type: "negotiate", version: 6, actions, protocol, macros }];
      case "macros":
        if (command.stage === "E") this.macros = Macros.none.define("E", command.definitions).toObject();
        return [];
      case "abort":
      case "quit":
        return [];
      case "mail":
        this.headers = [];
        this.macros = {};
        break;
      case "header":
        this.headers.push(command);
        break;
      case "endOfMessage":
        if (replies !== undefined) return replies;
        break;
    }
    return [answers[command.type] ?? { type: "continue" }];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((closed) => this.#server.close(closed));
  }
}
