/** The courses: what is measured, each by its name. */

import type { FilterName } from "./contenders.ts";

const KB = 1_000;
const MB = 1_000_000;

/** What all kinds of course have. */
interface Named {
  readonly name: string;
  readonly title: string;
  /** The name by which several courses are asked for together. */
  readonly group: string;
  /** How often a full measurement, and a quick one, takes each figure; no quick one by default. */
  readonly rounds: number;
  readonly quick?: number;
  /** Only for these contenders; for all by default. */
  readonly only?: readonly string[];
}

/** Messages as fast as they are answered. */
export interface Race extends Named {
  readonly kind: "race";
  /** Who runs: the contenders, or `kilter serve` on each runtime with one worker and with two. */
  readonly field: "contenders" | "workers";
  readonly filter: FilterName;
  readonly socket: "tcp" | "unix";
  /** Filter and load generator have a processor each. */
  readonly pinned: boolean;
  readonly connections: number;
  /** Messages on each connection. */
  readonly messages: number;
  readonly headers: number;
  /** Bytes. */
  readonly body: number;
  /** How long a round sends messages; it ends when the last of them is answered. */
  readonly seconds: number;
}

/** Memory: at rest, with a thousand idle connections, and while a large body streams. */
export interface Memory extends Named {
  readonly kind: "memory";
  readonly filter: FilterName;
}

/** From the start of the process to its first answer. */
export interface StartUp extends Named {
  readonly kind: "startUp";
}

/** Parts of ours, by `deno bench`. */
export interface Micro extends Named {
  readonly kind: "micro";
}

/** A course of any kind. */
export type Course = Race | Memory | StartUp | Micro;

/** Kilter on each runtime. */
const OURS: readonly string[] = ["kilter-bun", "kilter-deno", "kilter-node20", "kilter-node24"];

/** The contenders whose processor time is measured against the size of messages. */
const GROWING: readonly string[] = [...OURS, "libmilter"];

/** How many headers, and how large bodies, processor time is measured against. */
export const HEADER_COUNTS: readonly number[] = [1, 50, 100, 200, 300, 400];
export const BODY_SIZES: readonly number[] = [0, 200 * KB, 400 * KB, 600 * KB, 800 * KB, 1_000 * KB];

function race(name: string, title: string, rest: Partial<Race> & { readonly group: string }): Race {
  return {
    kind: "race",
    ...{ name, title, rounds: 3, field: "contenders" },
    ...{ filter: "answered", socket: "tcp", pinned: true },
    ...{ connections: 16, messages: 1, headers: 12, body: 4 * KB, seconds: 0.5 },
    ...rest,
  };
}

/** All of them, in the order in which they are run. */
export const COURSES: readonly Course[] = [
  race("answered", "every event answered", { group: "filters", rounds: 7, quick: 3 }),
  race("default", "default negotiation", { group: "filters", filter: "default", rounds: 7, quick: 3 }),
  race("end", "one answer, at the end", { group: "filters", filter: "end", rounds: 7, quick: 3 }),

  race("1x1", "1 connection", { group: "connections", connections: 1, seconds: 0.4 }),
  race("1x20", "1 connection, 20 messages each", {
    group: "connections",
    connections: 1,
    messages: 20,
    seconds: 0.4,
  }),
  race("16x20", "16 connections, 20 messages each", { group: "connections", messages: 20 }),
  race("256x1", "256 connections", { group: "connections", connections: 256 }),
  race("256x20", "256 connections, 20 messages each", {
    group: "connections",
    connections: 256,
    messages: 20,
    seconds: 1,
  }),
  race("1000x1", "1,000 connections", {
    group: "connections",
    connections: 1_000,
    seconds: 0.8,
    rounds: 5,
    quick: 2,
  }),
  race("1000x20", "1,000 connections, 20 messages each", {
    group: "connections",
    connections: 1_000,
    messages: 20,
    seconds: 3,
    rounds: 2,
  }),

  race("unix", "by a Unix socket", { group: "unix", socket: "unix" }),

  race("body-0", "no body", { group: "bodies", body: 0 }),
  race("body-1m", "bodies of 1 MB", { group: "bodies", body: MB, rounds: 5, quick: 2 }),
  race("body-50m", "bodies of 50 MB", { group: "bodies", body: 50 * MB, connections: 1, seconds: 0.4 }),
  race("end-1m", "bodies of 1 MB, one answer", { group: "bodies", filter: "end", body: MB }),

  race("answered-free", "every event answered", { group: "unpinned", pinned: false }),
  race("default-free", "default negotiation", { group: "unpinned", filter: "default", pinned: false }),
  race("end-free", "one answer, at the end", { group: "unpinned", filter: "end", pinned: false }),

  ...HEADER_COUNTS.map((headers) =>
    race(`headers-${headers}`, `${headers} headers`, { group: "headers", headers, only: GROWING })
  ),
  ...BODY_SIZES.map((body) =>
    race(`size-${body / KB}k`, `${body / KB} KB`, { group: "sizes", body, only: GROWING })
  ),

  {
    ...{ kind: "memory", name: "memory", title: "memory, every event answered", group: "memory" },
    ...{ filter: "answered", rounds: 3, quick: 1 },
  },
  {
    ...{ kind: "memory", name: "memory-end", title: "memory, one answer", group: "memory" },
    ...{ filter: "end", rounds: 3, only: OURS },
  },
  {
    ...{ kind: "memory", name: "memory-slow", title: "memory, one answer, slow", group: "memory" },
    ...{ filter: "slow", rounds: 1, only: OURS },
  },
  { kind: "startUp", name: "start-up", title: "start-up", group: "start-up", rounds: 5, quick: 2 },
  race("workers", "two workers beside one", {
    group: "workers",
    field: "workers",
    pinned: false,
    rounds: 5,
    quick: 2,
  }),
  { kind: "micro", name: "micro", title: "parts of Kilter", group: "micro", rounds: 1 },
];

/** The courses of these names or groups; of no names, all, or all that have a quick way. `undefined` for a strange name. */
export function coursesNamed(names: readonly string[], quick: boolean): readonly Course[] | undefined {
  const known = (name: string) => COURSES.some((course) => course.name === name || course.group === name);
  if (!names.every(known)) return undefined;
  if (names.length === 0) return COURSES.filter((course) => !quick || course.quick !== undefined);
  return COURSES.filter(({ name, group }) => names.includes(name) || names.includes(group));
}

/** How many rounds a course takes. */
export function roundsOf({ rounds, quick }: Course, isQuick: boolean): number {
  return isQuick ? quick ?? 1 : rounds;
}
