/** How a test is declared, by the test runner of the runtime. */

import { runtime, tellOnce } from "./runtime.ts";

/** What a test may ask for beyond its name. */
export interface TestOptions {
  /** Skips the test. Text is the reason, and is shown with it; empty text skips nothing. Default: `false`. */
  readonly ignore?: boolean | string;
  /** Milliseconds after which the test has failed. Default: 30 000. */
  readonly timeout?: number;
  /**
   * Fails the test for what it leaves open: sockets, files, timers. Only Deno can tell. Switch it off for
   * code of others, never for ours. Default: `true`.
   */
  readonly sanitize?: boolean;
}

/** The body of a test. */
export type TestBody = () => void | Promise<void>;

/** Declares a test. Its name says the subject and what it does: "Framer refuses an empty packet". */
export function test(name: string, body: TestBody): void;
export function test(name: string, options: TestOptions, body: TestBody): void;
export function test(name: string, ...rest: [TestBody] | [TestOptions, TestBody]): void {
  const [options, body] = rest.length === 1 ? [{}, rest[0]] : rest;
  const { ignore = false, timeout = 30_000, sanitize = true } = options;
  if (typeof ignore === "string" && ignore !== "") {
    tellOnce(`SKIPPED: ${ignore}`);
    name += ` (SKIPPED: ${ignore})`;
  }
  declare({ name, ignore: Boolean(ignore), timeout, sanitize, body });
}

interface Declaration extends Required<TestOptions> {
  readonly name: string;
  readonly ignore: boolean;
  readonly body: TestBody;
}

// Bun and Node share `node:test`. Deno has it too, but looks for leaks only in tests of its own.
const declare: (declaration: Declaration) => void = runtime === "deno"
  ? ({ name, ignore, timeout, sanitize, body }) =>
    Deno.test({ name, ignore, timeout, sanitizeOps: sanitize, sanitizeResources: sanitize, fn: body })
  : await import("node:test").then((node) => ({ name, ignore, timeout, body }) => {
    node.test(name, { skip: ignore, timeout }, () => body());
  });
