/** Recordings that are made up, and played to filters that say what a test has them say. */

import { writeFile } from "node:fs/promises";
import { type Agreement, encodeCommand, encodeReply, type Reply, type Text } from "../../src/protocol/mod.ts";
import type { Entry } from "../../src/cli/recording/entry.ts";
import { formatEntry, formatHeading } from "../../src/cli/recording/format.ts";
import { concat, frame, latin1 } from "../bytes.ts";
import { type TempDir, tempDir } from "../harness.ts";
import { commandOf, CONVERSATION, type Line } from "../mta_commands.ts";
import { type Captured, kilter } from "./captured.ts";
import { type Role, ScriptedFilter } from "./scripted_filter.ts";

/** What was recorded of a connection: commands, each with its answer. */
export type Exchanges = readonly (readonly [command: Line, ...replies: (Reply<Text> | string)[]])[];

export const NOTHING: Uint8Array = new Uint8Array(0);

/** An agreement to which a filter asks for nothing. */
export function agreement(protocol = 0): Agreement {
  return { type: "negotiate", version: 6, actions: 0x1ff, protocol, macros: [] };
}

export function replyOf(reply: Reply<Text> | string): Uint8Array {
  return (typeof reply === "string" ? frame(latin1(reply)) : encodeReply(reply)).subarray(4);
}

/** The entries of a connection that both sides close in the end. */
export function entriesOf(exchanges: Exchanges, connection = 1): Entry[] {
  return [
    ...exchanges.flatMap(([command, ...replies]): Entry[] => [
      entry(connection, "mta", "packet", encodeCommand(commandOf(command)).subarray(4)),
      ...replies.map((reply) => entry(connection, "filter", "packet", replyOf(reply))),
    ]),
    entry(connection, "mta", "end"),
    entry(connection, "filter", "end"),
  ];
}

export function entry(
  connection: number,
  side: Entry["side"],
  what: Entry["what"],
  bytes: Uint8Array = NOTHING,
): Entry {
  return { t: 0, connection, side, what, bytes };
}

export async function save(directory: TempDir, entries: readonly Entry[], redacted = false): Promise<string> {
  const file = directory.file("recording.jsonl");
  await writeFile(file, formatHeading({ redacted }) + entries.map(formatEntry).join(""));
  return file;
}

/** Plays a recording to a filter of one role for all connections. */
export async function replay(
  entries: readonly Entry[],
  role: () => Role,
  ...more: string[]
): Promise<Captured> {
  await using directory = await tempDir();
  await using filter = await ScriptedFilter.listen(role);
  return await kilter("replay", await save(directory, entries), "--to", filter.option, ...more);
}

/** Answers each packet by its code, negotiation included; without a row by "continue", where one is due. */
export function answering(
  answers: Readonly<Record<string, Uint8Array | "close" | "silence">>,
  protocol = 0,
): () => Role {
  return () => ({
    packet(packet) {
      const code = String.fromCharCode(packet[0]!);
      const answer = answers[code];
      if (answer === "silence") return undefined;
      if (answer !== undefined) return answer;
      if (code === "O") return encodeReply(agreement(protocol));
      return "DAQK".includes(code) ? undefined : frame(latin1("c"));
    },
  });
}

export const CONTINUE: Reply = { type: "continue" };

/** A message that was accepted with one edit. */
export const ACCEPTED: Exchanges = [
  ["negotiate", agreement()],
  ...CONVERSATION.slice(0, -1).map((line) => [line, CONTINUE] as const),
  ["endOfMessage", { type: "addHeader", name: "X-Spam", value: "no" }, { type: "accept" }],
  ["quit"],
];

export const EDIT_AND_ACCEPT: Uint8Array = concat([
  encodeReply({ type: "addHeader", name: "X-Spam", value: "no" }),
  encodeReply({ type: "accept" }),
]);
