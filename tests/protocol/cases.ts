/** Golden cases: every message as an object and as the bytes of its packet, its length left off. */

import { type Command, COMMANDS, type CommandType, type Reply, type Text } from "../../src/protocol/mod.ts";
import { latin1 } from "../bytes.ts";

/** A message and what it is on the wire. */
export interface Case<M> {
  /** What is special about it, where there are several of its type. */
  readonly what?: string;
  readonly message: M;
  /** The packet, each character a byte. */
  readonly packet: string;
}

const bytes = latin1("\0\x80\xff\r\n");

export const COMMAND_CASES: readonly Case<Command<Text>>[] = [
  {
    message: { type: "negotiate", version: 6, actions: 0x1ff, protocol: 0x1fffff, extra: "" },
    packet: "O\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff",
  },
  {
    what: "of a later version",
    message: { type: "negotiate", version: 7, actions: 0xffffffff, protocol: 0x80000000, extra: bytes },
    packet: "O\0\0\0\x07\xff\xff\xff\xff\x80\0\0\0\0\x80\xff\r\n",
  },
  {
    what: "over IPv4",
    message: { type: "connect", hostname: "mx.example", family: "inet", port: 0xa1f8, address: "192.0.2.1" },
    packet: "Cmx.example\x004\xa1\xf8192.0.2.1\0",
  },
  {
    what: "over IPv6 from Sendmail",
    message: {
      type: "connect",
      hostname: "[IPv6:::1]",
      family: "inet6",
      port: 25,
      address: "IPv6:0:0:0:0:0:0:0:1",
    },
    packet: "C[IPv6:::1]\x006\0\x19IPv6:0:0:0:0:0:0:0:1\0",
  },
  {
    what: "over a Unix socket",
    message: { type: "connect", hostname: "localhost", family: "unix", port: 0, address: "/run/smtp" },
    packet: "Clocalhost\0L\0\0/run/smtp\0",
  },
  {
    what: "of nobody knows what",
    message: {
      type: "connect",
      hostname: "localhost",
      family: "unknown",
      port: undefined,
      address: undefined,
    },
    packet: "Clocalhost\0U",
  },
  { message: { type: "helo", hostname: "client.example" }, packet: "Hclient.example\0" },
  { what: "without a name", message: { type: "helo", hostname: "" }, packet: "H\0" },
  {
    message: { type: "mail", address: "<a@example>", arguments: ["SIZE=4096", "BODY=8BITMIME"] },
    packet: "M<a@example>\0SIZE=4096\0BODY=8BITMIME\0",
  },
  { what: "with the null sender", message: { type: "mail", address: "<>", arguments: [] }, packet: "M<>\0" },
  {
    message: { type: "rcpt", address: "<b@example>", arguments: ["NOTIFY=NEVER"] },
    packet: "R<b@example>\0NOTIFY=NEVER\0",
  },
  {
    what: "without arguments",
    message: { type: "rcpt", address: "b", arguments: [] },
    packet: "Rb\0",
  },
  { message: { type: "data" }, packet: "T" },
  { message: { type: "header", name: "Subject", value: "one\n\ttwo" }, packet: "LSubject\0one\n\ttwo\0" },
  { what: "that is empty", message: { type: "header", name: "", value: "" }, packet: "L\0\0" },
  { what: "in UTF-8", message: { type: "header", name: "X", value: "ü" }, packet: "LX\0\xc3\xbc\0" },
  { message: { type: "endOfHeaders" }, packet: "N" },
  { message: { type: "body", chunk: bytes }, packet: "B\0\x80\xff\r\n" },
  { what: "that is empty", message: { type: "body", chunk: "" }, packet: "B" },
  { message: { type: "endOfMessage", chunk: "" }, packet: "E" },
  { what: "with a last chunk", message: { type: "endOfMessage", chunk: bytes }, packet: "E\0\x80\xff\r\n" },
  { message: { type: "unknown", command: "ETRN example" }, packet: "UETRN example\0" },
  { message: { type: "macros", stage: "T", definitions: "i\x004bXyZ\0" }, packet: "DTi\x004bXyZ\0" },
  { what: "without any", message: { type: "macros", stage: "C", definitions: "" }, packet: "DC" },
  { message: { type: "abort" }, packet: "A" },
  { message: { type: "quit" }, packet: "Q" },
  { message: { type: "quitNewConnection" }, packet: "K" },
];

export const REPLY_CASES: readonly Case<Reply<Text>>[] = [
  {
    message: { type: "negotiate", version: 6, actions: 0x3f, protocol: 0, macros: [] },
    packet: "O\0\0\0\x06\0\0\0\x3f\0\0\0\0",
  },
  {
    what: "with macros",
    message: {
      type: "negotiate",
      version: 6,
      actions: 0x100,
      protocol: 0x100400,
      macros: [{ stage: 0, names: ["j", "{daemon_name}"] }, { stage: 3, names: [] }],
    },
    packet: "O\0\0\0\x06\0\0\x01\0\0\x10\x04\0\0\0\0\0j {daemon_name}\0\0\0\0\x03\0",
  },
  { message: { type: "continue" }, packet: "c" },
  { message: { type: "accept" }, packet: "a" },
  { message: { type: "reject" }, packet: "r" },
  { message: { type: "tempfail" }, packet: "t" },
  { message: { type: "discard" }, packet: "d" },
  { message: { type: "replyCode", text: "550 5.7.1 100%% no" }, packet: "y550 5.7.1 100%% no\0" },
  {
    what: "of several lines",
    message: { type: "replyCode", text: "451-4.7.1 one\r\n451 4.7.1 two" },
    packet: "y451-4.7.1 one\r\n451 4.7.1 two\0",
  },
  { message: { type: "skip" }, packet: "s" },
  { message: { type: "progress" }, packet: "p" },
  { message: { type: "shutdown" }, packet: "4" },
  { message: { type: "connectionFailure" }, packet: "f" },
  { message: { type: "addHeader", name: "X-Seen", value: "yes" }, packet: "hX-Seen\0yes\0" },
  {
    message: { type: "insertHeader", index: 1, name: "X-Seen", value: "a\n b" },
    packet: "i\0\0\0\x01X-Seen\0a\n b\0",
  },
  {
    message: { type: "changeHeader", index: 0x01020304, name: "Subject", value: "new" },
    packet: "m\x01\x02\x03\x04Subject\0new\0",
  },
  {
    what: "that deletes",
    message: { type: "changeHeader", index: 2, name: "Subject", value: "" },
    packet: "m\0\0\0\x02Subject\0\0",
  },
  { message: { type: "replaceBody", chunk: bytes }, packet: "b\0\x80\xff\r\n" },
  { what: "by nothing", message: { type: "replaceBody", chunk: "" }, packet: "b" },
  { message: { type: "changeSender", address: "<>", arguments: undefined }, packet: "e<>\0" },
  {
    what: "with arguments",
    message: { type: "changeSender", address: "<a@example>", arguments: "RET=HDRS ENVID=x" },
    packet: "e<a@example>\0RET=HDRS ENVID=x\0",
  },
  { message: { type: "addRecipient", address: "<b@example>" }, packet: "+<b@example>\0" },
  {
    message: { type: "addRecipientWithArguments", address: "<b@example>", arguments: "NOTIFY=NEVER" },
    packet: "2<b@example>\0NOTIFY=NEVER\0",
  },
  {
    what: "of which there are none",
    message: { type: "addRecipientWithArguments", address: "<b@example>", arguments: undefined },
    packet: "2<b@example>\0",
  },
  { message: { type: "removeRecipient", address: "<b@example>" }, packet: "-<b@example>\0" },
  { message: { type: "quarantine", reason: "looks odd" }, packet: "qlooks odd\0" },
];

/** An example of every command. */
export const SAMPLES: ReadonlyMap<CommandType, Command<Text>> = new Map(
  COMMAND_CASES.toReversed().map(({ message }) => [message.type, message]),
);

/** The command of a code, `"C"` or `"M"`. */
export function commandOf(code: string): Command<Text> {
  const found = [...SAMPLES.values()].find(({ type }) => COMMANDS[type].code === code);
  if (found === undefined) throw new RangeError(`No command has the code ${code}`);
  return found;
}
