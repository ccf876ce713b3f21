import { drawBars } from "../../../scripts/bench/charts/bars.ts";
import { drawLines, ticksUpTo } from "../../../scripts/bench/charts/lines.ts";
import { element, page } from "../../../scripts/bench/charts/svg.ts";
import { spreadOf } from "../../../scripts/bench/statistics.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes, test } from "../../harness.ts";

/** The numbers that an attribute has in all elements of a name. */
function numbers(svg: string, name: string, attribute: string): number[] {
  return [...svg.matchAll(new RegExp(`<${name}[^>]* ${attribute}="([^"]*)"`, "g"))].map(([, value]) =>
    Number(value)
  );
}

test("element escapes what would end an attribute or a text, and rounds places", () => {
  assertEquals(element("g", { a: 'x"<&', b: 1.23456 }), '<g a="x&quot;&lt;&amp;" b="1.2"/>');
  assertEquals(element("g", {}, "<b/>"), "<g><b/></g>");
});

test("page has a title and a description for who can't see it, and colours for both modes", () => {
  const svg = page({ title: "A < B", about: "what it shows", width: 10, height: 20 }, []);
  assertStringIncludes(svg, '<title id="title">A &lt; B</title><desc id="about">what it shows</desc>');
  assertStringIncludes(svg, "@media (prefers-color-scheme: dark)");
  assertStringIncludes(svg, 'viewBox="0 0 10 20"');
});

const BARS = {
  ...{ title: "t", about: "a", legend: [["ours", "us"]] as const },
  panels: [{ title: "one", write: (figure: number) => `${figure}/s` }],
  rows: [
    { title: "Kilter", colour: "ours", figures: [spreadOf([100])] },
    { title: "half as fast", colour: "peer", figures: [spreadOf([50, 40, 60])] },
    { title: "absent", colour: "peer", instead: "missing", figures: [undefined] },
  ] as const,
};

test("drawBars draws bars as long as their figures, with the figures beside them", () => {
  const svg = drawBars(BARS);
  // The first two rectangles are the paper and the key of the legend.
  const [, , whole, half, ...more] = numbers(svg, "rect", "width");
  assert(Math.abs(whole! - 2 * half!) < 0.2, `${whole} ${half}`);
  assertEquals(more, []);
  assertStringIncludes(svg, ">100/s</text>");
  assertStringIncludes(svg, ">50/s</text>");
});

test("drawBars cuts bars that would make all others tiny", () => {
  const rows = [1, 1, 1, 1_000].map((figure) => ({
    ...{ title: "a row", colour: "peer" as const, figures: [spreadOf([figure])] },
  }));
  const [, , one, , , cut] = numbers(drawBars({ ...BARS, rows, atMost: 3 }), "rect", "width");
  assert(Math.abs(cut! - 3 * one!) < 0.3, `${one} ${cut}`);
});

test("drawBars names who is missing", () => {
  assertMatch(drawBars(BARS), />absent<\/text><text[^>]*>missing</);
});

test("drawLines puts points where they belong, and names no two lines on one place", () => {
  const points = [{ x: 0, y: 0 }, { x: 10, y: 100 }];
  const series = ["one", "two"].map((title) => ({ title, colour: "ours" as const, points }));
  const svg = drawLines({ title: "t", about: "a", xTitle: "x", yTitle: "y", series, xTicks: [0, 5, 10] });
  const [x1, x2] = numbers(svg, "circle", "cx");
  const [y1, y2] = numbers(svg, "circle", "cy");
  assert(x2! > x1! && y2! < y1!);
  const heights = [...svg.matchAll(/y="([\d.]+)"[^>]*>(?:one|two)</g)].map(([, y]) => Number(y));
  assertEquals(heights.length, 2);
  assert(Math.abs(heights[0]! - heights[1]!) >= 15, `${heights}`);
});

test("drawLines draws the fitted line instead of joining the points", () => {
  const points = [{ x: 0, y: 1 }, { x: 1, y: 5 }, { x: 2, y: 3 }];
  const fitted = { slope: 1, intercept: 2, r2: 0.25 };
  const svg = drawLines({
    ...{ title: "t", about: "a", xTitle: "x", yTitle: "y", xTicks: [0, 1, 2] },
    series: [{ title: "one", colour: "bun", points, fitted }],
  });
  assertEquals(/points="([^"]*)"/.exec(svg)![1]!.split(" ").length, 2);
  assertEquals(numbers(svg, "circle", "cx").length, 3);
});

test("ticksUpTo gives round numbers that reach beyond the highest figure", () => {
  assertEquals(ticksUpTo(100), [0, 20, 40, 60, 80, 100]);
  assertEquals(ticksUpTo(5_432), [0, 2_000, 4_000, 6_000]);
  assertEquals(ticksUpTo(0.9), [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1]);
});
