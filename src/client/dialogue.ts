import {
  type Command,
  COMMANDS,
  type MacroDefinitions,
  Macros,
  type Reply,
  type Text,
} from "../protocol/mod.ts";
import { decodeText, encodeText } from "../wire/text.ts";

/** How much of a body is shown. */
const SHOWN = 60;

/**
 * All that is said, in the order in which it is: between the client and the MTA (`C:`, `S:`), and between the MTA
 * (`>`) and the filter (`<`).
 */
export class Dialogue {
  readonly #lines: string[] = [];

  /** How many lines there are. */
  get length(): number {
    return this.#lines.length;
  }

  client(line: string): void {
    this.#lines.push(`C: ${line}`);
  }

  server(answer: string): void {
    for (const line of answer.split("\r\n")) this.#lines.push(`S: ${line}`);
  }

  /** What the MTA says to a milter, which has a name where there are several. */
  command(command: Command<Text>, milter = ""): void {
    const text = command.type === "macros" ? describeMacros(command) : describe(command);
    this.#lines.push(`   ${milter}> ${text}`);
  }

  /** What a milter says. */
  reply(reply: Reply, milter = ""): void {
    this.#lines.push(`   ${milter}< ${describe(reply)}`);
  }

  /** Something that happens beside what is said. */
  note(text: string): void {
    this.#lines.push(...text.split("\n").map((line) => `   ! ${line}`));
  }

  /** The text from a line on. */
  since(line: number): string {
    return this.#lines.slice(line).map((text) => `${text}\n`).join("");
  }
}

/** A message of the protocol as a person reads it: `header "Subject" " Hello"`. */
function describe(message: Command<Text> | Reply): string {
  const { type, ...fields } = message;
  const values = Object.entries(fields).map(([name, value]) => {
    if (name === "chunk") return describeChunk(value as Text);
    if (name === "actions" || name === "protocol") return `${name} 0x${(value as number).toString(16)}`;
    return JSON.stringify(plain(value));
  });
  return [type, ...values.filter((value) => value !== undefined)].join(" ");
}

/** `macros for mail i="1A2B3C40001" {mail_addr}="arthur@client.example"` */
function describeMacros({ stage, definitions }: MacroDefinitions<Text>): string {
  const command = Object.entries(COMMANDS).find(([, { code }]) => code === stage)?.[0] ?? stage;
  const values = Macros.none.define(stage, encodeText(definitions)).toObject();
  const pairs = Object.entries(values).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return ["macros for", command, ...pairs].join(" ");
}

function describeChunk(chunk: Text): string | undefined {
  if (chunk.length === 0) return undefined;
  const text = plain(typeof chunk === "string" ? chunk : chunk.subarray(0, SHOWN)) as string;
  return `${chunk.length} bytes ${JSON.stringify(text.slice(0, SHOWN))}${chunk.length > SHOWN ? "…" : ""}`;
}

/** A value with text instead of bytes. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return decodeText(value);
  return Array.isArray(value) ? value.map(plain) : value;
}
