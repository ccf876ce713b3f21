import {
  type Command,
  decodeCommand,
  decodeReply,
  decodeText,
  encodeCommand,
  encodeMacros,
  encodeReply,
  encodeText,
  type MacroRequest,
  Macros,
  type Reply,
  type Text,
} from "../../protocol/mod.ts";
import { bareMacro, DEFAULT_MACROS } from "../../protocol/macro_defaults.ts";
import { type Deed, NO_BYTES, type Side } from "./entry.ts";
import { filler } from "./format.ts";
import {
  ARGUMENT_NAMES,
  ARGUMENTS,
  HEADER_NAMES,
  MACRO_NAMES,
  MACRO_VALUES,
  SMTP_COMMANDS,
} from "./known_words.ts";
import { Pseudonyms } from "./pseudonyms.ts";

/** Anything that is said. */
type Said = Command<Text> | Reply<Text>;

/** The names of the fields of all messages. */
type FieldName = Said extends infer Message ? Message extends Said ? Exclude<keyof Message, "type"> : never
  : never;

/** What stands for a text that was left out. */
const GONE = "redacted";

/** The name of a client that is not to be known. */
const CLIENT = "client.redacted.example";

/** Addresses for examples, by RFC 5737 and RFC 3849. */
const CLIENT_ADDRESS: Readonly<Record<string, string>> = {
  inet: "192.0.2.1",
  inet6: "2001:db8::1",
  unix: "/redacted",
  unknown: GONE,
};

/** Fields that are numbers and words of the protocol itself. */
const KEEP = (value: unknown): unknown => value;

const ALL_MACRO_NAMES: ReadonlySet<string> = new Set([
  ...MACRO_NAMES,
  ...Object.values(DEFAULT_MACROS).flatMap((lists) => Object.values(lists).flat()),
]);

/**
 * Leaves out of one connection's packets what tells of people: bodies, the values of headers, the client's names and
 * addresses, the texts of replies, the values of macros. The addresses of mail, and names of headers and macros that
 * are not everybody's, get made-up names, the same for the same, so that who is added or removed can still be seen.
 *
 * What stays is the shape: which packet came when, the flags, codes of replies, the sizes of bodies. What is not
 * understood is left out whole. What was redacted stays as it is if it is redacted again.
 */
export class Redactor {
  readonly #people: Pseudonyms = new Pseudonyms("person", "@redacted.example");
  readonly #headers: Pseudonyms = new Pseudonyms("X-Redacted-");
  readonly #macros: Pseudonyms = new Pseudonyms("redacted");

  /** What is done to each field. Every field of every message has its row: a new one is not forgotten. */
  readonly #fields: { readonly [Name in FieldName]: (value: unknown, message: Said) => unknown } = {
    version: KEEP,
    actions: KEEP,
    protocol: KEEP,
    family: KEEP,
    index: KEEP,
    stage: KEEP,
    extra: () => "",
    port: (port) => port === undefined || port === 0 ? port : 1024,
    hostname: () => CLIENT,
    address: (address, message) =>
      message.type === "connect" ? this.#clientAddress(message) : this.#mailbox(textOf(address)),
    arguments: (value) =>
      Array.isArray(value)
        ? value.map((argument) => this.#argument(textOf(argument)))
        : value === undefined
        ? undefined
        : textOf(value).split(" ").map((argument) => this.#argument(argument)).join(" "),
    name: (name) => this.#headerName(textOf(name)),
    value: (value) => gone(textOf(value)),
    chunk: (chunk) => filler(encodeText(chunk as Text).length),
    command: (command) => smtpCommand(textOf(command)),
    definitions: (definitions, message) =>
      this.#definitions(encodeText(definitions as Text), message.type === "macros" ? message.stage : ""),
    text: (text) => replyText(textOf(text)),
    reason: () => GONE,
    macros: (requests) =>
      (requests as readonly MacroRequest[]).map(({ stage, names }) => ({
        stage,
        names: names.map((name) => this.#macroName(name)),
      })),
  };

  /** What a side did, without what tells of people. */
  redact(side: Side, deed: Deed): Deed {
    if (deed.what !== "packet") {
      return deed.bytes.length === 0
        ? { what: deed.what, bytes: NO_BYTES }
        : { what: deed.what, bytes: filler(deed.bytes.length), leftOut: true };
    }
    try {
      const message = side === "mta" ? decodeCommand(deed.bytes) : decodeReply(deed.bytes);
      const redacted = this.message(message);
      const packet = side === "mta"
        ? encodeCommand(redacted as Command<Text>)
        : encodeReply(redacted as Reply<Text>);
      const leftOut = "chunk" in message && message.chunk.length > 0;
      return { what: "packet", bytes: packet.subarray(4), ...leftOut ? { leftOut } : {} };
    } catch {
      // Nobody understands it, or it could not be said in another way: nothing of it is kept.
      const bytes = new Uint8Array(deed.bytes.length);
      bytes.set(deed.bytes.subarray(0, 1));
      bytes.set(filler(deed.bytes.length - 1), 1);
      return { what: "packet", bytes, ...bytes.length > 1 ? { leftOut: true } : {} };
    }
  }

  /** A message, without what tells of people. */
  message<Message extends Said>(message: Message): Message {
    const fields = Object.entries(message).map(([name, value]) =>
      name === "type" ? [name, value] : [name, this.#fields[name as FieldName](value, message)]
    );
    // Each row gives back what its field takes: a text for a text, numbers as they are.
    return Object.fromEntries(fields) as Message;
  }

  #clientAddress({ family, address }: Extract<Said, { readonly type: "connect" }>): Text | undefined {
    if (address === undefined) return undefined;
    const [prefix = ""] = /^IPv6:/i.exec(textOf(address)) ?? []; // Sendmail's way.
    return prefix + CLIENT_ADDRESS[family]!;
  }

  /** The null sender stays, and so do brackets or their lack. */
  #mailbox(address: string): string {
    const [, open = "", mailbox = "", close = ""] = /^(<?)(.*?)(>?)$/s.exec(address) ?? [];
    return mailbox === "" ? `${open}${close}` : `${open}${this.#people.of(mailbox)}${close}`;
  }

  #argument(argument: string): string {
    if (argument === "" || ARGUMENTS.test(argument)) return argument;
    const [keyword = "", value = ""] = argument.split("=", 2);
    if (!ARGUMENT_NAMES.has(keyword.toLowerCase())) return "XREDACTED";
    if (value === "") return keyword;
    return keyword.toLowerCase() === "orcpt"
      ? `${keyword}=rfc822;${this.#people.of(argument.slice(argument.indexOf(";") + 1))}`
      : `${keyword}=${GONE}`;
  }

  #headerName(name: string): string {
    return HEADER_NAMES.has(name.toLowerCase()) ? name : this.#headers.of(name);
  }

  #macroName(name: string): string {
    const bare = bareMacro(name);
    return ALL_MACRO_NAMES.has(bare) ? name : `{${this.#macros.of(bare)}}`;
  }

  #definitions(definitions: Uint8Array, stage: string): Uint8Array {
    const values = Macros.none.define(stage, definitions).toObject();
    return encodeMacros(Object.fromEntries(
      Object.entries(values).map(([name, value]) => [this.#macroName(name), this.#macroValue(name, value)]),
    ));
  }

  #macroValue(name: string, value: string): string {
    const bare = bareMacro(name);
    if (value === "" || MACRO_VALUES[bare]?.test(value)) return value;
    return /^(mail|rcpt)_addr$/.test(bare) ? this.#mailbox(value) : GONE;
  }
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? decodeText(value) : String(value);
}

/** A header that is empty stays empty: it is deleted so. */
function gone(value: string): string {
  if (value === "") return "";
  return value.startsWith(" ") ? ` ${GONE}` : GONE;
}

function smtpCommand(command: string): string {
  const [word = "", ...more] = command.split(" ");
  const known = SMTP_COMMANDS.has(word.toLowerCase()) ? word : GONE.toUpperCase();
  return more.length === 0 ? known : `${known} ${GONE}`;
}

/** The codes stay, on as many lines. */
function replyText(text: string): string {
  return text.split("\r\n").map((line) => {
    const [codes] = /^[2-5]\d\d(?:[ -](?:\d\.\d{1,3}\.\d{1,3} ?)?|$)/.exec(line) ?? [];
    if (codes === undefined) return GONE;
    return codes === line.trimEnd() ? codes : `${codes.trimEnd().padEnd(codes.length)}${GONE}`;
  }).join("\r\n");
}
