import type { EditedMessage } from "../mta/edited_message.ts";
import { type MailField, sameName } from "../mta/mail.ts";
import type { Body, Command } from "../protocol/commands.ts";
import { chunkLimit, PROTOCOL } from "../protocol/flags.ts";
import type { Agreement } from "../protocol/replies.ts";
import { decodeText, encodeText } from "../wire/text.ts";

type Flags = Pick<Agreement, "protocol">;

/** What an MTA says of the headers of a message as it is now, from the first to the end of them. */
export function* headerEvents(message: EditedMessage, { protocol }: Flags): Iterable<Command> {
  const keepsSpace = (protocol & PROTOCOL.LEADING_SPACE) !== 0;
  for (const { name, value } of message.headers.seen) {
    const told = keepsSpace || value[0] !== SPACE ? value : value.subarray(1);
    yield { type: "header", name, value: upToNul(told) };
  }
  yield { type: "endOfHeaders" };
}

/** The pieces of a body as an MTA tells them: each as long as was agreed, but for the last. */
export async function* bodyEvents(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { protocol }: Flags,
): AsyncIterable<Body> {
  const limit = chunkLimit(protocol);
  let piece = new Uint8Array(limit);
  let size = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length;) {
      if (size === 0 && chunk.length - at >= limit) {
        yield { type: "body", chunk: chunk.subarray(at, at += limit) };
        continue;
      }
      const taken = chunk.subarray(at, at + limit - size);
      piece.set(taken, size);
      size += taken.length;
      at += taken.length;
      if (size < limit) continue;
      yield { type: "body", chunk: piece };
      piece = new Uint8Array(limit);
      size = 0;
    }
  }
  if (size > 0) yield { type: "body", chunk: piece.subarray(0, size) };
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
