import { decodeText, encodeText, type Text } from "../wire/text.ts";
import { type Command, COMMANDS, type MacroDefinitions } from "./commands.ts";
import { Macros } from "./macros.ts";
import type { Reply } from "./replies.ts";

/** How much of a body is shown. */
const SHOWN = 60;

/**
 * A message of the protocol as a person reads it: `header "Subject" " Hello"`.
 *
 * @param longest How many bytes of one value are shown, all of them by default.
 */
export function describe(message: Command<Text> | Reply<Text>, longest: number = Infinity): string {
  if (message.type === "macros") return describeMacros(message, longest);
  const { type, ...fields } = message;
  const values = Object.entries(fields).map(([name, value]) => {
    if (name === "chunk") return describeChunk(value as Text);
    if (name === "actions" || name === "protocol") return `${name} 0x${(value as number).toString(16)}`;
    return quote(value, longest);
  });
  return [type, ...values.filter((value) => value !== undefined)].join(" ");
}

/** Bytes that are a piece of a body, or of nothing known: `12 bytes "Hello world."`; nothing if there are none. */
export function describeChunk(chunk: Text): string | undefined {
  if (chunk.length === 0) return undefined;
  const text = typeof chunk === "string" ? chunk : decodeText(chunk.subarray(0, SHOWN));
  return `${chunk.length} bytes ${JSON.stringify(text.slice(0, SHOWN))}${chunk.length > SHOWN ? "…" : ""}`;
}

/** `macros for mail i="1A2B3C40001" {mail_addr}="arthur@client.example"` */
function describeMacros({ stage, definitions }: MacroDefinitions<Text>, longest: number): string {
  const command = Object.entries(COMMANDS).find(([, { code }]) => code === stage)?.[0] ?? stage;
  const values = Macros.none.define(stage, encodeText(definitions)).toObject();
  const pairs = Object.entries(values).map(([name, value]) => `${name}=${quote(value, longest)}`);
  return ["macros for", command, ...pairs].join(" ");
}

/** A value of any kind, text in quotes instead of bytes. */
function quote(value: unknown, longest: number): string | undefined {
  const text = plain(value);
  if (typeof text !== "string" || text.length <= longest) return JSON.stringify(text);
  return `${JSON.stringify(text.slice(0, longest))}… (${encodeText(value as Text).length} bytes)`;
}

/** A value with text instead of bytes. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return decodeText(value);
  return Array.isArray(value) ? value.map(plain) : value;
}
