import { bracketed, joinArguments } from "../envelope.ts";
import { checkHeaderName, type Header, NewHeader } from "../header.ts";
import { composeValue } from "../header_value.ts";
import { HeaderOrder, type HeaderPlace } from "./header_order.ts";

/** A change to the recipients. */
export interface RecipientEdit {
  readonly type: "add" | "remove";
  /** The recipient in `<>`. */
  readonly address: string;
  /** ESMTP arguments, a space between. */
  readonly arguments?: string | undefined;
}

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
  /** Headers of the message with their new value, as it goes out. */
  readonly updated: Map<Header, string> = new Map();
  /** Recipients to add and to remove, in the order in which they were asked for. */
  readonly recipients: RecipientEdit[] = [];
  /** The new sender. */
  sender: { readonly address: string; readonly arguments: string | undefined } | undefined;
  /** The new body: whole, or to be read when the verdict has been reached. */
  body: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** Why the message goes into quarantine. */
  quarantine: string | undefined;

  readonly #message: Edited;

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
    this.updated.clear();
    this.order =
      this.sender =
      this.body =
      this.quarantine =
        undefined;
  }

  addHeader(name: string, value: string, place: HeaderPlace): Header {
    const header = new NewHeader(checkHeaderName(name), value, this.#compose(name, value));
    this.#ordered().add(header, place);
    return header;
  }

  updateHeader(header: Header, value: string): void {
    this.#ordered().check(header);
    const composed = this.#compose(header.name, value);
    if (value === "") {
      throw new TypeError(`Cannot update header ${header.name}: an empty value would delete it`);
    }
    if (header instanceof NewHeader) header.set(value, composed);
    else this.updated.set(header, composed);
  }

  deleteHeader(header: Header): void {
    const order = this.#ordered();
    order.check(header);
    order.remove(header);
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
