/** What is on the heap of this process, on every runtime. */

import { getHeapSnapshot, getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import process from "node:process";

/** What is used of Bun's API, so that other runtimes can check this file. */
interface BunApi {
  gc(synchronous: boolean): void;
  generateHeapSnapshot(format: "v8"): string;
}

const { Bun: bun } = globalThis as unknown as { readonly Bun?: BunApi };

const collectOnce = bun === undefined ? v8Collector() : () => bun.gc(true);

/** Collects all garbage. What the last collection has set free may hold more: hence several. */
export async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    collectOnce();
    // Finalizers run in between.
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function v8Collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}

/** The bytes of the heap that are in use, and of the buffers beside it. */
export function heapSize(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/**
 * The bytes that V8 has taken for young objects, whether any are there or not. It takes more when many survive its
 * collections, some 100 MB in the end, and gives little back. Bun has none.
 */
export function youngSize(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === "new_space")?.physical_space_size ?? 0;
}

/** The part of V8's format for snapshots that is read here; Bun writes it too. */
interface Snapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly node_types: readonly [readonly string[], ...unknown[]];
    };
  };
  /** A row of numbers for each thing, one after the other. */
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

/** Kinds of things that a program makes while it runs: not code, nor what the engine keeps for itself. */
const MADE: ReadonlySet<string> = new Set(["object", "closure", "regexp", "native"]);

/** How many things of each class are on the heap when the garbage is collected: `Map`, `closure tick`, `Conversation`. */
export async function countObjects(): Promise<Record<string, number>> {
  await collectGarbage();
  const { snapshot: { meta }, nodes, strings }: Snapshot = JSON.parse(await takeSnapshot());
  const [type, name] = [meta.node_fields.indexOf("type"), meta.node_fields.indexOf("name")];
  const counts: Record<string, number> = {};
  for (let at = 0; at < nodes.length; at += meta.node_fields.length) {
    const kind = meta.node_types[0][nodes[at + type]!]!;
    if (!MADE.has(kind)) continue;
    const title = strings[nodes[at + name]!]!;
    const key = kind === "object" ? title : `${kind} ${title}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

async function takeSnapshot(): Promise<string> {
  if (bun !== undefined) return bun.generateHeapSnapshot("v8");
  const pieces: Uint8Array[] = [];
  for await (const piece of getHeapSnapshot()) pieces.push(piece);
  return await new Blob(pieces as BlobPart[]).text();
}

/** The classes of which there are at least so many more than before, `Map: 7, then 2011`; those that grew most first. */
export function grownBetween(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
  least: number,
): string[] {
  return Object.entries(after)
    .map(([name, count]) => ({ name, count, earlier: before[name] ?? 0 }))
    .filter(({ count, earlier }) => count - earlier >= least)
    .toSorted((a, b) => b.count - b.earlier - (a.count - a.earlier))
    .map(({ name, count, earlier }) => `${name}: ${earlier}, then ${count}`);
}
