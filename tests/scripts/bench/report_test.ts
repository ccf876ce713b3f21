import { charts } from "../../../scripts/bench/charts.ts";
import { coursesNamed } from "../../../scripts/bench/courses.ts";
import { shown } from "../../../scripts/bench/figures.ts";
import { markdown, table } from "../../../scripts/bench/markdown.ts";
import { resultsOf } from "../../../scripts/bench/micro.ts";
import type { Report } from "../../../scripts/bench/report.ts";
import { spreadOf } from "../../../scripts/bench/statistics.ts";
import { judge } from "../../../scripts/bench/targets.ts";
import { assert, assertEquals, assertStringIncludes, test } from "../../harness.ts";

const RESULTS: Report["results"] = [
  { course: "answered", contender: "kilter-bun", figures: { perSecond: spreadOf([4_000, 5_000, 4_500])! } },
  { course: "answered", contender: "pymilter", figures: {}, failed: "3 wrong answers" },
  {
    ...{ course: "answered", contender: "libmilter", remark: "does not answer everything" },
    figures: { perSecond: spreadOf([2_000])! },
  },
];

const REPORT: Report = {
  ...{
    began: "2026-01-02T03:04:05.678Z",
    seconds: 600,
    mode: "full",
    awake: false,
    pinned: true,
    commit: "abc",
  },
  machine: {
    ...{ processor: "A processor", cores: 2, virtual: true, memory: 8, system: "Debian", kernel: "6.1" },
    loadBefore: [0.1, 0.2, 0.3],
  },
  contenders: [
    { name: "kilter-bun", title: "Kilter, Bun", kind: "ours", notes: [], version: "bun 1.4" },
    { name: "libmilter", title: "libmilter", kind: "peer", notes: ["does as it likes"], version: "8.17" },
    { name: "pymilter", title: "pymilter", kind: "peer", notes: [], version: "1.0" },
    { name: "indymilter", title: "indymilter", kind: "peer", notes: [], missing: "there is no cargo" },
  ],
  leftOut: ["Workers were not measured."],
  targets: judge(RESULTS),
  results: RESULTS,
};

test("table has columns as wide as what is in them", () => {
  assertEquals(
    table(["", "a figure"], [["one", "1"], ["a second", "22"]]).split("\n"),
    [
      "|          | a figure |",
      "| -------- | -------: |",
      "| one      |        1 |",
      "| a second |       22 |",
    ],
  );
});

test("markdown tells the machine, and of each contender its median, lowest and highest round", () => {
  const text = markdown(REPORT, []);
  assertStringIncludes(text, "A processor, 2 cores of a virtual machine, 8 GB; Debian, kernel 6.1");
  assertStringIncludes(text, "load before: 0.10, 0.20, 0.30");
  assertStringIncludes(text, "4,500 (4,000–5,000)");
});

test("markdown names who is missing, who failed, and what is to be said of a figure", () => {
  const lines = markdown(REPORT, []).split("\n").map((line) => line.replaceAll(/ +/g, " "));
  assert(lines.includes("| indymilter | missing |"));
  assert(lines.includes("| indymilter | missing: there is no cargo |"));
  assert(lines.includes("| pymilter | failed (2) |"));
  assert(lines.includes("2. pymilter: 3 wrong answers"));
  assert(lines.includes("| libmilter | 2,000 (2,000–2,000) (1) |"));
  assert(lines.includes("1. libmilter: does not answer everything"));
  assert(lines.includes("- libmilter does as it likes."));
  assert(lines.includes("- Workers were not measured."));
});

test("markdown shows a target with its bounds, its figures, and which of them is met", () => {
  const line = markdown(REPORT, []).split("\n").find((text) => text.includes("answered, to libmilter"))!;
  assertEquals(line.replaceAll(/ +/g, " ").split(" | ").slice(1, 5), [
    "at least 1.85 on Bun, 1.5 on Deno, 1.2 on Node 24",
    "2.00 ✓",
    "not measured",
    "not measured",
  ]);
});

test("markdown leaves out tables of what was not measured, and refers to the charts that there are", () => {
  const text = markdown(REPORT, [{ file: "speed.svg", title: "Speed" }]);
  assert(!text.includes("## Memory"));
  assertStringIncludes(text, "![Speed](speed.svg)");
});

test("charts draws only what was measured, the fastest first, and names who is missing or failed", () => {
  const drawn = charts(REPORT);
  assertEquals(drawn.map(({ file }) => file), ["speed.svg", "latency.svg"]);
  const { svg } = drawn[0]!;
  const order = ["Kilter, Bun", "libmilter", "pymilter", "indymilter"].map((title) =>
    svg.indexOf(`>${title}<`)
  );
  assert(order[0]! > 0 && order[0]! < order[1]! && order[1]! < Math.min(order[2]!, order[3]!), `${order}`);
  assertStringIncludes(svg, ">missing<");
  assertStringIncludes(svg, ">failed<");
});

test("shown writes a figure in its unit, with as many digits as count", () => {
  assertEquals(shown("perSecond", 12_345.6), "12,346");
  assertEquals([1.2345, 12.345, 123.45, 0].map((value) => shown("p50", value)), [
    "1.23",
    "12.3",
    "123",
    "0.00",
  ]);
  assertEquals(shown("idle", 9_876), "9.9");
});

test("resultsOf reads what deno bench prints, and tells which benchmark threw", () => {
  const json = JSON.stringify({
    benches: [
      { name: "decode", results: [{ ok: { min: 1_000, p75: 2_000, p99: 3_000 } }] },
      { name: "encode", results: [{ failed: {} }] },
    ],
  });
  const [decode, encode] = resultsOf("micro", json);
  assertEquals([decode!.figures.iteration?.median, encode!.failed], [2, "it threw"]);
});

test("coursesNamed takes names and groups, and no name that is neither", () => {
  assertEquals(coursesNamed(["unix", "answered"], false)?.map(({ name }) => name), ["answered", "unix"]);
  assertEquals(coursesNamed(["filters"], true)?.map(({ name }) => name), ["answered", "default", "end"]);
  assertEquals(coursesNamed(["answerd"], false), undefined);
});

test("coursesNamed without names gives all, or those that have a quick way", () => {
  const [all, quick] = [coursesNamed([], false)!, coursesNamed([], true)!];
  assert(quick.length > 0 && quick.length < all.length);
  assertEquals(new Set(all.map(({ name }) => name)).size, all.length);
});
