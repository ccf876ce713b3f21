import { COURSES } from "../../../scripts/bench/courses.ts";
import type { FigureName, Result } from "../../../scripts/bench/figures.ts";
import { spreadOf } from "../../../scripts/bench/statistics.ts";
import { judge, missed } from "../../../scripts/bench/targets.ts";
import { assert, assertEquals, test } from "../../harness.ts";

function result(course: string, contender: string, figure: FigureName, ...rounds: number[]): Result {
  return { course, contender, figures: { [figure]: spreadOf(rounds)! } };
}

/** What is judged of a target: the runtime, the figure and whether it is met. */
function judged(results: readonly Result[], title: string): unknown[] {
  return judge(results).filter((one) => one.title === title && one.measured !== undefined)
    .map(({ on, measured }) => [on, measured!.figure, measured!.met]);
}

test("judge leaves open what was not measured", () => {
  assert(judge([]).every(({ measured }) => measured === undefined));
  assertEquals(judge([]).map(missed).filter((complaint) => complaint !== undefined), []);
});

test("judge compares ours with the bare responder of the same runtime, round by round", () => {
  const results = [
    result("answered", "kilter-deno", "perSecond", 90, 180),
    result("answered", "bare-deno", "perSecond", 100, 200),
    result("answered", "kilter-bun", "perSecond", 80),
    result("answered", "bare-bun", "perSecond", 100),
    result("end", "kilter-bun", "perSecond", 100),
  ];
  const title = "every event answered, to the bare responder of the same runtime";
  assertEquals(judged(results, title), [["Bun", 0.8, false], ["Deno", 0.9, true]]);
  assertEquals(judge(results).map(missed).filter((complaint) => complaint !== undefined), [
    `${title}: 0.80 on Bun, not at least 0.85`,
  ]);
});

test("judge takes the fastest of several peers, and the best of our runtimes", () => {
  const results = [
    result("answered", "kilter-deno", "perSecond", 50),
    result("answered", "kilter-bun", "perSecond", 90),
    result("answered", "indymilter", "perSecond", 100),
    result("answered", "d--j/go-milter", "perSecond", 20),
  ];
  const title = "every event answered, to the fastest of the peers in Go and Rust";
  assertEquals(judged(results, title), [["the best", 0.9, false]]);
});

test("judge asks of memory that it is below its bound", () => {
  const results = [
    result("memory", "kilter-bun", "idle", 10_000),
    result("memory", "kilter-deno", "idle", 19_999),
  ];
  assertEquals(judged(results, "memory of an idle connection"), [["Bun", 10, false], ["Deno", 19.999, true]]);
});

test("judge asks of processor time that it grows by a straight line", () => {
  const growing = (contender: string, of: (headers: number) => number) =>
    [1, 50, 100, 200, 300, 400].map((headers) =>
      result(`headers-${headers}`, contender, "processor", of(headers))
    );
  const results = [
    ...growing("kilter-bun", (headers) => 100 + 3 * headers),
    ...growing("kilter-deno", (headers) => headers ** 2),
  ];
  const title = "processor time grows with the number of headers by a straight line: R²";
  const [bun, deno] = judge(results).filter((one) => one.title === title);
  assertEquals([bun!.measured?.met, deno!.measured?.met], [true, false]);
});

test("every target finds its figures on a course that there is", () => {
  const contenders = [
    ...["bun", "deno", "node24"].flatMap((
      on,
    ) => [`kilter-${on}`, `kilter-${on}-1`, `kilter-${on}-2`, `bare-${on}`]),
    ...["libmilter", "kilter.service", "indymilter"],
    ...[1_000, 16_000].map((size) => `plan: edits of ${size / 2} of ${size} headers`),
  ];
  const spread = spreadOf([1])!;
  const figures = { perSecond: spread, processor: spread, idle: spread, growth: spread, iteration: spread };
  const results = COURSES.flatMap(({ name: course }) =>
    contenders.map((contender): Result => ({ course, contender, figures }))
  );
  assertEquals(judge(results).filter(({ measured }) => measured === undefined).map(({ title }) => title), []);
});
