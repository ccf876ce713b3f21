/** Traces between an MTA and a filter, for tests. */

import { createServer } from "node:net";
import { accept, type Filter, serve, type Server } from "../../mod.ts";
import { concat } from "../bytes.ts";
import { delay } from "../harness.ts";
import { GREETING, MESSAGE } from "../mta_commands.ts";
import { MtaPlayer } from "../mta_player.ts";
import { socketWire, type Wire } from "../wires.ts";
import { RunningCommand, type WatchedTerminal } from "./running.ts";

/** Appends a header, and accepts. */
export const tagging: Filter = async (session) => {
  session.headers.append("X-Seen", "by Kilter");
  await session.endOfMessage();
  return accept();
};

/** A trace between an MTA and a filter. */
export class Trace implements AsyncDisposable {
  readonly command: RunningCommand;
  readonly port: number;

  private constructor(command: RunningCommand, port: number) {
    this.command = command;
    this.port = port;
  }

  static async to(forward: string, args: readonly string[] = [], terminal?: WatchedTerminal): Promise<Trace> {
    const command = new RunningCommand(
      ["trace", "--listen", "inet:0@127.0.0.1", "--forward", forward, ...args],
      terminal,
    );
    const [, port] = await command.terminal.until(/listening on inet:(\d+)@/);
    return new Trace(command, Number(port));
  }

  get out(): string {
    return this.command.terminal.out;
  }

  connect(): Promise<Wire> {
    return socketWire({ host: "127.0.0.1", port: this.port });
  }

  /** Sends so many mails over one connection, and closes it; tells the last answer. */
  async converse(mails = 1): Promise<string | undefined> {
    await using mta = new MtaPlayer(await this.connect());
    await mta.negotiate();
    const answers = await mta.play(GREETING);
    if (!answers.at(-1)?.endsWith("continue")) return answers.at(-1);
    for (let count = 0; count < mails; count++) answers.push(...await mta.play(MESSAGE));
    return answers.at(-1);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.command[Symbol.asyncDispose]();
  }
}

export function optionOf({ address }: Server): string {
  return "port" in address ? `inet:${address.port}@127.0.0.1` : "";
}

export function serving(filter: Filter): Promise<Server> {
  return serve(filter, { listen: "inet:0@127.0.0.1", log: () => {} });
}

/** What is printed, with the same time and port everywhere. */
export function steady(text: string): string {
  return text.replaceAll(/\d\d:\d\d:\d\d\.\d{3}/g, "01:02:03.456").replaceAll(
    /127\.0\.0\.1:\d+/g,
    "127.0.0.1:4321",
  )
    .replaceAll(/inet:\d+@/g, "inet:8891@");
}

/** A peer that sends back all it gets, and ends when its peer does. */
export async function echoing(): Promise<{ readonly option: string } & AsyncDisposable> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {}).pipe(socket);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const bound = server.address();
  return {
    option: typeof bound === "object" && bound !== null ? `inet:${bound.port}@127.0.0.1` : "",
    [Symbol.asyncDispose]: () => new Promise((closed) => void server.close(() => closed())),
  };
}

/** Sends all, ends its side, and reads until the other side ends. */
export async function exchange(wire: Wire, pieces: readonly Uint8Array[]): Promise<Uint8Array> {
  for (const piece of pieces) {
    wire.write(piece);
    await delay(0);
  }
  wire.end();
  const chunks: Uint8Array[] = [];
  for (let chunk = await wire.read(); chunk !== undefined; chunk = await wire.read()) chunks.push(chunk);
  await wire.close();
  return concat(chunks);
}
