import { difference } from "../../src/cli/difference.ts";
import { assertEquals, property, test } from "../harness.ts";

function changes(before: string, after: string): string {
  return difference([...before], [...after], (one, other) => one === other)
    .map(({ sign, item }) => (sign === " " ? "" : sign) + item).join("");
}

test("difference tells what is gone, what is new and what stays", () => {
  const cases: readonly (readonly [before: string, after: string, changes: string])[] = [
    ["", "", ""],
    ["abc", "abc", "abc"],
    ["", "ab", "+a+b"],
    ["ab", "", "-a-b"],
    ["abc", "axc", "a-b+xc"],
    ["abcd", "bcde", "-abcd+e"],
    ["aXbYc", "abc", "a-Xb-Yc"],
    ["ab", "ba", "-ab+a"],
    ["aa", "aaa", "aa+a"],
  ];
  for (const [before, after, told] of cases) assertEquals(changes(before, after), told);
});

property("difference holds both lists, in order", (random) => {
  const list = () => random.list(random.between(0, 8), () => random.pick([..."abc"]));
  const [before, after] = [list(), list()];
  const told = difference(before, after, (one, other) => one === other);
  const only = (sign: string) => told.filter((change) => change.sign !== sign).map(({ item }) => item);
  assertEquals(only("+"), before);
  assertEquals(only("-"), after);
});

test("difference of long lists that have nothing in common takes no quadratic time", () => {
  const [before, after] = [new Array(50_000).fill("a"), new Array(50_000).fill("b")];
  assertEquals(difference(before, after, (one, other) => one === other).length, 100_000);
});
