import { assert, assertEquals, test } from "../harness.ts";
import { type Outcome, summarize } from "../../scripts/summary.ts";

const DENO: Outcome = {
  title: "deno 2.9.6",
  seconds: 1.22,
  results: [{ name: "a", outcome: "passed" }, { name: "b", outcome: "passed" }],
};

const NODE: Outcome = {
  title: "node 20.20.2",
  seconds: 12,
  results: [
    { name: "a", outcome: "failed" },
    { name: "b (SKIPPED: no Postfix here)", outcome: "skipped" },
    { name: "c (SKIPPED: no Postfix here)", outcome: "skipped" },
  ],
};

const lastLine = (text: string): string => text.split("\n").at(-1)!;

test("summarize ends with the sum of what passed and failed", () => {
  const { text, passed } = summarize([DENO, DENO], []);
  assertEquals([lastLine(text), passed], ["4 passed, 0 failed", true]);
});

test("summarize names failures and reasons to skip, and shows a table", () => {
  const { text, passed } = summarize([DENO, NODE], []);
  assertEquals(text.split("\n"), [
    "FAILED on node 20.20.2: a",
    "SKIPPED 2 times: no Postfix here",
    "",
    "                   passed   failed  skipped  seconds",
    "deno 2.9.6              2        0        0      1.2",
    "node 20.20.2            0        1        2     12.0",
    "",
    "2 passed, 1 failed, 2 skipped",
  ]);
  assert(!passed);
});

test("summarize tells of a runtime that could not be had, and fails for it when strict", () => {
  const lax = summarize([DENO], ["bun"]);
  assertEquals([lax.text.split("\n")[0], lastLine(lax.text), lax.passed], [
    "NOT TESTED on bun: it is neither here nor to be had from npm.",
    "2 passed, 0 failed",
    true,
  ]);
  const strict = summarize([DENO], ["bun"], { strict: true });
  assertEquals([lastLine(strict.text), strict.passed], ["2 passed, 1 failed", false]);
});

test("summarize leaves out what was skipped by name", () => {
  assertEquals(lastLine(summarize([DENO, NODE], [], { filtered: true }).text), "2 passed, 1 failed");
});

test("summarize does not take nothing for success", () => assert(!summarize([], []).passed));
