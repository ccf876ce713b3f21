import {
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
  delay,
  fail,
  property,
  Random,
  readBytes,
  readText,
  runtime,
  tempDir,
  test,
  toBytes,
  toText,
} from "./harness.ts";

class Refusal extends Error {
  readonly code = 550;
}

const refuse = (): never => {
  throw new Refusal("none shall pass");
};

/** Each holds at its first line and fails at its second, by name. */
const ASSERTIONS: Record<string, readonly [holds: () => unknown, fails: () => unknown]> = {
  assert: [() => assert(1), () => assert(0)],
  assertEquals: [() => assertEquals({ a: [1] }, { a: [1] }), () => assertEquals({ a: [1] }, { a: [2] })],
  assertExists: [() => assertExists(""), () => assertExists(undefined)],
  assertGreater: [() => assertGreater(2, 1), () => assertGreater(1, 1)],
  assertInstanceOf: [() => assertInstanceOf(new Refusal(), Error), () => assertInstanceOf({}, Error)],
  assertLess: [() => assertLess(1, 2), () => assertLess(1, 1)],
  assertMatch: [() => assertMatch("550", /^5/), () => assertMatch("450", /^5/)],
  assertNotEquals: [() => assertNotEquals([1], [2]), () => assertNotEquals([1], [1])],
  assertStrictEquals: [() => assertStrictEquals(NaN, NaN), () => assertStrictEquals({}, {})],
  assertStringIncludes: [() => assertStringIncludes("abc", "b"), () => assertStringIncludes("abc", "x")],
  "assertThrows, of nothing thrown": [() => assertThrows(refuse), () => assertThrows(() => {})],
  "assertThrows, of another class": [
    () => assertThrows(refuse, Refusal),
    () => assertThrows(refuse, TypeError),
  ],
  "assertThrows, of another text": [
    () => assertThrows(refuse, Refusal, "shall"),
    () => assertThrows(refuse, Refusal, "may"),
  ],
  fail: [() => {}, () => fail("on purpose")],
};

for (const [name, [holds, fails]] of Object.entries(ASSERTIONS)) {
  test(`${name} passes what holds and throws AssertionError for what does not`, () => {
    holds();
    assertEquals(assertThrows(fails).name, "AssertionError");
  });
}

test("assertThrows returns the error, with its type", () => {
  const code: 550 | number = assertThrows(refuse, Refusal).code;
  assertEquals(code, 550);
});

test("assertRejects resolves to the error, and fails when nothing rejects", async () => {
  const reject = () => Promise.reject(new Refusal("none shall pass"));
  assertEquals((await assertRejects(reject, Refusal, "shall")).code, 550);
  assertStringIncludes((await assertRejects(() => assertRejects(() => Promise.resolve()))).message, "reject");
  await assertRejects(() => assertRejects(reject, TypeError));
});

test("assertEquals tells bytes apart and holds for equal ones", () => {
  assertEquals(new Uint8Array([1, 2]), new Uint8Array([1, 2]));
  assertThrows(() => assertEquals(new Uint8Array([1, 2]), new Uint8Array([1, 3])));
});

test("a test may wait", { timeout: 5_000 }, async () => {
  const before = performance.now();
  await delay(20);
  assertGreater(performance.now() - before, 15);
});

test("runtime names one of three", () => assert(["deno", "bun", "node"].includes(runtime)));

test("readBytes and readText read a file beside the test", async () => {
  const here = new URL("./harness_test.ts", import.meta.url);
  assertStringIncludes(await readText(here), "readBytes and readText");
  assertEquals(new TextDecoder().decode(await readBytes(here)), await readText(here));
  assertEquals((await readBytes(here)).constructor, Uint8Array);
});

test("tempDir is there until its end", async () => {
  let file: string;
  {
    await using dir = await tempDir();
    file = dir.file("x");
    assert(file.startsWith(dir.path));
    assertLess(file.length, 100);
  }
  await assertRejects(() => readText(file));
});

test("toBytes and toText read a stream to its end", async () => {
  const chunks = ["über", " ", "all"].map((text) => new TextEncoder().encode(text));
  const stream = () =>
    new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        // The first cut falls into a character.
        controller.enqueue(chunks[0]!.subarray(0, 1));
        controller.enqueue(chunks[0]!.subarray(1));
        for (const chunk of chunks.slice(1)) controller.enqueue(chunk);
        controller.close();
      },
    });
  assertEquals(await toText(stream()), "über all");
  assertEquals(new TextDecoder().decode(await toBytes(stream())), "über all");
});

test("Random repeats itself by its seed", () => {
  assertEquals(new Random(7).bytes(32), new Random(7).bytes(32));
  assertNotEquals(new Random(7).bytes(32), new Random(8).bytes(32));
});

property("Random stays within its limits", (random) => {
  assertLess(random.below(3), 3);
  const between = random.between(-2, 2);
  assert(between >= -2 && between <= 2);
  assert(["a", "b"].includes(random.pick(["a", "b"])));
});

property("Random.split loses no byte", { runs: 50 }, (random) => {
  const bytes = random.bytes(random.below(64));
  const pieces = random.between(1, 8);
  const split = random.split(bytes, pieces);
  assertEquals(split.length, pieces);
  assertEquals(split.flatMap((piece) => [...piece]), [...bytes]);
});
