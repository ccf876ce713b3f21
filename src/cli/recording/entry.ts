/** Who says something: the MTA, or the filter that it calls. */
export type Side = "mta" | "filter";

/** The other of the two. */
export const OTHER: Readonly<Record<Side, Side>> = { mta: "filter", filter: "mta" };

/** What one side of a connection did. */
export interface Deed {
  /**
   * `"packet"`: said something; the bytes are the packet's, its code first, without its length.
   * `"raw"`: sent bytes that are no packet. `"end"`: closed its side. `"lost"`: its connection broke.
   */
  readonly what: "packet" | "raw" | "end" | "lost";
  /** What it sent; none at the end. */
  readonly bytes: Uint8Array;
  /** Why bytes are no packet, or how a connection broke. */
  readonly why?: string;
  /** Whether the bytes after the first are not what was said: they were left out, and only their number is known. */
  readonly leftOut?: boolean;
}

/** One thing that happened on a connection: a line of a recording. */
export interface Entry extends Deed {
  /** Milliseconds since the recording began. */
  readonly t: number;
  /** The number of the connection, from 1. */
  readonly connection: number;
  readonly side: Side;
}

/** What a deed without bytes has. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);
