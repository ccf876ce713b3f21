import type { Command, CommandType, Mail, Rcpt } from "../protocol/commands.ts";
import { Macros } from "../protocol/macros.ts";
import { alone } from "../wire/memory.ts";
import type { Slice } from "../wire/slice.ts";
import { ReceivedAddress, type Sender } from "./envelope.ts";
import { type Header, ReceivedHeader } from "./header.ts";
import type { LimitName, Limits } from "./limits.ts";
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

/** What remembering an item costs beside its bytes, about. */
const OVERHEAD = 100;

/** What has come of a message so far. Body chunks are not kept: only the one that is being looked at. */
export class Memory {
  readonly headers: Header[] = [];
  readonly recipients: JudgedRecipient[] = [];
  /** The one that came last. */
  recipient: JudgedRecipient | undefined;
  /** Commands that the MTA does not know. */
  readonly extensions: Slice[] = [];
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
  /** How many bytes of body somebody keeps. */
  collected = 0;
  /** The limit that the message is over. */
  over: LimitName | undefined;
  readonly #limits: Required<Limits>;
  #envelopeBytes = 0;
  #headerBytes = 0;
  #stage = 0;

  constructor(limits: Required<Limits>) {
    this.#limits = limits;
  }

  /** How many bytes are kept, about. */
  get bytes(): number {
    const items = this.headers.length + this.recipients.length;
    return this.#envelopeBytes + this.#headerBytes + this.collected + items * OVERHEAD;
  }

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

  /** Notes bytes that the envelope keeps; none any more once the message is over a limit. */
  addEnvelope(bytes: number): void {
    if (this.#envelopeBytes + bytes > this.#limits.envelopeBytes) this.over ??= "envelopeBytes";
    if (this.over === undefined) this.#envelopeBytes += bytes;
  }

  #addHeader(name: Slice, value: Slice): void {
    const bytes = this.#headerBytes + name.length + value.length;
    if (bytes > this.#limits.headerBytes) this.over ??= "headerBytes";
    if (this.headers.length >= this.#limits.headers) this.over ??= "headers";
    if (this.over !== undefined) return;
    this.#headerBytes = bytes;
    // A header without a name is none (RFC 5322, section 2.2), and no edit could name it.
    if (name.length > 0) this.headers.push(new ReceivedHeader(name, value));
  }

  /** Notes an event; what is over a limit is not kept. `judge` will take what the filter says of a recipient. */
  note(event: Command<Slice>, macros: Macros, judge: Judge): void {
    this.macros = macros;
    const { type } = event;
    this.#stage = Math.max(this.#stage, RANKS[type] ?? 0);
    switch (type) {
      case "mail":
        this.addEnvelope(sizeOf(event));
        this.sender = new ReceivedAddress(event);
        break;
      case "rcpt":
        if (this.recipients.length >= this.#limits.recipients) this.over ??= "recipients";
        this.addEnvelope(sizeOf(event));
        this.recipient = undefined;
        if (this.over !== undefined) break;
        this.recipient = new JudgedRecipient(event, macros, judge);
        this.recipients.push(this.recipient);
        break;
      case "header":
        this.#addHeader(event.name, event.value);
        break;
      case "body":
        this.chunk = alone(event.chunk.bytes);
        this.chunkTaken = false;
        this.chunks++;
        break;
      case "unknown":
        this.addEnvelope(event.command.length);
        if (this.over === undefined && this.extensions.length < MAX_EXTENSIONS) {
          this.extensions.push(event.command);
        }
        break;
    }
  }
}

/** The bytes of an address and its arguments. */
function sizeOf({ address, arguments: rest }: Mail<Slice> | Rcpt<Slice>): number {
  return rest.reduce((size, argument) => size + argument.length, address.length);
}
