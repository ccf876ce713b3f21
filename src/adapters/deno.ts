import type { MilterError } from "../errors.ts";
import type { Address } from "./address.ts";
import { Admission, type Admitted } from "./admission.ts";
import {
  acceptError,
  type Adapter,
  allTaken,
  BACKLOG,
  type Listener,
  peerName,
  type Socket,
  type SocketEvents,
  WRITE_HIGH_WATER,
} from "./socket.ts";
import { clearPath, removePath, secure } from "./unix_socket.ts";

/** What is used of Deno's API, so that other runtimes can check this file. */
interface DenoApi {
  listen(options: (TcpOptions | UnixOptions) & { readonly tcpBacklog: number }): DenoListener;
  connect(options: TcpOptions | UnixOptions): Promise<DenoConn>;
}

declare const Deno: DenoApi;

interface TcpOptions {
  readonly transport: "tcp";
  readonly hostname: string;
  readonly port: number;
}

interface UnixOptions {
  readonly transport: "unix";
  readonly path: string;
}

interface DenoListener {
  readonly addr: { readonly port?: number };
  accept(): Promise<DenoConn>;
  close(): void;
}

interface DenoConn {
  readonly remoteAddr: { readonly hostname?: string; readonly port?: number };
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
  setNoDelay?(noDelay?: boolean): void;
}

/** `Deno.listen` and `Deno.connect`. */
export const denoAdapter: Adapter = {
  async listen(address, onSocket, onFailure = () => {}): Promise<Listener> {
    if ("path" in address) await clearPath(address);
    const listener = Deno.listen({ ...denoOptions(address), tcpBacklog: BACKLOG });
    const admission = new Admission();
    let taken = 0;
    const take = (conn: DenoConn) => {
      taken++;
      onSocket(new DenoSocket(conn, address, admission));
    };
    const accepting = acceptAll(listener, admission, take, onFailure);
    return await secure({
      address: "path" in address ? address : { host: address.host, port: listener.addr.port ?? address.port },
      async close() {
        admission.open();
        await allTaken(() => taken);
        listener.close();
        await accepting;
        if ("path" in address) await removePath(address);
      },
    });
  },

  async connect(address): Promise<Socket> {
    return new DenoSocket(await Deno.connect(denoOptions(address)), address);
  },
};

function denoOptions(address: Address): TcpOptions | UnixOptions {
  return "path" in address
    ? { transport: "unix", path: address.path }
    : { transport: "tcp", hostname: address.host, port: address.port };
}

async function acceptAll(
  listener: DenoListener,
  admission: Admission,
  onConn: (conn: DenoConn) => void,
  onFailure: (error: MilterError) => void,
): Promise<void> {
  while (true) {
    let conn: DenoConn | undefined;
    await new Promise<void>((resolve) => admission.next(resolve));
    try {
      conn = await listener.accept();
      onConn(conn);
    } catch (error) {
      if (conn === undefined && isClosed(error)) return;
      // A connection that failed in the making, or no descriptor free: the next may work.
      conn?.close();
      onFailure(acceptError(error));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Deno's word for a listener or connection that this side has closed. */
function isClosed(error: unknown): boolean {
  return error instanceof Error && (error.name === "BadResource" || error.name === "Interrupted");
}

/** How much is read at once, in bytes: little where there is talk, and much while a body comes. */
const READ = { talk: 4 * 1024, body: 64 * 1024 } as const;

/** Buffers that nobody reads into now, and how many bytes of each kind are kept: V8 has much to do with new ones. */
const IDLE: Readonly<Record<keyof typeof READ, Uint8Array[]>> = { talk: [], body: [] };
const MOST_IDLE = 2 * 1024 * 1024;

function borrow(kind: keyof typeof READ): Uint8Array {
  return IDLE[kind].pop() ?? new Uint8Array(READ[kind]);
}

function giveBack(kind: keyof typeof READ, buffer: Uint8Array): void {
  if (IDLE[kind].length * READ[kind] < MOST_IDLE) IDLE[kind].push(buffer);
}

class DenoSocket implements Socket, Admitted {
  readonly peer: string;
  readonly host: string | undefined;
  talked = 0;
  readonly #conn: DenoConn;
  /** By what it was let in, if it was. */
  readonly #admission: Admission | undefined;
  readonly #queue: Uint8Array[] = [];
  #queued = 0;
  #writing: Uint8Array | undefined;
  #blocked = false;
  #ending = false;
  #closing = false;
  #closed = false;
  #resume: (() => void) | undefined;
  #paused = false;
  #events: SocketEvents | undefined;

  constructor(conn: DenoConn, address: Address, admission?: Admission) {
    this.#conn = conn;
    this.#admission = admission;
    this.host = conn.remoteAddr.hostname;
    this.peer = peerName(address, conn.remoteAddr.hostname, conn.remoteAddr.port);
    conn.setNoDelay?.(true);
  }

  start(events: SocketEvents): void {
    this.#events = events;
    this.#admission?.talks(this);
    this.#readAll(events);
  }

  /** Lends what it reads, and reads into the same buffer again. */
  async #readAll(events: SocketEvents): Promise<void> {
    let kind: keyof typeof READ = "talk";
    let buffer = borrow(kind);
    try {
      while (!this.#closed) {
        const size = await this.#conn.read(buffer);
        if (size === null) return events.end();
        if (this.#closed) return;
        this.#admission?.talks(this);
        events.data(buffer.subarray(0, size), false);
        if (!this.#closed) events.endOfTurn?.();
        const next = size < READ.talk ? "talk" : "body";
        if (next !== kind) {
          const other = borrow(next);
          giveBack(kind, buffer);
          [kind, buffer] = [next, other];
        }
        if (this.#paused) await new Promise<void>((resolve) => this.#resume = resolve);
      }
    } catch (error) {
      this.#close(error);
    } finally {
      giveBack(kind, buffer);
    }
  }

  write(bytes: Uint8Array): boolean {
    this.#queued += bytes.length;
    this.#blocked ||= this.#queued > WRITE_HIGH_WATER;
    if (this.#writing === undefined) this.#send(bytes);
    else this.#queue.push(bytes);
    return !this.#blocked;
  }

  /** One write at a time; chained by hand, because this is half of what an answer costs. */
  #send(bytes: Uint8Array): void {
    this.#writing = bytes;
    this.#conn.write(bytes).then(this.#sent, this.#failed);
  }

  readonly #sent = (taken: number): void => {
    this.#queued -= taken;
    const bytes = this.#writing!;
    // Deno writes what the system takes at once.
    const next = taken < bytes.length ? bytes.subarray(taken) : this.#queue.shift();
    if (next !== undefined && !this.#closed) return this.#send(next);
    this.#writing = undefined;
    if (this.#closing) this.#close();
    else if (this.#ending) this.#endNow();
    else if (this.#blocked) {
      this.#blocked = false;
      this.#events?.drain();
    }
  };

  readonly #failed = (error: unknown): void => this.#close(error);

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#resume?.();
    this.#resume = undefined;
  }

  end(): void {
    this.#ending = true;
    if (this.#writing === undefined) this.#endNow();
  }

  #endNow(): void {
    if (!this.#closed) this.#conn.closeWrite().catch(this.#failed);
  }

  close(): void {
    this.#closing = true;
    if (this.#writing === undefined) this.#close();
  }

  destroy(): void {
    this.#close();
  }

  #close(error?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#admission?.leaves(this);
    this.resume();
    try {
      this.#conn.close();
    } catch {
      // Deno has closed it already, after an error of its own.
    }
    this.#events?.closed(error);
  }
}
