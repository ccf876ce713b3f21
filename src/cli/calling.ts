import type { CallOptions, MtaName, SmtpClient } from "../client/mod.ts";
import { oneOf, UsageError, wholeNumber } from "./arguments.ts";
import type { Values } from "./subcommand.ts";

/** The options of a command that plays an MTA. */
export const CALLING = {
  mta: {
    type: "string",
    value: "name",
    default: "postfix",
    help: "whose rules to follow: postfix or sendmail",
  },
  from: {
    type: "string",
    short: "f",
    value: "address",
    default: "sender@client.example",
    help: 'the sender; "" is the null sender. ESMTP arguments may follow it',
  },
  rcpt: {
    type: "string",
    short: "r",
    value: "address",
    multiple: true,
    help: "a recipient; may come several times (default: recipient@mx.example)",
  },
  client: {
    type: "string",
    value: "name[address]",
    default: "localhost[127.0.0.1]",
    help: "the SMTP client of whom the milter is told; without a name: [address]",
  },
  helo: { type: "string", value: "name", default: "localhost", help: "what the client calls itself" },
  hostname: { type: "string", value: "name", default: "localhost", help: "the MTA's own name" },
  macro: {
    type: "string",
    short: "m",
    value: "name=value",
    multiple: true,
    help: "the value of a macro; may come several times",
  },
  timeout: {
    type: "string",
    value: "seconds",
    help: "how long an answer may take (default: 30, for the text 300)",
  },
} as const;

/**
 * What the options ask for.
 *
 * @throws {UsageError} if one is none.
 */
export function callOptions(values: Values<typeof CALLING>): CallOptions {
  const { mta, client, helo, hostname, macro, timeout } = values;
  const time = timeout === undefined ? undefined : wholeNumber("timeout", timeout, 1, 86_400) * 1000;
  return {
    mta: oneOf("mta", mta, ["postfix", "sendmail"] satisfies MtaName[]),
    client: clientIn(client),
    helo,
    hostname,
    macros: Object.fromEntries(macro.map(macroIn)),
    ...time === undefined ? {} : { timeouts: { connect: time, command: time, content: time } },
  };
}

/** The sender and the recipients. */
export function envelopeIn({ from, rcpt }: Pick<Values<typeof CALLING>, "from" | "rcpt">): {
  readonly from: string;
  readonly to: readonly string[];
} {
  return { from, to: rcpt.length > 0 ? rcpt : ["recipient@mx.example"] };
}

function clientIn(text: string): SmtpClient {
  const [whole, name, address] = /^([^[\]\s]*)\s*(?:\[([^[\]]+)\])?$/.exec(text) ?? [];
  if (whole === undefined || whole === "") {
    throw new UsageError(`--client must be name[address], not "${text}"`);
  }
  return { name: name || null, address: address ?? null };
}

function macroIn(text: string): readonly [name: string, value: string] {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`--macro must be name=value, not "${text}"`);
  return [text.slice(0, at), text.slice(at + 1)];
}
