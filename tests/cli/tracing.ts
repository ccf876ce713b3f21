/** Traces between an MTA and a filter, for tests. */

import { createServer } from "node:net";
import { accept, type Address, type Filter, parseAddress, serve, type Server } from "../../mod.ts";
import { formatAddress } from "../../src/adapters/address.ts";
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

/** How a trace is run. */
export interface TraceOptions {
  readonly args?: readonly string[];
  readonly terminal?: WatchedTerminal;
  /** Where the MTA calls: a free port by default. */
  readonly listen?: string;
}

/** A trace between an MTA and a filter. */
export class Trace implements AsyncDisposable {
  readonly command: RunningCommand;
  readonly address: Address;

  private constructor(command: RunningCommand, address: Address) {
    this.command = command;
    this.address = address;
  }

  static async to(forward: string, options: TraceOptions = {}): Promise<Trace> {
    const { args = [], terminal, listen = "inet:0@127.0.0.1" } = options;
    const command = new RunningCommand(
      ["trace", "--listen", listen, "--forward", forward, ...args],
      terminal,
    );
    const [, address] = await command.terminal.until(/listening on ([^,]+),/);
    return new Trace(command, parseAddress(address!));
  }

  get out(): string {
    return this.command.terminal.out;
  }

  connect(): Promise<Wire> {
    return socketWire(this.address);
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
  return formatAddress(address);
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
export async function echoing(
  address: Address = { host: "127.0.0.1", port: 0 },
): Promise<{ readonly option: string } & AsyncDisposable> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {}).pipe(socket);
  });
  await new Promise<void>((ready) => server.listen(address, ready));
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  return {
    option: formatAddress("path" in address ? address : { ...address, port }),
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
