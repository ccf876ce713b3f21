import type { EditedMessage } from "../mta/edited_message.ts";
import { type MailField, sameName } from "../mta/mail.ts";
import {
  type Agreement,
  type Command,
  decodeText,
  encodeText,
  PROTOCOL,
  type Text,
} from "../protocol/mod.ts";
import { chunkLimit } from "../protocol/flags.ts";

/** What an MTA says of the text of a message, from its first header to its end. */
export function* messageEvents(
  message: EditedMessage,
  { protocol }: Pick<Agreement, "protocol">,
): Iterable<Command<Text>> {
  const keepsSpace = (protocol & PROTOCOL.LEADING_SPACE) !== 0;
  for (const { name, value } of message.headers.shown) {
    const told = keepsSpace || value[0] !== SPACE ? value : value.subarray(1);
    yield { type: "header", name, value: upToNul(told) };
  }
  yield { type: "endOfHeaders" };
  const { body } = message.mail;
  const limit = chunkLimit(protocol);
  for (let at = 0; at < body.length; at += limit) {
    yield { type: "body", chunk: body.subarray(at, at + limit) };
  }
  yield { type: "endOfMessage", chunk: "" };
}

/** The Message-Id of a message that has one. */
export function messageIdOf(fields: readonly MailField[]): string | undefined {
  const field = fields.find(({ name }) => sameName(name, MESSAGE_ID));
  return field && decodeText(field.value).trim();
}

const MESSAGE_ID: Uint8Array = encodeText("Message-Id");
const SPACE = 0x20;

/** A header goes to the filter as a text that ends with a NUL: what is after one in its value is not told. */
function upToNul(value: Uint8Array): Uint8Array {
  const end = value.indexOf(0);
  return end < 0 ? value : value.subarray(0, end);
}
