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
import { concat } from "../wire/concat.ts";
import { type MailField, oneOf, sameName } from "./mail.ts";

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
  /** Whether an earlier filter has deleted it. */
  gone: boolean;
}

/**
 * The headers that Sendmail's configuration starts each message with, in this order. Those with a value
 * are delivered where the message has none of that name.
 */
const DEFAULTS: readonly (readonly [name: string, value?: keyof OwnValues])[] = [
  ["Return-Path"],
  ["Received", "received"],
  ["Resent-Date", "date"],
  ["Date", "date"],
  ["Resent-From", "from"],
  ["From", "from"],
  ["Full-Name"],
  ["Resent-Message-Id", "messageId"],
  ["Message-Id", "messageId"],
];

const RECEIVED = encodeText("Received");

/**
 * What Sendmail never sends on, whoever has written it: it keeps two of these for the last delivery, and
 * deletes the third.
 */
const UNSENT: readonly Uint8Array[] = ["Return-Path", "Full-Name", "Content-Length"].map(encodeText);

/** What Sendmail takes for missing if it is empty, so that no filter sees it: those that it makes itself. */
const NEVER_EMPTY: readonly Uint8Array[] = [
  ...["Resent-Date", "Date", "Resent-From", "From", "Full-Name", "Resent-Message-Id", "Message-Id"],
].map(encodeText);

/** Recipients that nobody may see: emptied if the message names no others, else left out. */
const BLIND: readonly Uint8Array[] = ["Bcc", "Resent-Bcc"].map(encodeText);
const RECIPIENTS: readonly Uint8Array[] = ["To", "Cc", "Apparently-To"].map(encodeText);

const FULL_NAME = encodeText("Full-Name");
const SPACE = 0x20;
const TAB = 0x09;
const NOTHING = new Uint8Array(0);

/** A line of a value that has no white space before it gets this. */
const INDENT = Uint8Array.of(0x20);

/**
 * Headers by the rules of Sendmail: a list that starts with hidden places, and loses none.
 *
 * One thing is left out: on its way out Sendmail writes the addresses in headers anew, and completes those
 * that have no domain.
 */
export class SendmailHeaders implements HeaderList {
  readonly shown: readonly MailField[];
  readonly #places: Place[];
  readonly #unsent: readonly Uint8Array[];
  #leadingSpace: boolean;

  constructor(received: readonly MailField[], options: HeaderListOptions = {}) {
    this.#leadingSpace = options.leadingSpace ?? false;
    this.shown = received.filter(({ name, value }) => !isBlank(value) || !oneOf(NEVER_EMPTY, name));
    // An empty one is not seen either, but counts here.
    const resent = received.some(({ name }) => oneOf(RESENT, name));
    const names = (list: readonly Uint8Array[]) => this.shown.some(({ name }) => oneOf(list, name));
    // It sends these on only of a message that has come with one of them.
    this.#unsent = [...UNSENT, ...resent ? [] : RESENT, ...names(RECIPIENTS) ? BLIND : []];
    const values = valuesFor(this.shown, { ...OWN_VALUES, ...options.own });
    const defaults = DEFAULTS.map(([text, key]): Place => {
      const name = encodeText(text);
      const replaced = key !== "received" && this.shown.some((field) => sameName(field.name, name));
      const value = key === undefined || replaced ? undefined : writtenValue(values[key], false, INDENT);
      return { name, value, received: undefined, user: false, default: key !== "received", gone: false };
    });
    this.#places = [
      ...defaults,
      ...this.shown.map((field): Place => ({
        ...field,
        received: field,
        user: true,
        default: false,
        gone: false,
      })),
    ];
  }

  get seen(): readonly MailField[] {
    return this.#places.flatMap(({ name, value, user }) =>
      user && value !== undefined ? [{ name, value }] : []
    );
  }

  /** What one filter has deleted the next cannot name, but its place still counts where headers are inserted. */
  editedBy(leadingSpace: boolean): void {
    this.#leadingSpace = leadingSpace;
    for (const place of this.#places) place.gone = place.user && place.value === undefined;
  }

  /** Sets Sendmail's own header of that name if it has one that was not set before; else adds a new one. */
  add(name: Text, value: Text): void {
    const bytes = encodeText(name);
    const unset = this.#places.find((place) => place.default && sameName(place.name, bytes));
    if (unset !== undefined) {
      this.#set(unset, value);
      if (unset.value?.length === 0) unset.value = undefined;
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
      this.#set(place, value);
    } else {
      this.#addNew(bytes, value);
    }
  }

  delivered(): readonly DeliveredField[] {
    const fields: DeliveredField[] = [];
    for (const { name, value, received } of this.#places) {
      if (value === undefined || oneOf(this.#unsent, name)) continue;
      fields.push({ name, value: oneOf(BLIND, name) ? NOTHING : value, received });
    }
    return fields;
  }

  /** A namesake by its number; past the last the one that Sendmail has itself, if any. */
  #find(index: number, name: Uint8Array): Place | undefined {
    let own: Place | undefined;
    for (const place of this.#places) {
      if (place.gone || !sameName(place.name, name)) continue;
      if (!place.user) own = sameName(name, RECEIVED) ? undefined : place;
      else if (--index <= 0) return place;
    }
    return own;
  }

  #set(place: Place, value: Text): void {
    place.value = this.#written(value);
    place.user = true;
    place.default = false;
  }

  /** Adds a header before its first namesake, or below all others. */
  #addNew(name: Uint8Array, value: Text): void {
    const at = this.#places.findIndex((place) => sameName(place.name, name));
    this.#places.splice(at < 0 ? this.#places.length : at, 0, this.#made(name, value));
  }

  #made(name: Uint8Array, value: Text): Place {
    return {
      name,
      value: this.#written(value),
      received: undefined,
      user: true,
      default: false,
      gone: false,
    };
  }

  #written(value: Text): Uint8Array {
    return writtenValue(value, this.#leadingSpace, INDENT);
  }
}

/** A made From has the name that the message gives of its author. */
function valuesFor(fields: readonly MailField[], values: Required<OwnValues>): Required<OwnValues> {
  const author = fields.find(({ name }) => sameName(name, FULL_NAME));
  if (author === undefined) return values;
  const [start, end] = [" <", ">"].map(encodeText) as [Uint8Array, Uint8Array];
  const name = author.value.subarray(author.value.findIndex((byte) => byte !== SPACE && byte !== TAB));
  return { ...values, from: concat([name, start, encodeText(values.from), end]) };
}

function isBlank(value: Uint8Array): boolean {
  return value.every((byte) => byte === SPACE || byte === TAB);
}
