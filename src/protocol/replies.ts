import { cstring, type Field, optional, repeated, rest, type Take, u32, words } from "../wire/fields.ts";
import type { Slice } from "../wire/slice.ts";
import { ACTION } from "./flags.ts";

/*
 * What a filter says. A reply is one interface and one row of REPLIES.
 */

/** What all messages of the protocol have. */
export interface Message<Type extends string> {
  /** Tells the messages apart. */
  readonly type: Type;
}

/** The macros that a filter wants at a stage. */
export interface MacroRequest {
  /** The stage, a value of {@linkcode MACRO_STAGE}. */
  readonly stage: number;
  /** The names, those of several letters in braces: `["i", "{auth_authen}"]`. */
  readonly names: readonly string[];
}

/** What both sides hold to from now on. `SMFIC_OPTNEG` */
export interface Agreement extends Message<"negotiate"> {
  /** The version that both speak. */
  readonly version: number;
  /** The edits that the filter may make, a mask of {@linkcode ACTION}. */
  readonly actions: number;
  /** What the MTA leaves out and the filter does not answer, a mask of {@linkcode PROTOCOL}. */
  readonly protocol: number;
  /** The macros that the filter asks for, stage by stage; the MTA's own choice for stages not named. */
  readonly macros: readonly MacroRequest[];
}

/** Go on; at the end of the message it accepts. `SMFIR_CONTINUE` */
export type Continue = Message<"continue">;

/** Accept the message (the connection, at CONNECT and HELO) and show no more of it. `SMFIR_ACCEPT` */
export type Accept = Message<"accept">;

/** Refuse for good, with the MTA's own text. `SMFIR_REJECT` */
export type Reject = Message<"reject">;

/** Refuse for now, with the MTA's own text. `SMFIR_TEMPFAIL` */
export type Tempfail = Message<"tempfail">;

/** Take the message and deliver it to nobody. `SMFIR_DISCARD` */
export type Discard = Message<"discard">;

/** Refuse with a text; see {@linkcode formatReply}. `SMFIR_REPLYCODE` */
export interface ReplyCode<T = Uint8Array> extends Message<"replyCode"> {
  /** What the SMTP client sees, `%` doubled: `550 5.7.1 No`. */
  readonly text: T;
}

/** Send no more events of this kind; only after a body chunk. `SMFIR_SKIP` */
export type Skip = Message<"skip">;

/** Still at work: the MTA waits on; only at the end of the message. `SMFIR_PROGRESS` */
export type Progress = Message<"progress">;

/** Answer the client with 421 and hang up. Never sent by this library: Postfix loses mail by it. `SMFIR_SHUTDOWN` */
export type Shutdown = Message<"shutdown">;

/** Let the MTA do what it does when a filter fails. Never sent by this library. `SMFIR_CONN_FAIL` */
export type ConnectionFailure = Message<"connectionFailure">;

/** Add a header at the end. `SMFIR_ADDHEADER` */
export interface AddHeader<T = Uint8Array> extends Message<"addHeader"> {
  /** The name, without the colon. */
  readonly name: T;
  /** Folds are `\n` and a space or tab. */
  readonly value: T;
}

/** Insert a header at a place; MTAs count differently. `SMFIR_INSHEADER` */
export interface InsertHeader<T = Uint8Array> extends Message<"insertHeader"> {
  /** Where; 0 is above all that the MTA has. */
  readonly index: number;
  /** The name, without the colon. */
  readonly name: T;
  /** Folds are `\n` and a space or tab. */
  readonly value: T;
}

/** Change a header, or delete it by an empty value. `SMFIR_CHGHEADER` */
export interface ChangeHeader<T = Uint8Array> extends Message<"changeHeader"> {
  /** Which of the headers of this name, counted from 1. */
  readonly index: number;
  /** The name, without the colon; case does not matter. */
  readonly name: T;
  /** Folds are `\n` and a space or tab. */
  readonly value: T;
}

/** A piece of the new body; the first replaces the old one whole. `SMFIR_REPLBODY` */
export interface ReplaceBody<T = Uint8Array> extends Message<"replaceBody"> {
  /** The bytes, with CRLF line ends. */
  readonly chunk: T;
}

/** Change the envelope sender. `SMFIR_CHGFROM` */
export interface ChangeSender<T = Uint8Array> extends Message<"changeSender"> {
  /** The new sender in `<>`. */
  readonly address: T;
  /** ESMTP arguments, a space between them. */
  readonly arguments: T | undefined;
}

/** Add a recipient. `SMFIR_ADDRCPT` */
export interface AddRecipient<T = Uint8Array> extends Message<"addRecipient"> {
  /** The recipient in `<>`. */
  readonly address: T;
}

/** Add a recipient with ESMTP arguments. `SMFIR_ADDRCPT_PAR` */
export interface AddRecipientWithArguments<T = Uint8Array> extends Message<"addRecipientWithArguments"> {
  /** The recipient in `<>`. */
  readonly address: T;
  /** ESMTP arguments, a space between them. */
  readonly arguments: T | undefined;
}

/** Remove a recipient. `SMFIR_DELRCPT` */
export interface RemoveRecipient<T = Uint8Array> extends Message<"removeRecipient"> {
  /** The recipient in `<>`, spelled as the MTA has it. */
  readonly address: T;
}

/** Hold the message for a person to look at. `SMFIR_QUARANTINE` */
export interface Quarantine<T = Uint8Array> extends Message<"quarantine"> {
  /** Why, for the postmaster: one line. */
  readonly reason: T;
}

/** Anything that a filter says; told apart by `type`. */
export type Reply<T = Uint8Array> =
  | Agreement
  | Continue
  | Accept
  | Reject
  | Tempfail
  | Discard
  | ReplyCode<T>
  | Skip
  | Progress
  | Shutdown
  | ConnectionFailure
  | AddHeader<T>
  | InsertHeader<T>
  | ChangeHeader<T>
  | ReplaceBody<T>
  | ChangeSender<T>
  | AddRecipient<T>
  | AddRecipientWithArguments<T>
  | RemoveRecipient<T>
  | Quarantine<T>;

/** The `type` of a reply. */
export type ReplyType = Reply["type"];

/** All that is known of one reply. */
export interface ReplyRow<M> {
  /** Its byte on the wire. */
  readonly code: string;
  /** Takes it from a packet, field by field: so it also tells what its fields are, and their order. */
  readonly message: (take: Take) => M;
  /** The action that must have been agreed; such a reply is an edit. */
  readonly action?: number;
  /** Whether the command still waits for its answer after it: edits and progress. */
  readonly interim?: true;
}

/** A row for every reply. */
export type ReplyTable = { readonly [K in ReplyType]: ReplyRow<Extract<Reply<Slice>, { type: K }>> };

const line = optional(cstring);
const macroRequests: Field<readonly MacroRequest[]> = repeated({
  decode: (reader) => ({ stage: u32.decode(reader), names: words.decode(reader) }),
  encode: (writer, request) => {
    u32.encode(writer, request.stage);
    words.encode(writer, request.names);
  },
});

/** Every reply: its code, its fields, the action that it needs. */
export const REPLIES: ReplyTable = {
  negotiate: {
    code: "O",
    message: (take) => ({
      type: "negotiate",
      version: take(u32),
      actions: take(u32),
      protocol: take(u32),
      macros: take(macroRequests),
    }),
  },
  continue: { code: "c", message: () => ({ type: "continue" }) },
  accept: { code: "a", message: () => ({ type: "accept" }) },
  reject: { code: "r", message: () => ({ type: "reject" }) },
  tempfail: { code: "t", message: () => ({ type: "tempfail" }) },
  discard: { code: "d", message: () => ({ type: "discard" }) },
  replyCode: { code: "y", message: (take) => ({ type: "replyCode", text: take(cstring) }) },
  skip: { code: "s", message: () => ({ type: "skip" }) },
  progress: { code: "p", message: () => ({ type: "progress" }), interim: true },
  shutdown: { code: "4", message: () => ({ type: "shutdown" }) },
  connectionFailure: { code: "f", message: () => ({ type: "connectionFailure" }) },
  addHeader: {
    code: "h",
    message: (take) => ({ type: "addHeader", name: take(cstring), value: take(cstring) }),
    action: ACTION.ADD_HEADERS,
    interim: true,
  },
  insertHeader: {
    code: "i",
    message: (take) => ({
      type: "insertHeader",
      index: take(u32),
      name: take(cstring),
      value: take(cstring),
    }),
    action: ACTION.ADD_HEADERS,
    interim: true,
  },
  changeHeader: {
    code: "m",
    message: (take) => ({
      type: "changeHeader",
      index: take(u32),
      name: take(cstring),
      value: take(cstring),
    }),
    action: ACTION.CHANGE_HEADERS,
    interim: true,
  },
  replaceBody: {
    code: "b",
    message: (take) => ({ type: "replaceBody", chunk: take(rest) }),
    action: ACTION.CHANGE_BODY,
    interim: true,
  },
  changeSender: {
    code: "e",
    message: (take) => ({ type: "changeSender", address: take(cstring), arguments: take(line) }),
    action: ACTION.CHANGE_SENDER,
    interim: true,
  },
  addRecipient: {
    code: "+",
    message: (take) => ({ type: "addRecipient", address: take(cstring) }),
    action: ACTION.ADD_RECIPIENT,
    interim: true,
  },
  addRecipientWithArguments: {
    code: "2",
    message: (take) => ({ type: "addRecipientWithArguments", address: take(cstring), arguments: take(line) }),
    action: ACTION.ADD_RECIPIENT_ARGUMENTS,
    interim: true,
  },
  removeRecipient: {
    code: "-",
    message: (take) => ({ type: "removeRecipient", address: take(cstring) }),
    action: ACTION.REMOVE_RECIPIENT,
    interim: true,
  },
  quarantine: {
    code: "q",
    message: (take) => ({ type: "quarantine", reason: take(cstring) }),
    action: ACTION.QUARANTINE,
    interim: true,
  },
};

/*
 * Which replies answer which commands: named sets, built from each other. What an MTA takes but loses
 * mail by (`4`, `f`, `d` where Postfix ignores it, `s` away from the body) is in none of them.
 */

/** Answers to an unknown command: Postfix's smtpd panics at `a` and `d`. */
export const COMMAND_ANSWERS: readonly ReplyType[] = ["continue", "reject", "tempfail", "replyCode"];

/** Answers to CONNECT and HELO; a discard is ignored there. */
export const CONNECTION_ANSWERS: readonly ReplyType[] = [...COMMAND_ANSWERS, "accept"];

/** Answers within a message. */
export const MESSAGE_ANSWERS: readonly ReplyType[] = [...CONNECTION_ANSWERS, "discard"];

/** Answers to a body chunk. */
export const BODY_ANSWERS: readonly ReplyType[] = [...MESSAGE_ANSWERS, "skip"];

/** The edits, allowed between the end of the message and its final answer. */
export const EDITS: readonly ReplyType[] = (Object.keys(REPLIES) as ReplyType[]).filter((type) =>
  REPLIES[type].action !== undefined
);

/** Answers to the end of the message. */
export const END_OF_MESSAGE_ANSWERS: readonly ReplyType[] = [...MESSAGE_ANSWERS, ...EDITS, "progress"];
