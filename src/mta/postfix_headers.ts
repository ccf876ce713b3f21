import { encodeText, type Text } from "../wire/text.ts";
import {
  type DeliveredField,
  type HeaderList,
  type HeaderListOptions,
  OWN_VALUES,
  type OwnValues,
  RESENT,
  writtenValue,
} from "./header_list.ts";
import { type MailField, oneOf, sameName } from "./mail.ts";

/** What Postfix makes where it is missing, below all other headers, in this order. */
const MADE: readonly (readonly [name: string, value: keyof OwnValues])[] = [
  ["Message-Id", "messageId"],
  ["Date", "date"],
  ["From", "from"],
];

/** What Postfix drops when a message comes in, so that no filter sees it: `message_drop_headers`. */
const DROPPED: readonly Uint8Array[] = ["Bcc", "Content-Length", "Resent-Bcc", "Return-Path"].map(encodeText);

/** A line of a value that has no white space before it gets this. */
const INDENT = Uint8Array.of(0x09);

/** Headers by the rules of Postfix: one plain list, which each edit changes for the next. */
export class PostfixHeaders implements HeaderList {
  readonly shown: readonly MailField[];
  readonly #fields: DeliveredField[];
  /** What Postfix says of itself, which it does not count when a filter changes a header. */
  readonly #trace: DeliveredField;
  #leadingSpace: boolean;

  constructor(received: readonly MailField[], options: HeaderListOptions = {}) {
    this.#leadingSpace = options.leadingSpace ?? false;
    const values = { ...OWN_VALUES, ...options.own };
    const own = (name: string, value: Text): MailField => {
      return { name: encodeText(name), value: writtenValue(value, false, INDENT) };
    };
    // Of a message that is sent on it makes these headers anew, and not the first ones.
    const prefix = received.some(({ name }) => oneOf(RESENT, name)) ? "Resent-" : "";
    const missing = options.local === false
      ? []
      : MADE.map(([name, value]) => own(prefix + name, values[value])).filter(({ name }) =>
        !received.some((field) => sameName(field.name, name))
      );
    this.shown = [...received.filter(({ name }) => !oneOf(DROPPED, name)), ...missing];
    this.#trace = { ...own("Received", values.received), received: undefined };
    this.#fields = [this.#trace, ...this.shown.map((field) => ({ ...field, received: field }))];
  }

  get seen(): readonly MailField[] {
    return this.#fields.filter((field) => field !== this.#trace);
  }

  editedBy(leadingSpace: boolean): void {
    this.#leadingSpace = leadingSpace;
  }

  add(name: Text, value: Text): void {
    this.#fields.push(this.#made(name, value));
  }

  insert(index: number, name: Text, value: Text): void {
    this.#fields.splice(index, 0, this.#made(name, value));
  }

  change(index: number, name: Text, value: Text): void {
    const at = this.#find(Math.max(index, 1), encodeText(name));
    if (value.length === 0) {
      if (at >= 0) this.#fields.splice(at, 1);
    } else if (at >= 0) {
      this.#fields[at] = { ...this.#made(name, value), received: this.#fields[at]!.received };
    } else {
      this.add(name, value);
    }
  }

  delivered(): readonly DeliveredField[] {
    return this.#fields;
  }

  /** Where a namesake stands; -1 past the last. */
  #find(index: number, name: Uint8Array): number {
    return this.#fields.findIndex((field) =>
      field !== this.#trace && sameName(field.name, name) && --index === 0
    );
  }

  #made(name: Text, value: Text): DeliveredField {
    return {
      name: encodeText(name),
      value: writtenValue(value, this.#leadingSpace, INDENT),
      received: undefined,
    };
  }
}
