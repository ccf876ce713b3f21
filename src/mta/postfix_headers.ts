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

/** What Postfix makes where it is missing, below all other headers, in this order. */
const MADE: readonly (readonly [name: string, value: keyof OwnValues])[] = [
  ["Message-Id", "messageId"],
  ["Date", "date"],
  ["From", "from"],
];

/** A line of a value that has no white space before it gets this. */
const INDENT = Uint8Array.of(0x09);

/** Headers by the rules of Postfix: one plain list, which an edit changes for the next. */
export class PostfixHeaders implements HeaderList {
  readonly shown: readonly MailField[];
  readonly #fields: DeliveredField[];
  readonly #leadingSpace: boolean;

  constructor(received: readonly MailField[], options: HeaderListOptions = {}) {
    this.#leadingSpace = options.leadingSpace ?? false;
    const values = { ...OWN_VALUES, ...options.own };
    const own = (name: string, value: Text): MailField => {
      return { name: encodeText(name), value: writtenValue(value, false, INDENT) };
    };
    const missing = MADE.map(([name, value]) => own(name, values[value])).filter(({ name }) =>
      !received.some((field) => sameName(field.name, name))
    );
    this.shown = [...received, ...missing];
    this.#fields = [
      { ...own("Received", values.received), received: undefined },
      ...this.shown.map((field) => ({ ...field, received: field })),
    ];
  }

  add(name: Text, value: Text): void {
    this.#fields.push(this.#made(name, value));
  }

  insert(index: number, name: Text, value: Text): void {
    this.#fields.splice(Math.min(index, this.#fields.length), 0, this.#made(name, value));
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

  /** Where a namesake stands, the topmost field left out: that is the Received of Postfix itself. */
  #find(index: number, name: Uint8Array): number {
    for (let at = 1; at < this.#fields.length; at++) {
      if (sameName(this.#fields[at]!.name, name) && --index === 0) return at;
    }
    return -1;
  }

  #made(name: Text, value: Text): DeliveredField {
    return {
      name: encodeText(name),
      value: writtenValue(value, this.#leadingSpace, INDENT),
      received: undefined,
    };
  }
}
