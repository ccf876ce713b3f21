import type { Address } from "../adapters/address.ts";
import type { Client } from "../mta/client_spelling.ts";
import type { Party } from "../mta/envelope.ts";
import type { MtaName } from "../mta/mta_name.ts";
import { type DefaultAction, failureReply } from "../mta/smtp_replies.ts";
import { bareMacro } from "../protocol/macro_defaults.ts";
import type { MtaEndOptions } from "../protocol/mta_end.ts";
import { hasControl } from "../wire/text.ts";
import type { ClientTimeouts } from "./link.ts";

/** The SMTP client of whom milters are told. */
export interface SmtpClient {
  /** Its name by the DNS; `null` if it has none. */
  readonly name?: string | null;
  /**
   * Its IP address; the path of its socket; or `null` if nothing is known of it. For a client on the MTA's own machine,
   * `"127.0.0.1"` say, Postfix adds a missing Message-Id, Date or From.
   */
  readonly address?: string | null;
  /** Its port; 40,000 by default. */
  readonly port?: number;
}

/** What is offered to a milter: masks of the flags in `@kilter/milter/protocol`. */
export interface Negotiation {
  /** The highest version of the protocol, 6 by default. */
  readonly version?: 2 | 3 | 4 | 5 | 6;
  /** The edits that are taken, a mask of `ACTION`; all by default. */
  readonly actions?: number;
  /**
   * What can be left out and done without, a mask of `PROTOCOL`; by default all that Postfix offers at that version.
   */
  readonly protocol?: number;
  /** The most bytes of one packet from the milter, 1 MiB by default. */
  readonly maxPacket?: number;
}

/** An MTA in a session with one SMTP client. */
export interface SessionOptions {
  /** Whose rules are followed: of macros, chunks, aborts, edits and answers; `"postfix"` by default. */
  readonly mta?: MtaName;
  /** Who connects. */
  readonly client?: SmtpClient;
  /** What the client calls itself; `null` if it gives no HELO. */
  readonly helo?: string | null;
  /**
   * Values of macros, with or without braces: `{ auth_authen: "arthur" }`. The MTA tells each at its stage, or where
   * the milter has asked for it. They go before what the MTA knows by itself: client, addresses, queue id.
   */
  readonly macros?: Readonly<Record<string, string>>;
  /** The MTA's own name. */
  readonly hostname?: string;
  /** Recipients whom the MTA itself refuses. Postfix shows them to a milter that asks for it. */
  readonly unknownRecipients?: readonly string[];
  /**
   * What the MTA does when a milter fails: cannot be reached, closes the connection, breaks the protocol, takes too
   * long. It holds for the rest of the session. Sendmail has no `"quarantine"`.
   */
  readonly defaultAction?: DefaultAction;
}

/** How milters are called: an MTA in a session with one SMTP client, at this machine and now. */
export interface CallOptions extends SessionOptions {
  /** What is offered to the milters; as much as Postfix and Sendmail do by default. */
  readonly negotiate?: Negotiation;
  /** How long the milters may take. */
  readonly timeouts?: ClientTimeouts;
  /** Ends it all: what waits fails with the signal's reason, and the connections are closed. */
  readonly signal?: AbortSignal;
  /** The most bytes of a message, which is kept in memory until it has its verdict; 100 MiB by default. */
  readonly maxMessage?: number;
}

/** Who sends a message, and to whom. An address stands with or without `<>`, ESMTP arguments after it. */
export interface SmtpEnvelope {
  /** The sender; `""` is the null sender. */
  readonly from: string;
  /** The recipients. */
  readonly to: string | readonly string[];
}

/** The last command of an SMTP client before it vanishes; DATA without the message after it. */
export type LastCommand = "connect" | "helo" | "mail" | "rcpt" | "data";

/** How a message is sent. */
export interface SendOptions extends SmtpEnvelope {
  /** Breaks the client's connection off after this command; by default the client stays to the end. */
  readonly vanishAfter?: LastCommand;
}

/** An address as the client writes it, and its parts. */
export interface ClientParty extends Party {
  /** The address in `<>`. */
  readonly path: string;
}

/** Options with nothing left open. */
export interface Settings {
  readonly mta: MtaName;
  readonly client: Client;
  readonly helo: string | undefined;
  readonly macros: ReadonlyMap<string, string>;
  readonly offer: MtaEndOptions;
  readonly hostname: string;
  readonly unknownRecipients: ReadonlySet<string>;
  /** Without one, what a milter fails with is thrown. */
  readonly defaultAction: DefaultAction | undefined;
  readonly timeouts: Required<ClientTimeouts>;
  readonly signal: AbortSignal | undefined;
  readonly maxMessage: number;
  /** The time by the MTA's clock. */
  readonly now: () => Date;
  /** The MTA's id for the next message. */
  readonly nextId: () => string;
}

/** The protocol flags that Postfix offers at each version. */
const OFFERED: Readonly<Record<NonNullable<Negotiation["version"]>, number>> = {
  2: 0x7f,
  3: 0x17f,
  4: 0x37f,
  5: 0x37f,
  6: 0x1fffff,
};

const TIMEOUTS: Required<ClientTimeouts> = {
  connect: 30_000,
  command: 30_000,
  content: 300_000,
  total: 3_600_000,
};

const MTAS: readonly MtaName[] = ["postfix", "sendmail"];
const ACTIONS: readonly DefaultAction[] = ["tempfail", "reject", "accept", "quarantine", "shutdown"];

/** Checks options, which may come from JavaScript. @throws {TypeError} if one is none. */
export function checkCall(options: CallOptions): Settings {
  const { mta = "postfix", hostname = "localhost", defaultAction, negotiate = {} } = options;
  const { helo = "localhost", maxMessage = 100 * 1024 * 1024, signal } = options;
  oneOf("mta", mta, MTAS);
  if (defaultAction !== undefined) {
    oneOf("defaultAction", defaultAction, ACTIONS);
    if (failureReply(mta, defaultAction, "connect", hostname) === undefined) {
      refuse(`${mta} has no defaultAction "${defaultAction}"`);
    }
  }
  oneOf("negotiate.version", negotiate.version ?? 6, [2, 3, 4, 5, 6]);
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  for (const [name, time] of Object.entries(timeouts)) {
    if (!(time > 0)) refuse(`timeouts.${name} is no positive number`);
  }
  if (!(maxMessage > 0)) refuse("maxMessage is no positive number");
  return {
    mta,
    client: checkClient({ name: "localhost", address: "127.0.0.1", ...options.client }),
    helo: helo === null ? undefined : checkLine("helo", helo),
    macros: new Map(
      Object.entries(options.macros ?? {}).map(([name, value]) => {
        if (typeof value !== "string" || value.includes("\0")) {
          refuse(`macro ${name} is no text without a NUL`);
        }
        return [bareMacro(name), value];
      }),
    ),
    offer: {
      version: negotiate.version ?? 6,
      actions: negotiate.actions ?? 0x1ff,
      protocol: negotiate.protocol ?? OFFERED[negotiate.version ?? 6],
      ...negotiate.maxPacket === undefined ? {} : { maxPacket: negotiate.maxPacket },
    },
    hostname: checkLine("hostname", hostname),
    unknownRecipients: new Set(
      (options.unknownRecipients ?? []).map((text) => checkParty("unknownRecipients", text).address),
    ),
    defaultAction,
    timeouts,
    signal,
    maxMessage,
    now: () => new Date(),
    nextId: queueIds(mta),
  };
}

/** Ids for messages that look as this MTA's do, and that no other session here gives. */
function queueIds(mta: MtaName): () => string {
  return mta === "postfix"
    ? () => (Date.now() * 4096 + number++ % 4096).toString(16).toUpperCase()
    : () =>
      `${Math.floor(Date.now() / 1000).toString(36).toUpperCase()}${String(number++ % 1e8).padStart(8, "0")}`;
}

/** How many ids have been given. */
let number = Math.floor(Math.random() * 4096);

/** Checks an address with its arguments: `a@b.example NOTIFY=NEVER`, `<a@b.example>`. */
export function checkParty(what: string, text: string): ClientParty {
  const [, bracketed, bare, rest] = /^(?:<([^>]*)>|([^\s<>]*))(?: +(.*))?$/.exec(checkLine(what, text)) ??
    refuse(`${what} "${text}" is no address`);
  const address = bracketed ?? bare ?? "";
  return { path: `<${address}>`, address, arguments: (rest ?? "").split(" ").filter((word) => word !== "") };
}

/** A message's envelope, taken apart. */
export interface Sending {
  readonly from: ClientParty;
  readonly to: readonly ClientParty[];
  readonly vanishAfter: LastCommand | undefined;
}

const LAST_COMMANDS: readonly LastCommand[] = ["connect", "helo", "mail", "rcpt", "data"];

/** Checks who sends a message, and to whom. */
export function checkSending({ from, to, vanishAfter }: SendOptions): Sending {
  const list = typeof to === "string" ? [to] : to;
  if (!Array.isArray(list) || list.length === 0) refuse("to names no recipient");
  if (vanishAfter !== undefined) oneOf("vanishAfter", vanishAfter, LAST_COMMANDS);
  return {
    from: checkParty("from", from),
    to: list.map((address) => checkParty("to", address)),
    vanishAfter,
  };
}

/** Checks which milters are to be called. */
export function checkMilters(
  milters: string | Address | readonly (string | Address)[],
): readonly (string | Address)[] {
  const list = Array.isArray(milters) ? milters : [milters];
  if (list.length === 0) refuse("no milter is named");
  return list;
}

/** Checks a client. @throws {TypeError} if its name, address or port is none. */
export function checkClient({ name, address, port = 40_000 }: SmtpClient): Client {
  if (!Number.isInteger(port) || port < 0 || port > 65535) refuse(`client.port ${port} is no port`);
  return {
    name: name === null || name === undefined ? undefined : checkLine("client.name", name),
    address: address === null || address === undefined
      ? undefined
      : checkAddress(checkLine("client.address", address)),
    port,
  };
}

/** An address in its shortest form. */
function checkAddress(address: string): string {
  if (address.startsWith("/")) return address;
  if (/^(\d{1,3}\.){3}\d{1,3}$/.test(address) && URL.canParse(`http://${address}`)) return address;
  const url = `http://[${address}]`;
  if (!URL.canParse(url)) refuse(`client.address "${address}" is neither an IP address nor a path`);
  return new URL(url).hostname.slice(1, -1);
}

/** Checks a text that goes into a line of SMTP. */
export function checkLine(what: string, text: string): string {
  if (typeof text !== "string" || hasControl(text)) refuse(`${what} is no line of text`);
  return text;
}

function oneOf<T>(what: string, value: T, known: readonly T[]): void {
  if (!known.includes(value)) refuse(`${what} must be one of ${known.join(", ")}`);
}

function refuse(why: string): never {
  throw new TypeError(`Cannot send: ${why}`);
}
