import { bareMacro } from "../protocol/macro_defaults.ts";
import type { Client } from "../mta/client_spelling.ts";
import type { Party } from "../mta/envelope.ts";
import type { MtaName } from "../mta/mta_name.ts";
import { type DefaultAction, failureReply } from "../mta/smtp_replies.ts";
import type { MtaEndOptions } from "../protocol/mta_end.ts";
import type { ConversationOptions } from "../session/conversation.ts";
import { checkPolicy } from "../session/policy.ts";
import { hasControl } from "../wire/text.ts";

/** An SMTP client that connects to the MTA. */
export interface TestClient {
  /** Its name by the DNS, `"client.example"` by default; `null` if it has none. */
  readonly name?: string | null;
  /**
   * Its IP address, `"192.0.2.1"` by default; the path of its socket; or `null` if the MTA knows nothing of it. For a
   * client on the MTA's own machine, `"127.0.0.1"` say, Postfix adds a missing Message-Id, Date or From.
   */
  readonly address?: string | null;
  /** Its port, 40,000 by default. */
  readonly port?: number;
}

/** What the MTA offers to the filter: masks of the flags in `@kilter/milter/protocol`. */
export interface TestOffer {
  /** The highest version of the protocol, 6 by default. */
  readonly version?: 2 | 3 | 4 | 5 | 6;
  /** The edits that it takes, a mask of `ACTION`; all by default. */
  readonly actions?: number;
  /** What it can leave out and do without, a mask of `PROTOCOL`; by default all that Postfix offers at that version. */
  readonly protocol?: number;
}

/** The MTA of a test, and its client; on top of them everything that `serve` takes for a filter. */
export interface TestMtaOptions extends ConversationOptions {
  /** Whose rules it follows; `"postfix"` by default. */
  readonly mta?: MtaName;
  /** Who connects. */
  readonly client?: TestClient;
  /** What the client calls itself, `"client.example"` by default; `null` if it gives no HELO. */
  readonly helo?: string | null;
  /**
   * Values of macros, with or without braces: `{ auth_authen: "arthur" }`. The MTA tells each at its stage, or where
   * the filter has asked for it. They go before what the MTA knows by itself: client, addresses, queue id.
   */
  readonly macros?: Readonly<Record<string, string>>;
  /** What the MTA offers; as much as Postfix and Sendmail do by default. */
  readonly offer?: TestOffer;
  /** The MTA's own name, `"mx.example"` by default. */
  readonly hostname?: string;
  /** Recipients whom the MTA itself refuses. Postfix shows them to a filter that asks for it. */
  readonly unknownRecipients?: readonly string[];
  /**
   * What the MTA does when the filter fails: closes the connection, breaks the protocol, takes too long. It holds for
   * the rest of the session. `"tempfail"` by default; Sendmail has no `"quarantine"`.
   */
  readonly defaultAction?: DefaultAction;
  /** How long the MTA waits for an answer, in milliseconds; for ever by default. */
  readonly timeout?: number;
  /** The time by the MTA's clock; always the same by default, so that a test can compare. */
  readonly date?: Date;
}

/** Who sends a message, and to whom. An address stands with or without `<>`, ESMTP arguments after it. */
export interface TestEnvelope {
  /** The sender, `"sender@client.example"` by default; `""` is the null sender. */
  readonly from?: string;
  /** The recipients, `"user@mx.example"` by default. */
  readonly to?: string | readonly string[];
}

/** The last command of the client before it vanishes; DATA without the message after it. */
export type LastCommand = "connect" | "helo" | "mail" | "rcpt" | "data";

/** How a message is delivered. */
export interface DeliverOptions extends TestEnvelope {
  /** Breaks the client's connection off after this command; by default the client stays to the end. */
  readonly vanishAfter?: LastCommand;
}

/** An address as the client writes it, and its parts. */
export interface ClientParty extends Party {
  /** The address in `<>`. */
  readonly path: string;
}

/** {@linkcode TestMtaOptions} with nothing left open. */
export interface Settings {
  readonly mta: MtaName;
  readonly client: Client;
  readonly helo: string | undefined;
  readonly macros: ReadonlyMap<string, string>;
  readonly offer: MtaEndOptions;
  readonly hostname: string;
  readonly unknownRecipients: ReadonlySet<string>;
  readonly defaultAction: DefaultAction;
  readonly timeout: number | undefined;
  readonly date: Date;
}

/** The protocol flags that Postfix offers at each version. */
const OFFERED: Readonly<Record<NonNullable<TestOffer["version"]>, number>> = {
  2: 0x7f,
  3: 0x17f,
  4: 0x37f,
  5: 0x37f,
  6: 0x1fffff,
};

const MTAS: readonly MtaName[] = ["postfix", "sendmail"];
const ACTIONS: readonly DefaultAction[] = ["tempfail", "reject", "accept", "quarantine", "shutdown"];
const LAST_COMMANDS: readonly LastCommand[] = ["connect", "helo", "mail", "rcpt", "data"];

/** Checks options, which may come from JavaScript. */
export function checkSettings(options: TestMtaOptions): Settings {
  const { mta = "postfix", hostname = "mx.example", defaultAction = "tempfail", timeout, offer = {} } =
    options;
  oneOf("mta", mta, MTAS);
  if (options.onError !== undefined) checkPolicy(options.onError);
  oneOf("defaultAction", defaultAction, ACTIONS);
  if (failureReply(mta, defaultAction, "connect", hostname) === undefined) {
    refuse(`${mta} has no defaultAction "${defaultAction}"`);
  }
  oneOf("offer.version", offer.version ?? 6, [2, 3, 4, 5, 6]);
  if (timeout !== undefined && !(timeout > 0)) refuse("timeout is no positive number");
  const { date = new Date("2026-01-15T12:00:00Z"), helo = "client.example" } = options;
  if (!(date instanceof Date) || Number.isNaN(date.getTime())) refuse("date is no Date");
  return {
    mta,
    client: checkClient(options.client ?? {}),
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
      version: offer.version ?? 6,
      actions: offer.actions ?? 0x1ff,
      protocol: offer.protocol ?? OFFERED[offer.version ?? 6],
    },
    hostname: checkLine("hostname", hostname),
    unknownRecipients: new Set(
      (options.unknownRecipients ?? []).map((text) => checkParty("unknownRecipients", text).address),
    ),
    defaultAction,
    timeout,
    date,
  };
}

/** Checks an address with its arguments: `a@b.example NOTIFY=NEVER`, `<a@b.example>`. */
export function checkParty(what: string, text: string): ClientParty {
  const [, bracketed, bare, rest] = /^(?:<([^>]*)>|([^\s<>]*))(?: +(.*))?$/.exec(checkLine(what, text)) ??
    refuse(`${what} "${text}" is no address`);
  const address = bracketed ?? bare ?? "";
  return { path: `<${address}>`, address, arguments: (rest ?? "").split(" ").filter((word) => word !== "") };
}

/** Checks who sends a message and to whom. */
export function checkEnvelope(
  envelope: TestEnvelope,
): { readonly from: ClientParty; readonly to: readonly ClientParty[] } {
  const { from = "sender@client.example", to = "user@mx.example" } = envelope;
  const list = typeof to === "string" ? [to] : to;
  if (!Array.isArray(list) || list.length === 0) refuse("to names no recipient");
  return { from: checkParty("from", from), to: list.map((address) => checkParty("to", address)) };
}

/** Checks where a client vanishes. */
export function checkLastCommand(command: LastCommand | undefined): LastCommand | undefined {
  if (command !== undefined) oneOf("vanishAfter", command, LAST_COMMANDS);
  return command;
}

function checkClient({ name = "client.example", address = "192.0.2.1", port = 40_000 }: TestClient): Client {
  if (!Number.isInteger(port) || port < 0 || port > 65535) refuse(`client.port ${port} is no port`);
  return {
    name: name === null ? undefined : checkLine("client.name", name),
    address: address === null ? undefined : checkAddress(checkLine("client.address", address)),
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
  throw new TypeError(`Cannot deliver: ${why}`);
}
