import { type Command, decodeCommand } from "../../protocol/mod.ts";
import type { Deed } from "./entry.ts";
import type { RecordedConnection } from "./reader.ts";

/** How the answer to a command broke off: the filter closed, or said what is no packet. */
export type Broken = "closed" | "broken";

/** Something that the MTA sent, and what was answered before the MTA's next. */
export interface Step {
  /** A packet, or bytes that are none. */
  readonly deed: Deed;
  /** What the packet says, if it can be understood. */
  readonly command: Command | undefined;
  /** The packets of the answer. */
  readonly replies: readonly Uint8Array[];
  /** Whether the filter failed before the MTA's next. */
  readonly broken: Broken | undefined;
}

/** One connection as it is to be played. */
export interface Script {
  readonly number: number;
  readonly steps: readonly Step[];
  /** Whether each side has closed in the end: a recording may have been cut before. */
  readonly ends: Readonly<Record<"mta" | "filter", boolean>>;
}

/** What was recorded of a connection, command by command. */
export function scriptOf({ number, entries }: RecordedConnection): Script {
  const steps: { deed: Deed; command: Command | undefined; replies: Uint8Array[]; broken?: Broken }[] = [];
  const ends = { mta: false, filter: false };
  for (const entry of entries) {
    const { side, what, bytes } = entry;
    const last = steps.at(-1);
    if (what === "end" || what === "lost") ends[side] = true;
    if (side === "mta") {
      if (what === "packet" || what === "raw") {
        steps.push({ deed: entry, command: what === "packet" ? understood(bytes) : undefined, replies: [] });
      }
    } else if (what === "packet") last?.replies.push(bytes);
    else if (last !== undefined && !ends.mta) last.broken ??= what === "raw" ? "broken" : "closed";
  }
  // Where the recording was ended before the conversation was, the last answer is not known.
  if (!ends.mta && !ends.filter && steps.at(-1)?.replies.length === 0) steps.pop();
  return { number, steps: steps.map((step) => ({ broken: undefined, ...step })), ends };
}

function understood(packet: Uint8Array): Command | undefined {
  try {
    return decodeCommand(packet);
  } catch {
    return undefined; // It is played as it is.
  }
}
