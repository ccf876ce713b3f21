import { decodeText, encodeText } from "../../src/wire/text.ts";
import { latin1 } from "../bytes.ts";
import { assertEquals, assertStrictEquals, property, test } from "../harness.ts";

const TEXTS: readonly (readonly [bytes: string, text: string])[] = [
  ["", ""],
  ["plain", "plain"],
  [
    "a line well over the two dozen characters that are quick",
    "a line well over the two dozen characters that are quick",
  ],
  ["J\xc3\xbcrgen", "Jürgen"],
  ["\xef\xbb\xbfmarked", "\ufeffmarked"],
  ["\xf0\x9f\x93\xa7", "📧"],
];

for (const [bytes, text] of TEXTS) {
  test(`decodeText and encodeText turn bytes into ${JSON.stringify(text)} and back`, () => {
    assertEquals(decodeText(latin1(bytes)), text);
    assertEquals(encodeText(text), latin1(bytes));
  });
}

test("decodeText marks what is no UTF-8, at any length", () => {
  for (const padding of ["", "x".repeat(24), "x".repeat(500)]) {
    assertEquals(decodeText(latin1(`${padding}J\xfcrgen`)), `${padding}J\ufffdrgen`);
  }
});

test("encodeText gives bytes as they are", () => {
  const bytes = latin1("\xff");
  assertStrictEquals(encodeText(bytes), bytes);
});

property("decodeText throws at no input", (random) => {
  const text = decodeText(random.bytes(random.below(80)));
  assertEquals(decodeText(encodeText(text)), text);
});
