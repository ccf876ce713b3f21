import { fitLine, median, ratio, spreadOf } from "../../../scripts/bench/statistics.ts";
import { assert, assertEquals, test } from "../../harness.ts";

test("median is the middle one, or between the two in the middle", () => {
  assertEquals([[3], [3, 1, 2], [4, 1, 3, 2]].map(median), [3, 2, 2.5]);
});

test("spreadOf keeps the rounds in their order, and gives nothing for no rounds", () => {
  assertEquals(spreadOf([5, 1, 3]), { median: 3, lowest: 1, highest: 5, rounds: [5, 1, 3] });
  assertEquals(spreadOf([]), undefined);
});

test("ratio of rounds side by side is the median of their ratios, and not the ratio of the medians", () => {
  // The machine was twice as fast in the second round, and something spoilt the third for one of both.
  const [ours, theirs] = [spreadOf([90, 180, 10])!, spreadOf([100, 200, 150])!];
  assertEquals(ratio(ours, theirs, true), 0.9);
  assertEquals(ratio(ours, theirs, false), 90 / 150);
});

test("ratio takes as many rounds as both have", () => {
  assertEquals(ratio(spreadOf([50, 999])!, spreadOf([100])!, true), 0.5);
});

test("fitLine finds the line that points lie on, and says how well it fits", () => {
  const on = [0, 1, 2, 3].map((x) => ({ x, y: 5 + 2 * x }));
  assertEquals(fitLine(on), { slope: 2, intercept: 5, r2: 1 });
  const curved = [0, 1, 2, 3, 4, 5].map((x) => ({ x, y: x ** 3 }));
  const { r2 } = fitLine(curved)!;
  assert(r2 > 0.7 && r2 < 0.9, `${r2}`);
});

test("fitLine fits no line to points that are all above each other, and calls a flat one straight", () => {
  assertEquals(fitLine([{ x: 1, y: 2 }, { x: 1, y: 3 }]), undefined);
  assertEquals(fitLine([]), undefined);
  assertEquals(fitLine([{ x: 1, y: 2 }, { x: 2, y: 2 }])?.r2, 1);
});
