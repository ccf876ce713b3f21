import type { Command, CommandType, Mail } from "../protocol/commands.ts";
import { Macros } from "../protocol/macros.ts";
import { ReceivedAddress, type Sender } from "./envelope.ts";
import { type Header, ReceivedHeader } from "./header.ts";
import { type Judge, JudgedRecipient } from "./recipient.ts";

/** The events of a message in the order in which they come. */
const STAGES: readonly CommandType[] = [
  "connect",
  "helo",
  "mail",
  "rcpt",
  "data",
  "header",
  "endOfHeaders",
  "body",
  "endOfMessage",
];

/** The place of each event in that order; an unknown command, which may come anywhere, has none. */
const RANKS: { readonly [Type in CommandType]?: number } = Object.fromEntries(
  STAGES.map((type, rank) => [type, rank]),
);

/** How many unknown commands are remembered for a late question. */
const MAX_EXTENSIONS = 100;

/** What has come of a message so far. Body chunks are not kept: only the one that is being looked at. */
export class Memory {
  readonly headers: Header[] = [];
  readonly recipients: JudgedRecipient[] = [];
  /** Commands that the MTA does not know. */
  readonly extensions: Uint8Array[] = [];
  mail: Mail | undefined;
  sender: Sender | undefined;
  macros: Macros = Macros.none;
  /** The body chunk that is being looked at. */
  chunk: Uint8Array | undefined;
  /** How many body chunks have come. */
  chunks = 0;
  /** Whether somebody has taken that chunk. */
  chunkTaken = false;
  /** How many are reading the body. */
  bodyReaders = 0;
  /** Whether somebody has left the body before its end. */
  bodyLeft = false;
  #stage = 0;

  /** The event that the message has got to. */
  get stage(): CommandType {
    return STAGES[this.#stage]!;
  }

  /** Whether the message has got as far as this event. */
  reached(type: CommandType): boolean {
    return this.#stage >= (RANKS[type] ?? -1);
  }

  /** Whether the client takes replies in UTF-8 (RFC 6531, section 3.7.4). */
  get utf8(): boolean {
    return this.sender?.parameters.has("SMTPUTF8") ?? false;
  }

  /** Notes an event; `judge` will take what the filter says of a recipient. */
  note(event: Command, macros: Macros, judge: Judge): void {
    this.macros = macros;
    this.#stage = Math.max(this.#stage, RANKS[event.type] ?? 0);
    switch (event.type) {
      case "mail":
        this.mail = event;
        this.sender = new ReceivedAddress(event.address, event.arguments);
        break;
      case "rcpt":
        this.recipients.push(new JudgedRecipient(event.address, event.arguments, macros, judge));
        break;
      case "header":
        // A header without a name is none (RFC 5322, section 2.2), and no edit could name it.
        if (event.name.length > 0) this.headers.push(new ReceivedHeader(event.name, event.value));
        break;
      case "body":
        this.chunk = event.chunk;
        this.chunkTaken = false;
        this.chunks++;
        break;
      case "unknown":
        if (this.extensions.length < MAX_EXTENSIONS) this.extensions.push(event.command);
        break;
    }
  }
}
