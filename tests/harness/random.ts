/** Random input for property tests, repeatable by its seed: `KILTER_SEED=… deno test -A`. */

import process from "node:process";
import { test, type TestOptions } from "./declare.ts";

/** Numbers, bytes and choices that follow from a seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 to 2³² − 1. */
  uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** An integer from 0 to `limit` − 1. */
  below(limit: number): number {
    return Math.floor(this.uint32() / 2 ** 32 * limit);
  }

  /** An integer from `first` to `last`, both included. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  /** `true` in one of two cases, or with the given probability. */
  chance(probability = 0.5): boolean {
    return this.uint32() < probability * 2 ** 32;
  }

  /** One of the choices. */
  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new RangeError("Cannot pick: there is no choice");
    return choices[this.below(choices.length)]!;
  }

  /** A list of as many items as asked for. */
  list<T>(length: number, item: () => T): T[] {
    return Array.from({ length }, item);
  }

  /** So many bytes. */
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** The bytes cut into pieces at random places. A piece may be empty, as a read from a socket may be. */
  split(bytes: Uint8Array, pieces: number): Uint8Array[] {
    const cuts = this.list(pieces - 1, () => this.between(0, bytes.length)).sort((a, b) => a - b);
    return [0, ...cuts].map((cut, piece) => bytes.subarray(cut, cuts[piece] ?? bytes.length));
  }
}

/** What a property may ask for beyond its name. */
export interface PropertyOptions extends TestOptions {
  /** How many random cases are tried. Default: 200. */
  readonly runs?: number;
}

/** The body of a property: one random case of it. */
export type PropertyBody = (random: Random) => void | Promise<void>;

/** Declares a test of something that holds for every input. A failure names the seed that repeats it. */
export function property(name: string, body: PropertyBody): void;
export function property(name: string, options: PropertyOptions, body: PropertyBody): void;
export function property(name: string, ...rest: [PropertyBody] | [PropertyOptions, PropertyBody]): void {
  const [options, body] = rest.length === 1 ? [{}, rest[0]] : rest;
  const { runs = 200, ...testOptions } = options;
  test(name, testOptions, async () => {
    const first = Number(process.env["KILTER_SEED"] ?? Date.now() >>> 0);
    for (let seed = first; seed < first + runs; seed++) {
      try {
        await body(new Random(seed));
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`KILTER_SEED=${seed} repeats this: ${message}`, { cause });
      }
    }
  });
}
