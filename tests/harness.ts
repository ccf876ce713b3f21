/**
 * The one import of every test file: `test`, assertions, and what tests need on every runtime.
 *
 * Tests run on Deno, Bun and Node from one source, so a test file names no runtime: what differs between
 * them belongs in here.
 */

export {
  assert,
  assertEquals,
  assertExists,
  assertGreater,
  assertInstanceOf,
  assertLess,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
  toBytes,
  toText,
} from "./harness/std.ts";
export { test, type TestBody, type TestOptions } from "./harness/declare.ts";
export { property, type PropertyBody, type PropertyOptions, Random } from "./harness/random.ts";
export { delay, readBytes, readText, type TempDir, tempDir } from "./harness/files.ts";
export { programCommand, runtime } from "./harness/runtime.ts";
