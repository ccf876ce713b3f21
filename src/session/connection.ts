import type { Connect, Helo } from "../protocol/commands.ts";
import type { Slice } from "../wire/slice.ts";
import type { Greeting } from "./session.ts";

/** The SMTP client and its connection: one object for all messages of it. */
export interface Connection {
  /** The client's name as the MTA found it, or its address in brackets. */
  readonly host: string;
  /** The kind of its address; `"unknown"` for mail that was submitted on the MTA's own machine without one. */
  readonly family: "inet" | "inet6" | "unix" | "unknown";
  /** Its IP address in the usual form, or its socket's path; `undefined` where the MTA knows none. */
  readonly address: string | undefined;
  /** Its port; `undefined` where there is none. */
  readonly port: number | undefined;
}

/** What is known of a client that the MTA did not tell about. */
export const NO_CONNECTION: Connection = Object.freeze({
  host: "",
  family: "unknown",
  address: undefined,
  port: undefined,
});

/** The connection that CONNECT tells of; its text is decoded when it is looked at. */
export class ReceivedConnection implements Connection {
  readonly #connect: Connect<Slice>;

  constructor(connect: Connect<Slice>) {
    this.#connect = connect;
  }

  get host(): string {
    return this.#connect.hostname.text;
  }

  get family(): Connection["family"] {
    return this.#connect.family;
  }

  get address(): string | undefined {
    const { address, family } = this.#connect;
    if (address === undefined) return undefined;
    return family === "inet6" ? plainIPv6(address.text) : address.text;
  }

  get port(): number | undefined {
    return this.#connect.port || undefined;
  }
}

/** HELO as the MTA sent it; its text is decoded when it is looked at. */
export class ReceivedGreeting implements Greeting {
  readonly #helo: Helo<Slice>;

  constructor(helo: Helo<Slice>) {
    this.#helo = helo;
  }

  get raw(): Uint8Array {
    return this.#helo.hostname.bytes;
  }

  get hostname(): string {
    return this.#helo.hostname.text;
  }
}

/** Sendmail writes `IPv6:0:0:0:0:0:0:0:1` where Postfix writes `::1`: the latter, by RFC 5952, of both. */
function plainIPv6(address: string): string {
  const bare = address.replace(/^IPv6:/i, "");
  const url = `http://[${bare}]`;
  return URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : bare;
}
