/** `kilter conform` against milters with one fault each: a case that does not find its own is a defect. */

import { CASES } from "../../../src/cli/conform/cases.ts";
import { assert, assertEquals, assertMatch, test } from "../../harness.ts";
import { kilter } from "../captured.ts";
import { BROKEN_MILTERS } from "./broken_milters.ts";
import { type Quirks, rawMilter } from "./raw_milter.ts";

/** How long a milter may say nothing, in seconds: those that hang are not waited for longer than need be. */
const SILENCE = { hangs: "0.3", answers: "10" };

for (const { found, fault, quirks, says } of BROKEN_MILTERS) {
  test(`conform finds a milter that ${fault}, by ${found}`, async () => {
    await using milter = await rawMilter(quirks);
    const timeout = /within|hangs|does not/.test(says.source) ? SILENCE.hangs : SILENCE.answers;
    const { code, out } = await kilter(
      ...["conform", milter.address, "--only", found, "--timeout", timeout, "--json"],
    );
    const [result] = JSON.parse(out).cases;
    assertEquals([code, result.name, result.outcome], [1, found, "fault"]);
    assertMatch(result.why, says);
  });
}

test("conform has a broken milter for each of its cases", () => {
  const found = new Set(BROKEN_MILTERS.map((milter) => milter.found));
  assertEquals([...found].toSorted(), CASES.map(({ name }) => name).toSorted());
  assertEquals(CASES.length, found.size);
});

/** Milters without a fault, of kinds that see, answer and edit different things. */
const GOOD: Readonly<Record<string, Quirks>> = {
  "that wants all and changes nothing": {},
  "that answers nothing but the end of a message": { wish: { protocol: 0xff080 } },
  "that does without most commands": {
    wish: { protocol: 0x37f & ~0x40, more: "\0\0\0\x02i {auth_authen}\0" },
  },
  "that edits and refuses": {
    wish: { actions: 0x1ff, protocol: 0x800 },
    answer: ({ code, text }, right) => {
      if (code === "R" && text.startsWith("<nobody")) return ["y550-5.1.1 No\r\n550 5.1.1 100%% never\0"];
      return code === "E" ? ["p", "hX-A\0b\n c\0", "bnew\r\n", "bbody\r\n", "qwhy\0", "c"] : right;
    },
    agree: (_, right) => right.actions === 0x1ff ? right : "close",
  },
};

test("conform finds no fault in milters that do all right", async () => {
  await Promise.all(
    Object.entries(GOOD).map(async ([what, quirks]) => {
      await using milter = await rawMilter(quirks);
      const { code, out } = await kilter("conform", milter.address, "--json");
      const { cases, faults, passed } = JSON.parse(out);
      assertEquals([what, cases.filter(({ outcome }: { outcome: string }) => outcome === "fault")], [
        what,
        [],
      ]);
      assertEquals([code, faults], [0, 0]);
      assert(passed >= 70, `${passed} passed by a milter ${what}`);
    }),
  );
});
