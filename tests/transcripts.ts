/**
 * What Postfix and Sendmail said to filters, and what those answered: the files in `transcripts/`, whose
 * `INDEX.md` tells what each is about.
 */

import { concat, fromHex } from "./bytes.ts";
import { readText } from "./harness.ts";

/** One thing that the MTA said, and what the filter sent before the MTA's next. */
export interface Exchange {
  /** A packet: its code, then its data. */
  readonly command: Uint8Array;
  /** Packets too. */
  readonly replies: readonly Uint8Array[];
  /** What the filter sent that is no packet. */
  readonly garbage: Uint8Array;
}

/** What one file holds: the connections of a scenario, and what came of it outside of them. */
export interface Recording {
  /** The file: `"postfix/mod-addheader"`. */
  readonly name: string;
  readonly mta: MtaName;
  /** The SMTP session line by line, `C: ` or `S: ` in front; a reply of several lines has ` | ` between. */
  readonly smtp: readonly string[];
  readonly delivered: readonly Delivered[];
  readonly conversations: readonly Conversation[];
}

/** A message as the MTA sent it on. */
export interface Delivered {
  /** `MAIL FROM:<a@example.test> SIZE=123` */
  readonly mail: string;
  /** The lines of all recipients, sorted. */
  readonly rcpt: readonly string[];
  /** Headers and body; of a long message its head and tail only. One character per byte. */
  readonly data?: string;
  readonly head?: string;
  readonly tail?: string;
  /** Of a long message: how many bytes it had, and their SHA-256. */
  readonly len?: number;
  readonly sha256?: string;
}

/** All that passed over one connection. */
export interface Conversation {
  /** The file, and the connection in it: `"postfix/two-filters-a-discards #2"`. */
  readonly name: string;
  readonly mta: MtaName;
  readonly exchanges: readonly Exchange[];
}

export type MtaName = "postfix" | "sendmail";

/** The first line of a transcript. */
interface Heading {
  readonly smtp: readonly string[];
  readonly delivered: readonly Delivered[] | null;
}

/** A line of a transcript. Long payloads were cut: their middle is not known. */
interface Line {
  readonly conn: number | string;
  readonly dir: "mta" | "filter";
  readonly cmd: string;
  readonly hex?: string;
  readonly len?: number;
  readonly head?: string;
  readonly tail?: string;
}

/** Every file. */
export const RECORDINGS: readonly Recording[] = [
  ...await load("postfix"),
  ...await load("sendmail"),
];

/** Every recorded conversation. */
export const CONVERSATIONS: readonly Conversation[] = RECORDINGS.flatMap(({ conversations }) =>
  conversations
);

async function load(mta: MtaName): Promise<Recording[]> {
  const folder = new URL(`./transcripts/${mta}/`, import.meta.url);
  const index = await readText(new URL("INDEX.md", folder));
  const files = [...index.matchAll(/^- `(.+)\.jsonl`/gm)].map(([, name]) => name!);
  return await Promise.all(files.map(async (file) => {
    const [first, ...lines] = (await readText(new URL(`${file}.jsonl`, folder))).trimEnd().split("\n");
    const { smtp, delivered }: Heading = JSON.parse(first!);
    const name = `${mta}/${file}`;
    return {
      name,
      mta,
      smtp,
      delivered: delivered ?? [],
      conversations: conversations(mta, name, lines.map((line): Line => JSON.parse(line))),
    };
  }));
}

function conversations(mta: MtaName, file: string, lines: readonly Line[]): Conversation[] {
  const connections = [...new Set(lines.map(({ conn }) => conn))];
  return connections.map((connection, index) => ({
    name: connections.length === 1 ? file : `${file} #${index + 1}`,
    mta,
    exchanges: exchanges(lines.filter(({ conn }) => conn === connection)),
  }));
}

function exchanges(lines: readonly Line[]): Exchange[] {
  const all: { command: Uint8Array; replies: Uint8Array[]; garbage: Uint8Array }[] = [];
  for (const line of lines) {
    const last = all.at(-1);
    if (line.cmd === "RAW") last!.garbage = concat([last!.garbage, fromHex(line.hex!)]);
    else if (line.cmd.length > 1) continue; // CLOSE, EOF, SLEEP, EXC: notes of whoever recorded it.
    else if (line.dir === "filter") last!.replies.push(packet(line));
    else all.push({ command: packet(line), replies: [], garbage: new Uint8Array(0) });
  }
  return all;
}

function packet({ cmd, hex, len, head, tail }: Line): Uint8Array {
  const code = Uint8Array.of(cmd.charCodeAt(0));
  if (hex !== undefined) return concat([code, fromHex(hex)]);
  const [start, end] = [fromHex(head!), fromHex(tail!)];
  return concat([code, start, new Uint8Array(len! - start.length - end.length).fill(0x2e), end]);
}

/**
 * Runs `body` on every conversation. What fails is told by name, all of it together: one conversation says
 * little, a list of them what they have in common.
 */
export function forEachConversation(body: (conversation: Conversation) => void): void {
  const failures: Error[] = [];
  for (const conversation of CONVERSATIONS) {
    try {
      body(conversation);
    } catch (cause) {
      failures.push(
        new Error(`${conversation.name}: ${cause instanceof Error ? cause.message : cause}`, { cause }),
      );
    }
  }
  if (failures.length > 0) {
    const list = failures.slice(0, 20).map(({ message }) => message).join("\n");
    throw new AggregateError(failures, `${failures.length} conversations failed:\n${list}`);
  }
}
