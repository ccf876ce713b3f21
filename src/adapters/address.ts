/** An address of TCP. */
export interface TcpAddress {
  /** A host name or an IP address, IPv6 without brackets. */
  readonly host: string;
  /** The port; 0 has the system choose a free one. */
  readonly port: number;
}

/** The address of a Unix socket. */
export interface UnixAddress {
  /** The socket's path. */
  readonly path: string;
  /** The permissions of the socket file that is made, such as `0o660`; by default what the umask leaves. */
  readonly mode?: number;
  /** The user that the socket file will belong to, by number or by a name of `/etc/passwd`; only root can give it away. */
  readonly owner?: number | string;
  /** The group that the socket file will belong to, by number or by a name of `/etc/group`. */
  readonly group?: number | string;
}

/** Where a server listens, or a client connects to. */
export type Address = TcpAddress | UnixAddress;

/** A socket that listens already: whoever started this process has opened it, as systemd does. */
export interface InheritedSocket {
  /** Its descriptor, from 3 on. */
  readonly fd: number;
}

const FORMS = "inet:PORT@HOST, inet:HOST:PORT, inet6:PORT@HOST, unix:/PATH, local:/PATH or HOST:PORT";

/** Where a server listens if its address names no host. */
const LOOPBACK = { inet: "127.0.0.1", inet6: "::1" } as const;

/**
 * An address as Sendmail writes it (`inet:8891@localhost`, `local:/run/filter.sock`), as Postfix does
 * (`inet:localhost:8891`, `unix:/run/filter.sock`), or as `localhost:8891`; without a host it is loopback.
 *
 * @throws {TypeError} if it is none of these, or its port is none.
 *
 * @example
 * ```ts
 * import { parseAddress } from "@kilter/milter";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseAddress("inet:8891@127.0.0.1"), { host: "127.0.0.1", port: 8891 });
 * assertEquals(parseAddress("inet:[::1]:8891"), { host: "::1", port: 8891 });
 * assertEquals(parseAddress("unix:/run/filter.sock"), { path: "/run/filter.sock" });
 * ```
 */
export function parseAddress(address: string | Address): Address {
  if (typeof address === "object" && address !== null) return checkAddress(address);
  if (typeof address !== "string") throw new TypeError(`Cannot use address: ${String(address)} is no string`);
  if (/^fd:\d+$/.test(address)) refuse(`${address} is a socket that listens, for servers only`);
  const [, scheme = "", rest = ""] = /^(?:(inet6?|unix|local):)?(.*)$/s.exec(address) ?? [];
  if (scheme === "unix" || scheme === "local") return checkAddress({ path: rest });
  if (scheme === "" && rest.startsWith("/")) return checkAddress({ path: rest });

  const match = /^(?<port>\d+)(?:@(?<host>.+))?$/.exec(rest) ?? /^(?<host>.*):(?<port>\d+)$/.exec(rest);
  if (match === null) throw new TypeError(`Cannot use address "${address}": it must be ${FORMS}`);
  const { host = "", port = "" } = match.groups ?? {};
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  return checkAddress({ host: bare || LOOPBACK[scheme === "inet6" ? "inet6" : "inet"], port: Number(port) });
}

/**
 * Where a server is to listen: an address as {@linkcode parseAddress} takes it, or a socket that listens already, by
 * its descriptor: `fd:3`.
 *
 * @throws {TypeError} if it is neither.
 */
export function parseListen(listen: string | Address | InheritedSocket): Address | InheritedSocket {
  if (typeof listen === "object" && listen !== null && "fd" in listen) return checkInherited(listen);
  const [, fd] = typeof listen === "string" ? /^fd:(\d+)$/.exec(listen) ?? [] : [];
  return fd === undefined ? parseAddress(listen as string | Address) : checkInherited({ fd: Number(fd) });
}

function checkInherited({ fd }: InheritedSocket): InheritedSocket {
  // 0, 1 and 2 are the standard streams.
  if (!Number.isSafeInteger(fd) || fd < 3) refuse(`${fd} is no descriptor from 3 on`);
  return { fd };
}

function checkAddress(address: Address): Address {
  if ("path" in address) {
    const { path, mode, owner, group } = address;
    if (typeof path !== "string" || path === "" || path.includes("\0")) {
      refuse(`${JSON.stringify(path)} is no path`);
    }
    if (mode !== undefined && !(Number.isInteger(mode) && mode >= 0 && mode <= 0o777)) {
      refuse(`mode ${mode} is none`);
    }
    for (const [what, who] of Object.entries({ owner, group })) {
      if (who !== undefined && !isAccount(who)) refuse(`${JSON.stringify(who)} is no ${what}`);
    }
    const given = Object.entries({ mode, owner, group }).filter(([, value]) => value !== undefined);
    return { path, ...Object.fromEntries(given) };
  }
  const { host, port } = address;
  if (!Number.isInteger(port) || port < 0 || port > 65535) refuse(`${port} is no port from 0 to 65535`);
  if (host !== undefined && (typeof host !== "string" || host === "" || /[\s@]/.test(host))) {
    refuse(`${JSON.stringify(host)} is no host`);
  }
  return { host: host ?? LOOPBACK.inet, port };
}

function refuse(why: string): never {
  throw new TypeError(`Cannot use address: ${why}`);
}

/** Whether it can be the number or the name of a user or of a group. */
function isAccount(account: unknown): boolean {
  if (typeof account === "string") return /^[^:\s]+$/.test(account);
  return typeof account === "number" && Number.isInteger(account) && account >= 0 && account < 2 ** 32 - 1;
}

/**
 * An address in Sendmail's form, which {@linkcode parseAddress} takes: `inet:8891@127.0.0.1`; an inherited socket as
 * `fd:3`.
 */
export function formatAddress(address: Address | InheritedSocket): string {
  if ("fd" in address) return `fd:${address.fd}`;
  if ("path" in address) return `unix:${address.path}`;
  return `${address.host.includes(":") ? "inet6" : "inet"}:${address.port}@${address.host}`;
}
