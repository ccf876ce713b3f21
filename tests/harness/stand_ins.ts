/**
 * What the tests use of `@std/assert` and `@std/streams`, over `node:assert`, which each runtime has: for
 * Bun and Node, and for Deno on a machine that JSR does not answer. Same names, same meaning.
 */

import nodeAssert from "node:assert/strict";

// deno-lint-ignore no-explicit-any -- a constructor of anything, with any arguments
type Class<T> = abstract new (...args: any[]) => T;

export function assert(value: unknown, message = ""): asserts value {
  if (!value) fail(message);
}

export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.deepStrictEqual(actual, expected, message);
}

export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.notDeepStrictEqual(actual, expected, message);
}

export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): asserts actual is T {
  nodeAssert.strictEqual(actual, expected, message);
}

export function assertExists<T>(value: T, message?: string): asserts value is NonNullable<T> {
  if (value === null || value === undefined) fail(message ?? `expected a value, got ${value}`);
}

export function assertInstanceOf<T>(value: unknown, type: Class<T>, message?: string): asserts value is T {
  if (!(value instanceof type)) fail(message ?? `expected ${type.name}, got ${describe(value)}`);
}

export function assertMatch(text: string, pattern: RegExp, message?: string): void {
  if (!pattern.test(text)) fail(message ?? `expected ${JSON.stringify(text)} to match ${pattern}`);
}

export function assertStringIncludes(text: string, part: string, message?: string): void {
  if (!text.includes(part)) {
    fail(message ?? `expected ${JSON.stringify(text)} to contain ${JSON.stringify(part)}`);
  }
}

export function assertGreater<T>(actual: T, expected: T, message?: string): void {
  if (!(actual > expected)) fail(message ?? `expected ${actual} > ${expected}`);
}

export function assertLess<T>(actual: T, expected: T, message?: string): void {
  if (!(actual < expected)) fail(message ?? `expected ${actual} < ${expected}`);
}

export function assertThrows<E extends Error = Error>(
  body: () => unknown,
  type: Class<E> = Error as unknown as Class<E>,
  includes = "",
): E {
  try {
    body();
  } catch (error) {
    return check(error, type, includes);
  }
  return fail(`expected ${type.name} to be thrown`);
}

export async function assertRejects<E extends Error = Error>(
  body: () => PromiseLike<unknown>,
  type: Class<E> = Error as unknown as Class<E>,
  includes = "",
): Promise<E> {
  const promise = body(); // A throw of its own is no rejection, and goes to the test.
  try {
    await promise;
  } catch (error) {
    return check(error, type, includes);
  }
  return fail(`expected a rejection with ${type.name}`);
}

export function fail(message = ""): never {
  throw new nodeAssert.AssertionError({ message: message || "failed" });
}

export function toArrayBuffer(stream: ReadableStream<Uint8Array>): Promise<ArrayBuffer> {
  return new Response(stream as BodyInit).arrayBuffer();
}

export async function toText(stream: ReadableStream): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function check<E extends Error>(error: unknown, type: Class<E>, includes: string): E {
  assertInstanceOf(error, type);
  assertStringIncludes(error.message, includes);
  return error;
}

function describe(value: unknown): string {
  return value instanceof Error ? `${value.name}: ${value.message}` : String(value);
}
