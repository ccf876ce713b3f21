import { decodeWords, encodeWords } from "../../src/mime/mod.ts";
import { composeValue } from "../../src/session/header_value.ts";
import { assert, assertEquals, assertThrows, property, test } from "../harness.ts";

const DECODED: readonly (readonly [value: string, text: string])[] = [
  ["", ""],
  ["plain  text", "plain  text"],
  ["Größe", "Größe"],
  ["=?utf-8?q?a_=C3=A4?=", "a ä"],
  ["=?UTF-8?B?w6Q=?=", "ä"],
  ["=?utf-8?b?w6Q?=", "ä"],
  ["=?iso-8859-1?q?=E4?=", "ä"],
  ["=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "日本"],
  ["=?gb2312?b?xOO6ww==?=", "你好"],
  ["=?koi8-r?b?8NLJ18XU?=", "Привет"],
  ["=?utf-8*de?q?=C3=A4?=", "ä"],
  ["=?utf-8?q?a?= =?utf-8?q?b?=", "ab"],
  ["=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"],
  ["=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "ä"],
  ["=?utf-8?q?a=0D=0ABcc:_b=00?=", "a  Bcc: b "],
  ["a\tb", "a\tb"],
  ["=?no-such-charset?q?a?=", "a"],
  ["=?utf-8?q?=ZZ?=", "=ZZ"],
  ["=?utf-8?b?!!!?=", ""],
  ["=?utf-8?x?a?=", "=?utf-8?x?a?="],
  ["=?", "=?"],
];

for (const [value, text] of DECODED) {
  test(`decodeWords reads ${JSON.stringify(value)}`, () => assertEquals(decodeWords(value), text));
}

test("encodeWords encodes what needs it, for a line that also holds the longest name", () => {
  assertEquals(encodeWords("The Holy Grail"), "The Holy Grail");
  assertEquals(encodeWords("Große Liste"), "=?UTF-8?B?R3Jvw59l?= Liste");
  for (const word of encodeWords("ä".repeat(200)).split(" ")) assert(word.length <= 75, word);
  assert(encodeWords("ä".repeat(200)).split(" ")[0]!.length <= 47);
});

test("encodeWords and decodeWords refuse what is no text", () => {
  for (const bad of ["a\nb", "a\tb", "a\r\n b", "\0", "\x7f", "\x85"]) {
    assertThrows(() => encodeWords(bad), TypeError);
  }
  for (const bad of [7, undefined, null, {}] as unknown as string[]) {
    assertThrows(() => encodeWords(bad), TypeError, "is no string");
    assertThrows(() => decodeWords(bad), TypeError, "is no string");
  }
});

property("decodeWords reads what composeValue writes, and what encodeWords does", (random) => {
  const letters = [..."abc ABC?=_äößñ€日本語(),;\t", "😀", "e\u0301", "\u00a0"];
  const text = random.list(random.below(300), () => random.pick(letters)).join("").replaceAll("=?", "");
  const out = composeValue("X-Y", text);
  assertEquals(decodeWords(out.replaceAll("\n", "")), text);
  const line = text.replaceAll("\t", " ");
  assertEquals(decodeWords(encodeWords(line)), line);
});

property("decodeWords takes anything", (random) => {
  const letters = [
    "=?",
    "?=",
    "?q?",
    "?b?",
    "utf-8",
    "=C3",
    "=",
    "_",
    " ",
    "\n",
    "\0",
    "w6Q=",
    "ä",
    "\ud800",
  ];
  const text = decodeWords(random.list(random.below(60), () => random.pick(letters)).join(""));
  assert(!/(?!\t)\p{Cc}/u.test(text));
});
