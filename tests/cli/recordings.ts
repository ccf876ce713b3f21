/** What stands in a recording. */

import { parseEntry } from "../../src/cli/recording/format.ts";
import type { Side } from "../../src/cli/recording/entry.ts";
import { concat, frame } from "../bytes.ts";

/** All bytes that a side sent, as they were on the wire. */
export function bytesOf(recording: string, side: Side): Uint8Array {
  const [, ...lines] = recording.trimEnd().split("\n");
  const entries = lines.map(parseEntry).filter((entry) => entry.side === side);
  return concat(entries.map(({ what, bytes }) => what === "packet" ? frame(bytes) : bytes));
}
