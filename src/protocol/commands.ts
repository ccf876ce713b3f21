import { cstring, letter, oneOf, optional, repeated, rest, type Take, u16, u32 } from "../wire/fields.ts";
import type { Slice } from "../wire/slice.ts";
import { PROTOCOL } from "./flags.ts";
import {
  BODY_ANSWERS,
  COMMAND_ANSWERS,
  CONNECTION_ANSWERS,
  END_OF_MESSAGE_ANSWERS,
  type Message,
  MESSAGE_ANSWERS,
  type ReplyType,
} from "./replies.ts";

/*
 * What an MTA says. A command is one interface and one row of COMMANDS.
 *
 * Text is `Uint8Array` in a command that was decoded, or a `Slice` that becomes one when somebody looks; a command that
 * is handed in to be sent may hold strings too, which go out as UTF-8.
 */

/** The MTA offers a version, actions and protocol flags. `SMFIC_OPTNEG` */
export interface Offer<T = Uint8Array> extends Message<"negotiate"> {
  /** The highest version that the MTA speaks. */
  readonly version: number;
  /** The edits that the MTA takes, a mask of {@linkcode ACTION}. */
  readonly actions: number;
  /** What the MTA can leave out, and do without an answer to, a mask of {@linkcode PROTOCOL}. */
  readonly protocol: number;
  /** What later versions may add. */
  readonly extra: T;
}

/** A client connected. `SMFIC_CONNECT` */
export interface Connect<T = Uint8Array> extends Message<"connect"> {
  /** The client's name, or its address in brackets. */
  readonly hostname: T;
  /** What kind of address follows. */
  readonly family: "unknown" | "unix" | "inet" | "inet6";
  /** The client's port; 0 where there is none. */
  readonly port: number | undefined;
  /** The client's address or socket path, as the MTA writes it: Sendmail puts `IPv6:` before IPv6. */
  readonly address: T | undefined;
}

/** The client greeted with HELO or EHLO. `SMFIC_HELO` */
export interface Helo<T = Uint8Array> extends Message<"helo"> {
  /** The client's name for itself. */
  readonly hostname: T;
}

/** The client named the sender. `SMFIC_MAIL` */
export interface Mail<T = Uint8Array> extends Message<"mail"> {
  /** The sender as the client wrote it, usually in `<>`. */
  readonly address: T;
  /** ESMTP arguments, verbatim: `SIZE=4096`, `BODY=8BITMIME`. */
  readonly arguments: readonly T[];
}

/** The client named a recipient. `SMFIC_RCPT` */
export interface Rcpt<T = Uint8Array> extends Message<"rcpt"> {
  /** The recipient as the client wrote it, usually in `<>`. */
  readonly address: T;
  /** ESMTP arguments, verbatim: `NOTIFY=NEVER`. */
  readonly arguments: readonly T[];
}

/** The client sent DATA. `SMFIC_DATA`, since version 4 */
export type Data = Message<"data">;

/** A header of the message. `SMFIC_HEADER` */
export interface Header<T = Uint8Array> extends Message<"header"> {
  /** Its name as the sender wrote it. */
  readonly name: T;
  /** Its value with folds as `\n`; with the space after the colon if {@linkcode PROTOCOL.LEADING_SPACE} was agreed. */
  readonly value: T;
}

/** All headers were sent. `SMFIC_EOH` */
export type EndOfHeaders = Message<"endOfHeaders">;

/** A piece of the body. `SMFIC_BODY` */
export interface Body<T = Uint8Array> extends Message<"body"> {
  /** The bytes, cut anywhere, with CRLF line ends and no dot-stuffing. */
  readonly chunk: T;
}

/** The message is complete. `SMFIC_BODYEOB` */
export interface EndOfMessage<T = Uint8Array> extends Message<"endOfMessage"> {
  /** A last piece of the body: empty from Postfix and Sendmail, but other MTAs use it. */
  readonly chunk: T;
}

/** The client sent a command that the MTA does not know. `SMFIC_UNKNOWN`, since version 3 */
export interface Unknown<T = Uint8Array> extends Message<"unknown"> {
  /** The whole line from Sendmail, its first word from Postfix. */
  readonly command: T;
}

/** Macros for the command that follows. `SMFIC_MACRO` */
export interface MacroDefinitions<T = Uint8Array> extends Message<"macros"> {
  /** The code of the command that they are for. */
  readonly stage: string;
  /** Names and values, each ended by a NUL; see {@linkcode Macros}. */
  readonly definitions: T;
}

/** The message ends without a verdict; the connection goes on. `SMFIC_ABORT` */
export type Abort = Message<"abort">;

/** The MTA is about to close. `SMFIC_QUIT` */
export type Quit = Message<"quit">;

/** Another client's connection follows on the same socket. `SMFIC_QUIT_NC` */
export type QuitNewConnection = Message<"quitNewConnection">;

/** Anything that an MTA says; told apart by `type`. */
export type Command<T = Uint8Array> =
  | Offer<T>
  | Connect<T>
  | Helo<T>
  | Mail<T>
  | Rcpt<T>
  | Data
  | Header<T>
  | EndOfHeaders
  | Body<T>
  | EndOfMessage<T>
  | Unknown<T>
  | MacroDefinitions<T>
  | Abort
  | Quit
  | QuitNewConnection;

/** The `type` of a command. */
export type CommandType = Command["type"];

/** All that is known of one command. */
export interface CommandRow<M> {
  /** Its byte on the wire. */
  readonly code: string;
  /** Takes it from a packet, field by field: so it also tells what its fields are, and their order. */
  readonly message: (take: Take) => M;
  /** The replies that answer it; empty if it is never answered. */
  readonly answers: readonly ReplyType[];
  /** The protocol flag under which the MTA leaves it out. */
  readonly skip?: number;
  /** The protocol flag under which it is not answered. */
  readonly silent?: number;
  /** The version that brought it, if later than 2. */
  readonly since?: number;
}

/** A row for every command. */
export type CommandTable = { readonly [K in CommandType]: CommandRow<Extract<Command<Slice>, { type: K }>> };

const family = oneOf({ unknown: "U", unix: "L", inet: "4", inet6: "6" });
const port = optional(u16);
const address = optional(cstring);
const words = repeated(cstring);

/** Every command: its code, its fields, the replies that it takes, the flags that drop or silence it. */
export const COMMANDS: CommandTable = {
  negotiate: {
    code: "O",
    message: (take) => ({
      type: "negotiate",
      version: take(u32),
      actions: take(u32),
      protocol: take(u32),
      extra: take(rest),
    }),
    answers: ["negotiate"],
  },
  connect: {
    code: "C",
    message: (take) => ({
      type: "connect",
      hostname: take(cstring),
      family: take(family),
      port: take(port),
      address: take(address),
    }),
    answers: CONNECTION_ANSWERS,
    skip: PROTOCOL.NO_CONNECT,
    silent: PROTOCOL.NR_CONNECT,
  },
  helo: {
    code: "H",
    message: (take) => ({ type: "helo", hostname: take(cstring) }),
    answers: CONNECTION_ANSWERS,
    skip: PROTOCOL.NO_HELO,
    silent: PROTOCOL.NR_HELO,
  },
  mail: {
    code: "M",
    message: (take) => ({ type: "mail", address: take(cstring), arguments: take(words) }),
    answers: MESSAGE_ANSWERS,
    skip: PROTOCOL.NO_MAIL,
    silent: PROTOCOL.NR_MAIL,
  },
  rcpt: {
    code: "R",
    message: (take) => ({ type: "rcpt", address: take(cstring), arguments: take(words) }),
    answers: MESSAGE_ANSWERS,
    skip: PROTOCOL.NO_RCPT,
    silent: PROTOCOL.NR_RCPT,
  },
  data: {
    code: "T",
    message: () => ({ type: "data" }),
    answers: MESSAGE_ANSWERS,
    skip: PROTOCOL.NO_DATA,
    silent: PROTOCOL.NR_DATA,
    since: 4,
  },
  header: {
    code: "L",
    message: (take) => ({ type: "header", name: take(cstring), value: take(cstring) }),
    answers: MESSAGE_ANSWERS,
    skip: PROTOCOL.NO_HEADERS,
    silent: PROTOCOL.NR_HEADER,
  },
  endOfHeaders: {
    code: "N",
    message: () => ({ type: "endOfHeaders" }),
    answers: MESSAGE_ANSWERS,
    skip: PROTOCOL.NO_END_OF_HEADERS,
    silent: PROTOCOL.NR_END_OF_HEADERS,
  },
  body: {
    code: "B",
    message: (take) => ({ type: "body", chunk: take(rest) }),
    answers: BODY_ANSWERS,
    skip: PROTOCOL.NO_BODY,
    silent: PROTOCOL.NR_BODY,
  },
  endOfMessage: {
    code: "E",
    message: (take) => ({ type: "endOfMessage", chunk: take(rest) }),
    answers: END_OF_MESSAGE_ANSWERS,
  },
  unknown: {
    code: "U",
    message: (take) => ({ type: "unknown", command: take(cstring) }),
    answers: COMMAND_ANSWERS,
    skip: PROTOCOL.NO_UNKNOWN,
    silent: PROTOCOL.NR_UNKNOWN,
    since: 3,
  },
  macros: {
    code: "D",
    message: (take) => ({ type: "macros", stage: take(letter), definitions: take(rest) }),
    answers: [],
  },
  abort: { code: "A", message: () => ({ type: "abort" }), answers: [] },
  quit: { code: "Q", message: () => ({ type: "quit" }), answers: [] },
  quitNewConnection: { code: "K", message: () => ({ type: "quitNewConnection" }), answers: [] },
};
