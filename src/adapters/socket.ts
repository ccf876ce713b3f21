import { MilterError } from "../errors.ts";
import { type Address, formatAddress, type InheritedSocket } from "./address.ts";

/** What a connection tells. */
export interface SocketEvents {
  /** Bytes came. They are lent, and the socket may read into the same memory after the call, unless they are `given`. */
  data(chunk: Uint8Array, given: boolean): void;
  /**
   * What came is to be worked on, if that was not done at once: told at the end of the turn of the event loop in which
   * bytes came, unless the connection has ended by then.
   */
  endOfTurn?(): void;
  /** The peer has closed its side, and can still be written to. */
  end(): void;
  /** What was written has gone out, after a {@linkcode Socket.write} that found no room. */
  drain(): void;
  /** The connection is gone, whoever closed it. The last that is told, and told once. */
  closed(error?: unknown): void;
}

/** A connection of any runtime. */
export interface Socket {
  /**
   * The peer's address, `127.0.0.1:41234`; of a Unix socket the path that both use, `unix:/run/filter.sock`.
   * Empty when nothing is known, as of a connection that is gone.
   */
  readonly peer: string;
  /** The peer's IP address; `undefined` where it has none, as by a Unix socket. */
  readonly host: string | undefined;
  /** Starts to read. */
  start(events: SocketEvents): void;
  /** Sends bytes, which must not be changed any more; tells whether there is room for more. */
  write(bytes: Uint8Array): boolean;
  /** Stops reading. */
  pause(): void;
  /** Reads on. */
  resume(): void;
  /** Closes this side only, after what was written: the peer can still write. */
  end(): void;
  /** Closes after what was written. */
  close(): void;
  /** Closes at once. */
  destroy(): void;
}

/** A server's end of an address. */
export interface Listener {
  /** Where it listens: the real port where 0 was asked for. */
  readonly address: Address;
  /** Takes no more connections; those that are open stay. */
  close(): Promise<void>;
}

/** What a runtime gives. */
export interface Adapter {
  /**
   * Listens, and hands over each connection; `onFailure` is told why one could not be taken. Fails with the runtime's
   * own error.
   */
  listen(
    address: Address,
    onSocket: (socket: Socket) => void,
    onFailure?: (error: MilterError) => void,
  ): Promise<Listener>;
  /** Connects. Fails with the runtime's own error. */
  connect(address: Address): Promise<Socket>;
}

/** A peer's address for a person to read; `address` is that of the listener or that was connected to. */
export function peerName(address: Address, host: string | undefined, port: number | undefined): string {
  if ("path" in address) return formatAddress(address);
  if (host === undefined) return "";
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * How many connections may wait to be taken, where the runtime can be told; the system may allow fewer. One more would
 * be ignored, and its client try again a second later: when a mail server starts, hundreds connect at once.
 */
export const BACKLOG = 4096;

/**
 * Waits until those are taken who wait in the system's queue, which would be reset with it: until the event loop has
 * turned a few times and taken nobody. Not for ever, though others may come all the time.
 */
export async function allTaken(taken: () => number): Promise<void> {
  let before = taken();
  for (let turn = 0, quiet = 0; turn < 100 && quiet < 3; turn++) {
    await new Promise((resolve) => setTimeout(resolve));
    quiet = taken() === before ? quiet + 1 : 0;
    before = taken();
  }
}

/**
 * How long a chunk must be, in bytes, to be worked on at once: many of them at the end of a turn would take much memory.
 */
export const LARGE: number = 16 * 1024;

/** How many written bytes may wait before a socket says that there is no room. */
export const WRITE_HIGH_WATER: number = 64 * 1024;

/** Why listening, connecting or taking a connection failed, by the system's code or the name that a runtime gives it. */
const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the address is in use",
  AddrInUse: "the address is in use",
  EACCES: "permission is denied",
  EPERM: "permission is denied",
  PermissionDenied: "permission is denied",
  NotCapable:
    "Deno was not permitted to: see --allow-net, and for a Unix socket --allow-read and --allow-write",
  EADDRNOTAVAIL: "this machine does not have the address",
  AddrNotAvailable: "this machine does not have the address",
  ECONNREFUSED: "nobody listens there",
  ConnectionRefused: "nobody listens there",
  ENOENT: "the path does not exist",
  NotFound: "the path does not exist",
  EMFILE: "the process may open nothing more (ulimit -n)",
  ENFILE: "the system may open nothing more",
  EINVAL: "there is no socket that listens",
  ENOTSOCK: "there is no socket that listens",
  ENOTDIR: "the directory is none",
  NotADirectory: "the directory is none",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name is not known",
};

/** A runtime's error about an address as an error of this library. */
export function addressError(
  act: "listen on" | "connect to",
  address: Address | InheritedSocket,
  cause: unknown,
): MilterError {
  if (cause instanceof MilterError) return cause;
  const kind = act === "listen on" ? "LISTEN" : "CONNECTION";
  return new MilterError(kind, `Cannot ${act} ${formatAddress(address)}: ${reasonOf(cause)}`, { cause });
}

/** A runtime's error about a connection that came, or one like it, as an error of this library. */
export function acceptError(cause: unknown): MilterError {
  return new MilterError("CONNECTION", `Cannot take a connection: ${reasonOf(cause)}`, { cause });
}

function reasonOf(cause: unknown): string {
  const { code, name, message } = (cause ?? {}) as { code?: string; name?: string; message?: string };
  return REASONS[code ?? ""] ?? REASONS[name ?? ""] ?? message ?? String(cause);
}
