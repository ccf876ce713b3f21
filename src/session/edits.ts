import { bracketed, joinArguments } from "./envelope.ts";
import { checkHeaderName, checkHeaderValue, type Header, NewHeader } from "./header.ts";

/**
 * Where a new header goes: above all headers, below all, or beside one of the message or one that was
 * added before.
 */
export type HeaderPlace = "start" | "end" | { readonly before: Header } | { readonly after: Header };

/** A change to the recipients. */
export interface RecipientEdit {
  readonly type: "add" | "remove";
  /** The recipient in `<>`. */
  readonly address: string;
  /** ESMTP arguments, a space between. */
  readonly arguments?: string | undefined;
}

/**
 * What a filter wants changed, as it was said. Nothing is sent before the verdict: the planner turns the
 * record into what goes to the MTA.
 */
export class Edits {
  /** New headers, each with its place, in the order in which they were asked for. */
  readonly added: { readonly header: NewHeader; readonly place: HeaderPlace }[] = [];
  /** Headers of the message with their new value. */
  readonly updated: Map<Header, string> = new Map();
  /** Headers that go: of the message, or new ones that were thought better of. */
  readonly deleted: Set<Header> = new Set();
  /** Recipients to add and to remove, in the order in which they were asked for. */
  readonly recipients: RecipientEdit[] = [];
  /** The new sender. */
  sender: { readonly address: string; readonly arguments: string | undefined } | undefined;
  /** The new body. */
  body: Uint8Array | undefined;
  /** Why the message goes into quarantine. */
  quarantine: string | undefined;

  readonly #received: readonly Header[];

  /** Edits of a message with these headers, a list that may still grow. */
  constructor(received: readonly Header[]) {
    this.#received = received;
  }

  /** Whether there is nothing to send. */
  get empty(): boolean {
    return this.added.length === 0 && this.updated.size === 0 && this.deleted.size === 0 &&
      this.recipients.length === 0 && this.sender === undefined && this.body === undefined &&
      this.quarantine === undefined;
  }

  /** Forgets all of it. */
  clear(): void {
    this.added.length = this.recipients.length = 0;
    this.updated.clear();
    this.deleted.clear();
    this.sender = this.body = this.quarantine = undefined;
  }

  addHeader(name: string, value: string, place: HeaderPlace): Header {
    const header = new NewHeader(checkHeaderName(name), checkHeaderValue(name, value));
    if (place !== "start" && place !== "end") this.#checkKnown(anchorOf(place));
    this.added.push({ header, place });
    return header;
  }

  updateHeader(header: Header, value: string): void {
    this.#checkKnown(header);
    checkHeaderValue(header.name, value);
    if (value === "") {
      throw new TypeError(`Cannot update header ${header.name}: an empty value would delete it`);
    }
    if (header instanceof NewHeader) header.text = value;
    else this.updated.set(header, value);
  }

  deleteHeader(header: Header): void {
    this.#checkKnown(header);
    this.deleted.add(header);
  }

  setSender(address: string, values: readonly string[] | undefined): void {
    this.sender = { address: bracketed(address), arguments: joinArguments(values) };
  }

  addRecipient(address: string, values: readonly string[] | undefined): void {
    this.recipients.push({ type: "add", address: filled(address), arguments: joinArguments(values) });
  }

  removeRecipient(address: string): void {
    this.recipients.push({ type: "remove", address: filled(address) });
  }

  #checkKnown(header: Header): void {
    const known = this.#received.includes(header) ||
      this.added.some((addition) => addition.header === header);
    if (!known) throw new TypeError(`Cannot edit header ${header?.name}: it is none of this message's`);
    if (this.deleted.has(header)) throw new TypeError(`Cannot edit header ${header.name}: it was deleted`);
  }
}

/** The header that a place is beside. */
export function anchorOf(place: Exclude<HeaderPlace, string>): Header {
  if (typeof place === "object" && place !== null) {
    if ("before" in place) return place.before;
    if ("after" in place) return place.after;
  }
  throw new TypeError('Cannot insert header: its place must be "start", "end", { before } or { after }');
}

function filled(address: string): string {
  const path = bracketed(address);
  if (path === "<>") throw new TypeError("Cannot edit recipients: the address is empty");
  return path;
}
