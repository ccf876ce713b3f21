import { MilterError } from "../errors.ts";
import type { Field, FieldsOf } from "../wire/fields.ts";
import type { Span } from "../wire/framer.ts";
import { Reader } from "../wire/reader.ts";
import type { Text } from "../wire/text.ts";
import { Writer } from "../wire/writer.ts";
import { type Command, COMMANDS } from "./commands.ts";
import { REPLIES, type Reply } from "./replies.ts";

/** One kind of message with its table rows laid out for speed. */
interface Layout {
  readonly type: string;
  readonly code: number;
  readonly fields: readonly (Field<unknown> & { readonly name: string })[];
  /** Where there are no fields: the message and its packet, so that none is made again and again. */
  readonly constant: { readonly message: { readonly type: string }; readonly packet: Uint8Array } | undefined;
}

/** The two directions of a set of messages: `Out` as decoded, `In` as handed in. */
export interface Codec<Out, In> {
  /** A message from the bytes of a packet, its code first; its values are views of these bytes. */
  readonly decode: (packet: Span) => Out;
  /** Puts a message at the end of what a writer holds, whole or not at all. */
  readonly encode: (writer: Writer, message: In) => void;
}

type Table<In extends { readonly type: string }> = {
  readonly [K in In["type"]]: {
    readonly code: string;
    readonly fields: FieldsOf<Extract<In, { readonly type: K }>>;
  };
};

function codec<Out extends { readonly type: string }, In extends { readonly type: string }>(
  kind: string,
  table: Table<In>,
): Codec<Out, In> {
  const byCode: (Layout | undefined)[] = [];
  const byType = new Map<string, Layout>();
  for (const type of Object.keys(table) as In["type"][]) {
    const row: { readonly code: string; readonly fields: object } = table[type];
    const fields = Object.entries(row.fields).map(([name, field]) => ({ name, ...field }));
    const code = row.code.charCodeAt(0);
    const layout: Layout = {
      type,
      code,
      fields,
      constant: fields.length > 0 ? undefined : {
        message: Object.freeze({ type }),
        packet: Uint8Array.of(0, 0, 0, 1, code),
      },
    };
    byCode[layout.code] = layout;
    byType.set(type, layout);
  }

  return {
    decode({ bytes, start, end }) {
      const code = start < end ? bytes[start] : undefined;
      const layout = code === undefined ? undefined : byCode[code];
      if (layout === undefined) {
        const why = code === undefined
          ? "its packet is empty"
          : `there is none with the code 0x${code.toString(16).padStart(2, "0")}`;
        throw new MilterError("MESSAGE", `Cannot decode ${kind}: ${why}`, { side: "peer" });
      }
      let message: { readonly type: string } | undefined = layout.constant?.message;
      if (message === undefined || end - start > 1) {
        const reader = new Reader(bytes, layout.type, start + 1, end);
        const values: Record<string, unknown> = { type: layout.type };
        for (let at = 0; at < layout.fields.length; at++) {
          const field = layout.fields[at]!;
          reader.field = field.name;
          values[field.name] = field.decode(reader);
        }
        reader.finish();
        message = values as { readonly type: string };
      }
      // The table's type ties the fields to the message: this is where that proof is spent.
      return message as Out;
    },
    encode(writer, message) {
      const layout = byType.get(message.type);
      if (layout === undefined) {
        throw new TypeError(`Cannot encode ${kind}: there is none called "${message.type}"`);
      }
      if (layout.constant !== undefined) return writer.constant(layout.constant.packet);
      const values = message as { readonly [name: string]: unknown };
      writer.open(layout.type, layout.code);
      try {
        for (const field of layout.fields) {
          writer.field = field.name;
          field.encode(writer, values[field.name]);
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
export const commandCodec: Codec<Command, Command<Text>> = codec("command", COMMANDS);

/** What a filter says. */
export const replyCodec: Codec<Reply, Reply<Text>> = codec("reply", REPLIES);

function spanOf(packet: Uint8Array): Span {
  return { bytes: packet, start: 0, end: packet.length };
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
  return commandCodec.decode(spanOf(packet));
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
  return replyCodec.decode(spanOf(packet));
}
