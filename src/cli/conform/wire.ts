import { connect, type Socket } from "node:net";
import { type Address, formatAddress } from "../../adapters/address.ts";
import { addressError } from "../../adapters/socket.ts";
import { Fault } from "./case.ts";
import type { Patience } from "./patience.ts";

/**
 * A connection to a milter, byte by byte.
 *
 * `node:net`, which all runtimes have, and not the adapters of the library: those gather what is written in one
 * turn, and can't close one side only.
 */
export class Wire {
  readonly #socket: Socket;
  readonly #patience: Patience;
  readonly #closed: Promise<void>;
  readonly #chunks: Uint8Array[] = [];
  #ended = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket, patience: Patience) {
    this.#socket = socket;
    this.#patience = patience;
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    // A reset is an end as well as any: what is missing then is told by who reads.
    socket.on("error", end).on("end", end).on("data", (chunk: Uint8Array) => {
      this.#chunks.push(new Uint8Array(chunk));
      this.#wake();
    });
    this.#closed = new Promise((resolve) => socket.on("close", () => (end(), resolve())));
  }

  /**
   * Connects.
   *
   * @throws {MilterError} `CONNECTION` if nobody listens.
   */
  static async open(address: Address, patience: Patience): Promise<Wire> {
    const socket = connect({ ...address, allowHalfOpen: true, noDelay: true });
    const opened = new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve).once("error", reject);
    });
    try {
      await patience.wait(opened, `takes no connection at ${formatAddress(address)}`);
    } catch (error) {
      socket.destroy();
      throw error instanceof Fault ? error : addressError("connect to", address, error);
    }
    return new Wire(socket, patience);
  }

  /** Whether bytes have come that were not read. */
  get waiting(): boolean {
    return this.#chunks.length > 0;
  }

  /** Sends bytes, at once and by themselves. */
  write(bytes: Uint8Array): void {
    if (!this.#socket.destroyed && !this.#socket.writableEnded) this.#socket.write(bytes);
  }

  /**
   * The next bytes; `undefined` when the milter has closed.
   *
   * @throws {Fault} `otherwise` if nothing comes in time.
   */
  async read(otherwise: string): Promise<Uint8Array | undefined> {
    while (this.#chunks.length === 0 && !this.#ended) {
      await this.#patience.wait(new Promise<void>((resolve) => this.#wake = resolve), otherwise);
    }
    return this.#chunks.shift();
  }

  /** Closes this side only. */
  end(): void {
    this.#socket.end();
  }

  /** Closes both sides. */
  async close(): Promise<void> {
    this.#socket.destroy();
    await this.#closed;
  }
}
