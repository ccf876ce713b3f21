import type { Connect } from "../protocol/commands.ts";
import type { Text } from "../wire/text.ts";
import type { MtaName } from "./mta_name.ts";

/** An SMTP client as an MTA sees it. */
export interface Client {
  /** Its name by the DNS; `undefined` if it has none. */
  readonly name: string | undefined;
  /** Its IP address, the path of its socket, or `undefined` if nothing is known of it. */
  readonly address: string | undefined;
  readonly port: number;
}

/** What an MTA says of a client at CONNECT: each has its own way to write IPv6, and what it does not know. */
export function connectCommand({ name, address, port }: Client, mta: MtaName): Connect<Text> {
  if (address === undefined) {
    return mta === "postfix"
      ? { type: "connect", hostname: "unknown", family: "inet", port: 0, address: "unknown" }
      : {
        type: "connect",
        hostname: name ?? "localhost",
        family: "unknown",
        port: undefined,
        address: undefined,
      };
  }
  if (address.startsWith("/")) {
    return { type: "connect", hostname: name ?? "localhost", family: "unix", port: 0, address };
  }
  const written = writtenAddress(address, mta);
  const family = address.includes(":") ? "inet6" : "inet";
  return { type: "connect", hostname: name ?? `[${written}]`, family, port, address: written };
}

/** An IP address as an MTA writes it: Sendmail says what IPv6 is, and writes all of it. */
export function writtenAddress(address: string, mta: MtaName): string {
  return mta === "sendmail" && address.includes(":") ? `IPv6:${groupsOf(address).join(":")}` : address;
}

/** Whether a client is on the MTA's own machine. */
export function isLocal({ address }: Client): boolean {
  return address === undefined || address.startsWith("/") || address.startsWith("127.") || address === "::1";
}

/** The eight groups of an IPv6 address in its shortest form. */
function groupsOf(address: string): string[] {
  const [head = "", tail] = address.split("::").map((part) => part === "" ? [] : part.split(":"));
  const groups = [...head];
  if (tail === undefined) return groups;
  return [...groups, ...Array<string>(8 - groups.length - tail.length).fill("0"), ...tail];
}
