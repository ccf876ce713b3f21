import { encodeText, type Text } from "../wire/text.ts";
import { concat } from "../wire/concat.ts";
import { foldsOf, type MailField } from "./mail.ts";

/**
 * The headers of a message as an MTA keeps them while a filter edits them, with this MTA's rules: where it
 * puts what is added, how it counts, and what it makes itself.
 */
export interface HeaderList {
  /** The fields that a filter sees, in order, as the message came. */
  readonly shown: readonly MailField[];
  /** The fields that a filter sees which is asked now, after the edits of another. */
  readonly seen: readonly MailField[];
  /** Another filter edits from here on; its values hold the space after the colon if that was agreed with it. */
  editedBy(leadingSpace: boolean): void;
  /** `SMFIR_ADDHEADER` */
  add(name: Text, value: Text): void;
  /** `SMFIR_INSHEADER` */
  insert(index: number, name: Text, value: Text): void;
  /** `SMFIR_CHGHEADER`; an empty value deletes. */
  change(index: number, name: Text, value: Text): void;
  /** The fields as they are now, and would be delivered. */
  delivered(): readonly DeliveredField[];
}

/** A field as it would be delivered. */
export interface DeliveredField extends MailField {
  /** The field as the MTA received it, if it is one of these, whatever it says now. */
  readonly received: MailField | undefined;
}

/** What a list of headers depends on. */
export interface HeaderListOptions {
  /** Whether leading space was agreed, so that values hold their own. `false` by default. */
  readonly leadingSpace?: boolean;
  /** The values of the fields that the MTA makes itself. */
  readonly own?: OwnValues;
  /**
   * Whether the client is on the MTA's own machine, `true` by default. For others Postfix makes no field beside
   * its Received: `local_header_rewrite_clients`.
   */
  readonly local?: boolean;
}

/** The values of the fields that an MTA makes itself: without the space after the colon, folds as `\n`. */
export interface OwnValues {
  /** What it says of itself, above all other headers. */
  readonly received?: Text;
  /** For a message without a date. */
  readonly date?: Text;
  /** For a message without an author: the envelope's sender. */
  readonly from?: Text;
  /** For a message without an id. */
  readonly messageId?: Text;
}

/** The values of one's own fields where none are given. */
export const OWN_VALUES: Required<OwnValues> = {
  received: "from client.example by mx.example; Thu, 1 Jan 1970 00:00:00 +0000",
  date: "Thu, 1 Jan 1970 00:00:00 +0000",
  from: "sender@client.example",
  messageId: "<1@mx.example>",
};

/** The headers of a message that somebody sends on: they stand beside the first ones. */
export const RESENT: readonly Uint8Array[] = [
  ...["Resent-Bcc", "Resent-Cc", "Resent-Date", "Resent-From", "Resent-Message-Id", "Resent-Reply-To"],
  ...["Resent-Sender", "Resent-To"],
].map((name) => encodeText(name));

const SPACE = Uint8Array.of(0x20);
const FOLD = Uint8Array.of(0x0a);

/**
 * A value as a filter gave it, as the MTA writes it: with a space after the colon unless the filter has to
 * care for that, and white space before each line but the first. A CR before a fold stays, and is delivered.
 */
export function writtenValue(value: Text, leadingSpace: boolean, indent: Uint8Array): Uint8Array {
  const bytes = encodeText(value);
  const pieces: Uint8Array[] = leadingSpace ? [] : [SPACE];
  for (const [number, line] of foldsOf(bytes).entries()) {
    if (number > 0) pieces.push(FOLD);
    if (number > 0 && line[0] !== 0x20 && line[0] !== 0x09) pieces.push(indent);
    pieces.push(line);
  }
  return concat(pieces);
}
