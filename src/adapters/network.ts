/** A network of IP addresses: those whose first `bits` are those of `address`. */
export interface Network {
  /** 16 bytes; an IPv4 address stands in the last four, as `::ffff:10.0.0.1`. */
  readonly address: Uint8Array;
  readonly bits: number;
}

/** Where the four bytes of an IPv4 address begin. */
const V4 = 12;

/**
 * A network, `10.0.0.0/8` or `2001:db8::/32`, or a single address.
 *
 * @throws {TypeError} if it is none, or an address within a network instead of the network.
 */
export function parseNetwork(text: string): Network {
  const refuse = (why: string): never => {
    throw new TypeError(`Cannot use network ${JSON.stringify(text)}: ${why}`);
  };
  if (typeof text !== "string") return refuse("it is no string");
  const [, host = "", prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = parseIp(host) ?? refuse("it is no IP address, and no network such as 10.0.0.0/8");
  const offset = host.includes(":") ? 0 : V4 * 8;
  const bits = prefix === undefined ? 128 : offset + Number(prefix);
  if (bits > 128) return refuse(`its prefix is longer than ${128 - offset}`);
  const beyond = address.some((byte, at) => (byte & ~maskOf(bits, at)) !== 0);
  return beyond ? refuse(`the address has bits that its prefix of ${prefix} leaves out`) : { address, bits };
}

/** Whether an address is in one of the networks; IPv4 is itself also where it is written as IPv6. */
export function isIn(networks: readonly Network[], host: string): boolean {
  const address = parseIp(host);
  return address !== undefined && networks.some((network) => contains(network, address));
}

/** Whether an address, or a host name, leads nowhere but to this machine. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || isIn(LOOPBACK, host);
}

const LOOPBACK: readonly Network[] = ["127.0.0.0/8", "::1"].map(parseNetwork);

function contains({ address, bits }: Network, other: Uint8Array): boolean {
  return address.every((byte, at) => ((byte ^ other[at]!) & maskOf(bits, at)) === 0);
}

/** Of a byte of an address, what is among its first bits. */
function maskOf(bits: number, at: number): number {
  const here = Math.min(8, Math.max(0, bits - 8 * at));
  return 0xff00 >> here & 0xff;
}

/** The 16 bytes of an IP address; `undefined` if it is none. */
function parseIp(text: string): Uint8Array | undefined {
  const address = new Uint8Array(16);
  const v4 = text.split(".").map((part) => /^(0|[1-9]\d{0,2})$/.test(part) ? Number(part) : 256);
  if (v4.length === 4 && v4.every((part) => part < 256)) {
    address.fill(0xff, V4 - 2, V4);
    address.set(v4, V4);
    return address;
  }
  // A link-local address may name its interface: fe80::1%eth0.
  const url = `http://[${text.replace(/%.*$/s, "")}]`;
  if (!text.includes(":") || !URL.canParse(url)) return undefined;
  const [head = "", tail] = new URL(url).hostname.slice(1, -1).split("::");
  const words = (part = "") => part === "" ? [] : part.split(":").map((word) => parseInt(word, 16));
  const [before, after] = [words(head), words(tail)];
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  for (const [at, word] of all.entries()) address.set([word >> 8, word & 0xff], 2 * at);
  return address;
}
