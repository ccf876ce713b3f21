import { MilterError } from "../errors.ts";
import type { Field, Take } from "../wire/fields.ts";
import { Reader } from "../wire/reader.ts";
import { type Slice, viewOf } from "../wire/slice.ts";
import type { Text } from "../wire/text.ts";
import { Writer } from "../wire/writer.ts";
import { type Command, COMMANDS } from "./commands.ts";
import { REPLIES, type Reply } from "./replies.ts";

/** One kind of message: its row, laid out for speed. */
interface Layout {
  readonly type: string;
  readonly code: number;
  readonly message: (take: Take) => Typed;
  /** The names of its fields, and the fields themselves. */
  readonly names: readonly string[];
  readonly fields: readonly Field<unknown, never>[];
  /** Its packet, where that is always the same because there are no fields. */
  readonly packet: Uint8Array | undefined;
}

type Typed = { readonly type: string };

/** The two directions of a set of messages: `Out` as decoded, `In` as handed in. */
export interface Codec<Out, In> {
  /** A message from a packet, its code first; its values are parts of the packet's bytes. */
  readonly decode: (packet: Reader) => Out;
  /** Puts a message at the end of what a writer holds, whole or not at all. */
  readonly encode: (writer: Writer, message: In) => void;
}

type Table<Out extends Typed> = {
  readonly [K in Out["type"]]: {
    readonly code: string;
    readonly message: (take: Take) => Extract<Out, { readonly type: K }>;
  };
};

/** Lays out a row: its message is taken once from nowhere, to learn what fields it asks for. */
function layOut(row: { readonly code: string; readonly message: (take: Take) => Typed }): Layout {
  const fields: Field<unknown, never>[] = [];
  const { type, ...values } = row.message((field) => {
    fields.push(field);
    return undefined as never;
  });
  const code = row.code.charCodeAt(0);
  return {
    type,
    code,
    message: row.message,
    names: Object.keys(values),
    fields,
    packet: fields.length > 0 ? undefined : Uint8Array.of(0, 0, 0, 1, code),
  };
}

function codec<Out extends Typed, In extends Typed>(kind: string, table: Table<Out>): Codec<Out, In> {
  const byCode: (Layout | undefined)[] = [];
  const byType = new Map<string, Layout>();
  for (const type of Object.keys(table) as Out["type"][]) {
    const layout = layOut(table[type]);
    byCode[layout.code] = layout;
    byType.set(layout.type, layout);
  }

  return {
    decode(packet) {
      const code = packet.left > 0 ? packet.u8() : undefined;
      const layout = code === undefined ? undefined : byCode[code];
      if (layout === undefined) {
        const why = code === undefined
          ? "its packet is empty"
          : `there is none with the code 0x${code.toString(16).padStart(2, "0")}`;
        throw new MilterError("MESSAGE", `Cannot decode ${kind}: ${why}`, { side: "peer" });
      }
      packet.contents = layout;
      const message = layout.message(packet.take);
      packet.finish();
      // A row is found by its code, and makes its own message: this is where that proof is spent.
      return message as Out;
    },
    encode(writer, message) {
      const layout = byType.get(message.type);
      if (layout === undefined) {
        throw new TypeError(`Cannot encode ${kind}: there is none called "${message.type}"`);
      }
      if (layout.packet !== undefined) return writer.constant(layout.packet);
      const values = message as { readonly [name: string]: unknown };
      writer.open(layout.type, layout.code);
      try {
        for (let at = 0; at < layout.fields.length; at++) {
          const name = writer.field = layout.names[at]!;
          layout.fields[at]!.encode(writer, values[name] as never);
        }
      } catch (error) {
        writer.undo();
        throw error;
      }
      writer.close();
    },
  };
}

/** What an MTA says. */
export const commandCodec: Codec<Command<Slice>, Command<Text>> = codec("command", COMMANDS);

/** What a filter says. */
export const replyCodec: Codec<Reply<Slice>, Reply<Text>> = codec("reply", REPLIES);

/** The same message, with views of the bytes of all its values. */
export function withViews(message: Command<Slice>): Command;
export function withViews(message: Reply<Slice>): Reply;
export function withViews(message: Typed): Typed {
  const values: Record<string, unknown> & Typed = { ...message };
  for (const name in values) values[name] = viewOf(values[name]);
  return values;
}

function packetOf<In>(encode: Codec<unknown, In>["encode"], message: In): Uint8Array {
  const writer = new Writer();
  encode(writer, message);
  // The packet of a message without fields is shared; this one is the caller's own.
  return writer.take().slice();
}

/**
 * One command as the bytes of a packet, its length in front.
 *
 * @throws {TypeError | RangeError} if a value cannot stand in its field.
 */
export function encodeCommand(command: Command<Text>): Uint8Array {
  return packetOf(commandCodec.encode, command);
}

/**
 * One command from the bytes of a packet without its length, as a {@linkcode Framer} gives them.
 *
 * @throws {MilterError} `MESSAGE` if the code is unknown or a field is broken.
 */
export function decodeCommand(packet: Uint8Array): Command {
  return withViews(commandCodec.decode(new Reader().open(packet)));
}

/**
 * One reply as the bytes of a packet, its length in front.
 *
 * @throws {TypeError | RangeError} if a value cannot stand in its field.
 */
export function encodeReply(reply: Reply<Text>): Uint8Array {
  return packetOf(replyCodec.encode, reply);
}

/**
 * One reply from the bytes of a packet without its length, as a {@linkcode Framer} gives them.
 *
 * @throws {MilterError} `MESSAGE` if the code is unknown or a field is broken.
 */
export function decodeReply(packet: Uint8Array): Reply {
  return withViews(replyCodec.decode(new Reader().open(packet)));
}
