import { checkHeaderValue, composeValue } from "../../src/session/header_value.ts";
import { assert, assertEquals, assertThrows, property, type Random, test } from "../harness.ts";

/** A case of composeValue: what goes out is the same as what came in, unless told. */
interface Case {
  readonly what: string;
  readonly name?: string;
  readonly value: string;
  readonly utf8?: boolean;
  readonly out?: string;
}

const CASES: readonly Case[] = [
  { what: "leaves a short value", value: "Nudge nudge, wink wink" },
  { what: "leaves an empty value", value: "" },
  { what: "leaves white space", value: " \t a \t " },
  { what: "leaves white space alone", value: " ".repeat(100) },

  // Folds
  { what: "leaves a line of 78 octets", value: `${"a".repeat(64)} ${"b".repeat(4)}` },
  {
    what: "folds a line of 79 octets",
    value: `${"a".repeat(64)} ${"b".repeat(5)}`,
    out: `${"a".repeat(64)}\n ${"b".repeat(5)}`,
  },
  {
    what: "folds in front of a tab",
    value: `${"a".repeat(64)}\t${"b".repeat(5)}`,
    out: `${"a".repeat(64)}\n\t${"b".repeat(5)}`,
  },
  {
    what: "folds as often as it must",
    value: `${"a".repeat(60)} ${"b".repeat(77)} ${"c".repeat(76)} d`,
    out: `${"a".repeat(60)}\n ${"b".repeat(77)}\n ${"c".repeat(76)}\n d`,
  },
  {
    what: "folds not before the first word",
    name: "X-Name",
    value: `  ${"a".repeat(90)} b`,
    out: `  ${"a".repeat(90)}\n b`,
  },
  { what: "leaves a long word", value: "a".repeat(989) },
  {
    what: "makes no line of the white space at the end",
    value: `${"a".repeat(64)} bb   `,
    out: `${"a".repeat(64)}\n bb   `,
  },
  { what: "folds not where only white space would be left", value: `${"a".repeat(66)}     ` },
  {
    what: "keeps of much white space some above",
    value: `a${" ".repeat(100)}b`,
    out: `a${" ".repeat(23)}\n${" ".repeat(77)}b`,
  },
  {
    what: "keeps of very much white space what must be kept above",
    value: `a${" ".repeat(1500)}b`,
    out: `a${" ".repeat(503)}\n${" ".repeat(997)}b`,
  },
  { what: "leaves folds of the author, however wide", value: `a\n\t${"b ".repeat(60)}c` },
  { what: "leaves a fold before the first word", value: "\n v=1; a=b" },
  {
    what: "counts octets, not characters",
    utf8: true,
    value: `${"ö".repeat(32)} ööö`,
    out: `${"ö".repeat(32)}\n ööö`,
  },

  { what: "counts 78 octets in characters of any size", utf8: true, value: `${"a".repeat(54)}äß€ 😀\ud800` },
  {
    what: "counts 79 octets in characters of any size",
    utf8: true,
    value: `${"a".repeat(55)}äß€ 😀\ud800`,
    out: `${"a".repeat(55)}äß€\n 😀\ud800`,
  },

  // Text beyond ASCII
  { what: "leaves text under SMTPUTF8", utf8: true, value: "Größe" },
  {
    what: "leaves text in an address under SMTPUTF8",
    name: "To",
    utf8: true,
    value: "Jürgen <jürgen@x.example>",
  },
  {
    what: "encodes the words that need it",
    value: "Die Größe zählt nicht",
    out: "Die =?UTF-8?B?R3LDtsOfZSB6w6RobHQ=?= nicht",
  },
  {
    what: "encodes by Q where it is shorter",
    value: "Hauptübersicht",
    out: "=?UTF-8?Q?Haupt=C3=BCbersicht?=",
  },
  {
    what: "encodes white space between encoded words",
    value: "ä\t  ö",
    out: "=?UTF-8?B?w6QJICDDtg==?=",
  },
  { what: "leaves white space around encoded words", value: " a  ä\tb ", out: " a  =?UTF-8?B?w6Q=?=\tb " },
  {
    what: "encodes what a phrase could not hold",
    value: 'ein"großes"Wort',
    out: "=?UTF-8?Q?ein=22gro=C3=9Fes=22Wort?=",
  },
  { what: "leaves an encoded word", value: "=?utf-8?q?=C3=A4?=" },
  { what: "leaves an encoded word with more behind it", value: "=?utf-8?q?=C3=A4?=!" },
  {
    what: "leaves an encoded word beside a word to encode, and the space between them seen",
    value: "=?utf-8?q?a?= ä =?utf-8?q?b?=",
    out: "=?utf-8?q?a?= =?UTF-8?Q?_=C3=A4_?= =?utf-8?q?b?=",
  },
  {
    what: "leaves two encoded words, and the space between them unseen",
    value: "=?utf-8?q?a?=  =?utf-8?q?b?= c ä",
    out: "=?utf-8?q?a?=  =?utf-8?q?b?= c =?UTF-8?B?w6Q=?=",
  },
  {
    what: "takes apart an encoded word that more was written to",
    value: "=?utf-8?q?a?=ä=?utf-8?q?b?=",
    out: "=?utf-8?q?a?= =?UTF-8?B?w6Q=?= =?utf-8?q?b?=",
  },
  {
    what: "encodes what looks like an encoded word and holds more than ASCII",
    value: "=?utf-8?q?ä?= b",
    out: "=?UTF-8?B?PT91dGYtOD9xP8OkPz0=?= b",
  },
  {
    what: "keeps folds of the author where it encodes",
    value: "ä\n\tö\n b\n ü",
    out: "=?UTF-8?B?w6Q=?=\n =?UTF-8?B?CcO2?=\n b\n =?UTF-8?B?w7w=?=",
  },
  {
    what: "keeps encoded words on the line with the name if they fit",
    value: "ä".repeat(30),
    out: `=?UTF-8?B?${btoa("Ã¤".repeat(19))}?=\n =?UTF-8?B?${btoa("Ã¤".repeat(11))}?=`,
  },
  { what: "encodes a lone surrogate as what it is not", value: "\ud800", out: "=?UTF-8?B?77+9?=" },
  { what: "leaves a lone surrogate under SMTPUTF8 to the writer", utf8: true, value: "\ud800" },
];

for (const { what, name = "Subject", value, utf8 = false, out = value } of CASES) {
  test(`composeValue ${what}`, () => assertEquals(composeValue(name, value, { utf8 }), out));
}

const BAD: readonly (readonly [what: string, value: string, why: string])[] = [
  ["a NUL", "a\0b", "holds a NUL"],
  ["a CR", "a\r b", "holds a CR"],
  ["CRLF", "a\r\n b", "holds a CR"],
  ["a line break without white space", "a\nb", "holds a line break"],
  ["a line break at the end", "a\n", "holds a line break"],
  ["two line breaks", "a\n\n b", "holds a line break"],
  ["a line of white space", "a\n \n b", "a line of white space only"],
  ["a line of white space at the end", "a\n\t", "a line of white space only"],
  ["a word of 999 octets", "a".repeat(999), "over the limit of 998"],
  ["a word that with the name has 999 octets", "a".repeat(990), "over the limit of 998"],
  ["a fold of 999 octets", `a\n ${"b".repeat(998)}`, "over the limit of 998"],
  ["too much white space", `a${" ".repeat(2500)}b`, "over the limit of 998"],
  ["no string", 7 as unknown as string, "is no string but number"],
];

for (const [what, value, why] of BAD) {
  test(`composeValue and checkHeaderValue refuse ${what}`, () => {
    assertThrows(
      () => composeValue("Subject", value),
      TypeError,
      `Cannot edit header Subject: its value`,
    );
    assertThrows(() => composeValue("Subject", value, { utf8: true }), TypeError, why);
    assertThrows(() => checkHeaderValue("Subject", value), TypeError, why);
  });
}

test("composeValue refuses text beyond ASCII in structured headers, unless under SMTPUTF8", () => {
  for (const name of ["From", "tO", "Content-Disposition", "DKIM-Signature", "List-Id", "Message-ID"]) {
    assertThrows(() => composeValue(name, "ä"), TypeError, "@kilter/milter/mime");
    assertEquals(composeValue(name, "ä", { utf8: true }), "ä");
  }
  for (const name of ["Subject", "Comments", "Content-Description", "X-From", "Constructor"]) {
    assertEquals(composeValue(name, "ä"), "=?UTF-8?B?w6Q=?=");
  }
});

/** Random text: words and white space of all lengths, some beyond ASCII, some encoded, never a line break. */
function randomValue(random: Random, letters: readonly string[]): string {
  const word = () =>
    random.list(random.between(1, random.chance(0.1) ? 200 : 12), () => random.pick(letters)).join("");
  const space = () =>
    random.list(random.chance(0.1) ? random.below(300) : 1, () => random.pick([" ", " ", "\t"])).join("");
  const parts = random.list(random.below(40), () => word() + space());
  return (random.chance(0.2) ? space() : "") + parts.join("") + (random.chance() ? word() : "");
}

const ASCII: readonly string[] = [...'abcdefgABCDEFG0123?=_<>()"\\,;:@', "\x01", "\v"];
const ANY: readonly string[] = [...ASCII, ..."äößéñ€日本語", "\u00a0", "\u2028", "\u{1f600}", "e\u0301"];
const ENCODED: readonly string[] = ["=?utf-8?q?a?=", "=?ISO-8859-1?Q?a=20b?=", "=?utf-8?b?w6Q=?="];

function unfold(value: string): string {
  return value.replaceAll(/\n(?=[ \t])/g, "");
}

/** RFC 2047, section 6, read from the other end than the code under test. */
function decode(value: string): string {
  const word = String.raw`=\?[^?\s]+\?[BbQq]\?[^?\s]*\?=`;
  return value
    .replaceAll(new RegExp(`(${word})[ \\t]+(?=${word})`, "g"), "$1")
    .replaceAll(new RegExp(word, "g"), (found) => {
      const [, charset = "", way = "", text = ""] = found.split("?");
      const binary = way.toUpperCase() === "B"
        ? atob(text)
        : text.replaceAll("_", " ").replaceAll(/=(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
      return new TextDecoder(charset, { fatal: true, ignoreBOM: true })
        .decode(Uint8Array.from(binary, (octet) => octet.charCodeAt(0)));
    });
}

/** What holds for all that goes out. */
function assertSafe(name: string, value: string): void {
  for (const [at, line] of `${name}: ${value}`.split("\n").entries()) {
    assert(!/[\0\r]/.test(line), "a forbidden octet");
    assert(at === 0 || /^[ \t]/.test(line), "a line that is no fold");
    assert(/[^ \t]/.test(line), "a line of white space");
    assert(new TextEncoder().encode(line).length <= 998, "a long line");
  }
}

/** The lines that could have been broken once more, in front of white space between two words. */
function tooLong(name: string, value: string, limit: number): string[] {
  return `${name}: ${value}`.split("\n").filter((line, at) => {
    const breakable = at === 0 ? line.slice(name.length + 2) : line;
    return new TextEncoder().encode(line).length > limit && /\S[ \t]+\S/.test(breakable);
  });
}

property(
  "composeValue folds ASCII so that unfolding gives the value, in lines as short as can be",
  (random) => {
    const name = "X-".padEnd(random.between(3, 70), "Y");
    const value = randomValue(random, ASCII);
    const out = composeValue(name, value);
    assertEquals(unfold(out), value);
    assertSafe(name, out);
    assertEquals(composeValue(name, out), out);
    if (!/[ \t]{20}|\v/.test(value) && !value.includes("=?")) assertEquals(tooLong(name, out, 78), []);
  },
);

property("composeValue under SMTPUTF8 folds any text so that unfolding gives the value", (random) => {
  const value = randomValue(random, ANY);
  const out = composeValue("X-Y", value, { utf8: true });
  assertEquals(unfold(out), value);
  assertSafe("X-Y", out);
});

property("composeValue encodes any text so that decoding gives the value", (random) => {
  const name = "X-".padEnd(random.between(3, 40), "Y");
  // What looks like an encoded word would be decoded too.
  const value = randomValue(random, ANY).replaceAll("=?", "=");
  const out = composeValue(name, value);
  assertEquals(decode(unfold(out)), value);
  assertSafe(name, out);
  // deno-lint-ignore no-control-regex -- ASCII has them
  assert(/^[\x00-\x7f]*$/.test(out));
  for (const word of out.match(/=\?UTF-8\S*/g) ?? []) assert(word.length <= 75, word);
  if (!/[ \t]{20}|\v/.test(value)) assertEquals(tooLong(name, out, out.includes("=?") ? 76 : 78), []);
});

property("composeValue keeps the encoded words that are there, in whatever company", (random) => {
  const words = random.list(random.below(12), () => {
    return random.pick([
      random.pick(ENCODED),
      random.pick(["ä", "日本", "a"]),
      random.pick(ENCODED) + random.pick(["ä", "!ü"]),
    ]);
  });
  const value = words.join(" ");
  const out = composeValue("X-Y", value);
  const written = (text: string) =>
    (text.match(/=\?\S+?\?[qb]\?\S*?\?=/gi) ?? []).filter((word) => ENCODED.includes(word));
  assertEquals(written(out), written(value));
  const between = (text: string) => text.replaceAll(/(=\?\S+\?=) +(?==\?)/g, "$1");
  assertEquals(decode(unfold(out)), decode(between(value)));
  assertSafe("X-Y", out);
});

property("composeValue keeps the folds of an author, and encodes what is between them", (random) => {
  const lines = random.list(
    random.between(2, 8),
    () => [...randomValue(random, ANY)].slice(0, 200).join("").replaceAll("=?", "=").trim(),
  );
  const value = lines.filter((line) => line !== "").join(random.pick(["\n ", "\n\t", " \n  "]));
  const out = composeValue("X-Y", value);
  assertEquals(decode(unfold(out)), unfold(value));
  assertSafe("X-Y", out);
  if (value.includes("\n")) assertEquals(composeValue("X-Y", value, { utf8: true }), value);
});

property(
  "composeValue lets nothing out that would end the header, whatever comes in",
  { runs: 500 },
  (random) => {
    const letters = ["a", "ä", " ", "\t", "\n", "\n ", "\r", "\0", "\v", "\ud800", "=?", "?q?", "?="];
    const value = random.list(random.below(30), () => random.pick(letters)).join("");
    for (const utf8 of [true, false]) {
      try {
        assertSafe("X", composeValue("X", value, { utf8 }));
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
      }
    }
  },
);

test("composeValue takes time in proportion to the length", () => {
  const hard = [
    "a ".repeat(131_072),
    "ä ".repeat(87_380),
    "ä a ".repeat(52_428),
    "ä".repeat(131_072),
    "=?".repeat(131_072),
    "=?a?q?".repeat(43_688) + "ä",
    "=?a?q?b?= ä ".repeat(20_000),
    `${"=".repeat(262_144)} ä`,
    `ä${" ".repeat(900)}`.repeat(280),
  ];
  const started = performance.now();
  for (const value of hard) {
    for (const utf8 of [true, false]) {
      try {
        composeValue("X-Y", value, { utf8 });
      } catch {
        // Some cannot be folded. It is the time that counts.
      }
    }
  }
  const took = performance.now() - started;
  assert(took < 15_000, `${hard.length * 2} values of 256 KB took ${took} ms`);
});
