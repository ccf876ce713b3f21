/**
 * `@std/assert` and `@std/streams` for the tests, where they can be had. Their names are resolved while
 * running, because a plain import would stop every test on a machine that JSR does not answer;
 * `stand_ins.ts` then takes their place.
 */

import { runtime, tellOnce } from "./runtime.ts";
import * as standIns from "./stand_ins.ts";

async function load(): Promise<typeof standIns> {
  if (runtime !== "deno") return standIns; // Bun would look for the bare name on npm, and install it.
  const namespace = (name: string): Promise<typeof standIns> => import(name);
  try {
    return { ...await namespace("@std/assert"), ...await namespace("@std/streams") };
  } catch {
    // Whatever the reason, the tests can run: the stand-ins behave alike.
    tellOnce("@std/assert and @std/streams do not load; the tests use tests/harness/stand_ins.ts instead.");
    return standIns;
  }
}

const std: typeof standIns = await load();

// An assertion narrows only under a name with a written type: hence each once more.

/** Fails unless `value` is truthy. */
export const assert: typeof standIns.assert = std.assert;
/** Fails unless both are deeply equal. */
export const assertEquals: typeof standIns.assertEquals = std.assertEquals;
/** Fails if both are deeply equal. */
export const assertNotEquals: typeof standIns.assertNotEquals = std.assertNotEquals;
/** Fails unless both are the same by `Object.is`. */
export const assertStrictEquals: typeof standIns.assertStrictEquals = std.assertStrictEquals;
/** Fails if `value` is `null` or `undefined`. */
export const assertExists: typeof standIns.assertExists = std.assertExists;
/** Fails unless `value` is an instance of the class. */
export const assertInstanceOf: typeof standIns.assertInstanceOf = std.assertInstanceOf;
/** Fails unless `text` matches the pattern. */
export const assertMatch: typeof standIns.assertMatch = std.assertMatch;
/** Fails unless `text` contains `part`. */
export const assertStringIncludes: typeof standIns.assertStringIncludes = std.assertStringIncludes;
/** Fails unless `actual > expected`. */
export const assertGreater: typeof standIns.assertGreater = std.assertGreater;
/** Fails unless `actual < expected`. */
export const assertLess: typeof standIns.assertLess = std.assertLess;
/** Fails unless `body` throws such an error; returns it. */
export const assertThrows: typeof standIns.assertThrows = std.assertThrows;
/** Fails unless the promise rejects with such an error; resolves to it. */
export const assertRejects: typeof standIns.assertRejects = std.assertRejects;
/** Fails. */
export const fail: typeof standIns.fail = std.fail;

/** All bytes of a stream. */
export async function toBytes(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await std.toArrayBuffer(stream));
}

/** All text of a stream. */
export const toText: typeof standIns.toText = std.toText;
