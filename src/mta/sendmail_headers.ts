import { encodeText, type Text } from "../wire/text.ts";
import {
  type DeliveredField,
  type HeaderList,
  type HeaderListOptions,
  OWN_VALUES,
  type OwnValues,
  writtenValue,
} from "./header_list.ts";
import { type MailField, sameName } from "./mail.ts";

/** A place in Sendmail's list, which stays when its value goes. */
interface Place {
  readonly name: Uint8Array;
  /** The value; `undefined` where there is nothing to deliver. */
  value: Uint8Array | undefined;
  readonly received: MailField | undefined;
  /** Whether it is the message's or a filter's own: only these are counted. */
  user: boolean;
  /** Whether it is one of Sendmail's own that no filter has set. */
  default: boolean;
}

/**
 * The headers that Sendmail's configuration starts each message with, in this order. Those with a value
 * are delivered where the message has none of that name; the others hold places only.
 */
const DEFAULTS: readonly (readonly [name: string, value?: keyof OwnValues])[] = [
  ["Return-Path"],
  ["Received", "received"],
  ["Resent-Date"],
  ["Date", "date"],
  ["Resent-From"],
  ["From", "from"],
  ["Full-Name"],
  ["Resent-Message-Id"],
  ["Message-Id", "messageId"],
];

const RECEIVED = encodeText("Received");

/** A line of a value that has no white space before it gets this. */
const INDENT = Uint8Array.of(0x20);

/** Headers by the rules of Sendmail: a list that starts with hidden places, and loses none. */
export class SendmailHeaders implements HeaderList {
  readonly shown: readonly MailField[];
  readonly #places: Place[];
  readonly #leadingSpace: boolean;

  constructor(received: readonly MailField[], options: HeaderListOptions = {}) {
    this.#leadingSpace = options.leadingSpace ?? false;
    this.shown = received;
    const values = { ...OWN_VALUES, ...options.own };
    const defaults = DEFAULTS.map(([text, key]): Place => {
      const name = encodeText(text);
      const replaced = key !== "received" && received.some((field) => sameName(field.name, name));
      const value = key === undefined || replaced ? undefined : writtenValue(values[key], false, INDENT);
      return { name, value, received: undefined, user: false, default: key !== "received" };
    });
    this.#places = [
      ...defaults,
      ...received.map((field): Place => ({ ...field, received: field, user: true, default: false })),
    ];
  }

  /** Sets Sendmail's own header of that name if it has one that was not set before; else adds a new one. */
  add(name: Text, value: Text): void {
    const bytes = encodeText(name);
    // The Received headers are a trace: a new one is always one more.
    const first = sameName(bytes, RECEIVED)
      ? undefined
      : this.#places.find((place) => sameName(place.name, bytes));
    if (first?.default) {
      first.value = this.#written(value);
      first.default = false;
    } else {
      this.#addNew(bytes, value);
    }
  }

  insert(index: number, name: Text, value: Text): void {
    this.#places.splice(index + 1, 0, this.#made(encodeText(name), value));
  }

  change(index: number, name: Text, value: Text): void {
    const bytes = encodeText(name);
    const place = this.#find(index, bytes);
    if (value.length === 0) {
      if (place !== undefined) place.value = undefined;
    } else if (place !== undefined) {
      place.value = this.#written(value);
      place.user = true;
    } else {
      this.#addNew(bytes, value);
    }
  }

  delivered(): readonly DeliveredField[] {
    const fields: DeliveredField[] = [];
    for (const { name, value, received } of this.#places) {
      if (value !== undefined) fields.push({ name, value, received });
    }
    return fields;
  }

  /** A namesake by its number; past the last the one that Sendmail has itself, if any. */
  #find(index: number, name: Uint8Array): Place | undefined {
    let own: Place | undefined;
    for (const place of this.#places) {
      if (!sameName(place.name, name)) continue;
      if (!place.user) own = sameName(name, RECEIVED) ? undefined : place;
      else if (--index <= 0) return place;
    }
    return own;
  }

  /** Adds a header before its first namesake, or below all others. */
  #addNew(name: Uint8Array, value: Text): void {
    const at = this.#places.findIndex((place) => sameName(place.name, name));
    this.#places.splice(at < 0 ? this.#places.length : at, 0, this.#made(name, value));
  }

  #made(name: Uint8Array, value: Text): Place {
    return { name, value: this.#written(value), received: undefined, user: true, default: false };
  }

  #written(value: Text): Uint8Array {
    return writtenValue(value, this.#leadingSpace, INDENT);
  }
}
