import { bracketed, joinArguments } from "../envelope.ts";
import { checkHeaderName, type Header, NewHeader } from "../header.ts";
import { composeValue } from "../header_value.ts";
import { type FixedPlace, HeaderOrder, type HeaderPlace } from "./header_order.ts";

/** A change to the recipients. */
export interface RecipientEdit {
  readonly type: "add" | "remove";
  /** The recipient in `<>`. */
  readonly address: string;
  /** ESMTP arguments, a space between. */
  readonly arguments?: string | undefined;
}

/** A change to the headers; a new header holds its own value. */
type HeaderEdit =
  | { readonly type: "add"; readonly header: NewHeader; readonly place: FixedPlace }
  | { readonly type: "update"; readonly header: Header; readonly value: string }
  | { readonly type: "delete"; readonly header: Header };

/** What is known of the message that is edited. */
export interface Edited {
  /** Its headers: a list that may still grow. */
  readonly headers: readonly Header[];
  /** Whether it is under SMTPUTF8, so that headers may hold UTF-8 (RFC 6532). */
  readonly utf8: boolean;
}

/**
 * What a filter wants changed, as it was said. Nothing is sent before the verdict: the planner turns the
 * record into what goes to the MTA.
 */
export class Edits {
  /** The headers as they are wished; made when the first is edited. */
  order: HeaderOrder | undefined;
  /** Recipients to add and to remove, in the order in which they were asked for. */
  readonly recipients: RecipientEdit[] = [];
  /** The new sender. */
  sender: { readonly address: string; readonly arguments: string | undefined } | undefined;
  /** The new body: whole, or to be read when the verdict has been reached. */
  body: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** Why the message goes into quarantine. */
  quarantine: string | undefined;

  readonly #message: Edited;
  readonly #headerEdits: HeaderEdit[] = [];

  constructor(message: Edited) {
    this.#message = message;
  }

  /** Whether there is nothing to send. */
  get empty(): boolean {
    return this.order === undefined && this.recipients.length === 0 && this.sender === undefined &&
      this.body === undefined && this.quarantine === undefined;
  }

  /** Forgets all of it. */
  clear(): void {
    this.recipients.length = 0;
    this.#headerEdits.length = 0;
    this.order =
      this.sender =
      this.body =
      this.quarantine =
        undefined;
  }

  addHeader(name: string, value: string, place: HeaderPlace): Header {
    const header = new NewHeader(checkHeaderName(name), value, this.#compose(name, value));
    this.#edit({ type: "add", header, place: this.#ordered().resolve(name, place) });
    return header;
  }

  updateHeader(header: Header, value: string): void {
    this.#ordered().check(header);
    const composed = this.#compose(header.name, value);
    if (value === "") {
      throw new TypeError(`Cannot update header ${header.name}: an empty value would delete it`);
    }
    if (header instanceof NewHeader) header.set(value, composed);
    else this.#edit({ type: "update", header, value: composed });
  }

  deleteHeader(header: Header): void {
    this.#ordered().check(header);
    this.#edit({ type: "delete", header });
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

  /**
   * Adds the edits of a filter that stands behind. Of two new values, senders and bodies its own hold; a header that
   * was deleted before stays so.
   */
  append(later: Edits): void {
    for (const edit of later.#headerEdits) {
      const order = this.#ordered();
      if (edit.type === "add" || order.has(edit.header)) this.#edit(edit);
    }
    this.recipients.push(...later.recipients);
    this.sender = later.sender ?? this.sender;
    this.body = later.body ?? this.body;
    this.quarantine ??= later.quarantine;
  }

  #edit(edit: HeaderEdit): void {
    this.#headerEdits.push(edit);
    const order = this.#ordered();
    if (edit.type === "add") order.add(edit.header, edit.place);
    else if (edit.type === "update") order.update(edit.header, edit.value);
    else order.remove(edit.header);
  }

  #ordered(): HeaderOrder {
    return this.order ??= new HeaderOrder(this.#message.headers);
  }

  #compose(name: string, value: string): string {
    return composeValue(name, value, { utf8: this.#message.utf8 });
  }
}

function filled(address: string): string {
  const path = bracketed(address);
  if (path === "<>") throw new TypeError("Cannot edit recipients: the address is empty");
  return path;
}
