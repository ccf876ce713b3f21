import { formatParameters, type ParametersInput, parseParameters } from "../../src/mime/mod.ts";
import { composeValue } from "../../src/session/header_value.ts";
import { assert, assertEquals, assertThrows, property, test } from "../harness.ts";

const PARSED:
  readonly (readonly [text: string, value: string, parameters: Readonly<Record<string, string>>])[] = [
    ["", "", {}],
    [";;;", "", {}],
    ["Text/Plain", "text/plain", {}],
    ["text/plain; charset=UTF-8; Format=flowed", "text/plain", { charset: "UTF-8", format: "flowed" }],
    ['text/plain; name="a; \\"b\\".txt"; x', "text/plain", { name: 'a; "b".txt', x: "" }],
    ["text/plain (really); charset=utf-8 (of course)", "text/plain", { charset: "utf-8" }],
    ["attachment; filename*=UTF-8''%C3%9Cbersicht.pdf", "attachment", { filename: "Übersicht.pdf" }],
    ["attachment; filename*=iso-8859-1'de'%DC", "attachment", { filename: "Ü" }],
    ["attachment; filename*1=b; filename*0=a", "attachment", { filename: "ab" }],
    ["attachment; filename*0*=utf-8''%C3; filename*1*=%9C; filename*2=\".pdf\"", "attachment", {
      filename: "Ü.pdf",
    }],
    ['attachment; filename="=?utf-8?q?=C3=9C?=.pdf"', "attachment", { filename: "Ü.pdf" }],
    ["attachment; filename*=utf-8''%3D%3Futf-8%3Fq%3Fx%3F%3D", "attachment", { filename: "=?utf-8?q?x?=" }],
    ["attachment; filename=Übersicht.pdf", "attachment", { filename: "Übersicht.pdf" }],
    ["attachment; filename=a; filename=b", "attachment", { filename: "a" }],
    ["attachment; filename*=utf-8''a%0D%0AX:%00b", "attachment", { filename: "a  X: b" }],
    ["attachment; filename*=no-such-charset''a%20b", "attachment", { filename: "a b" }],
    ["a; __proto__=1; constructor=2", "a", Object.fromEntries([["__proto__", "1"], ["constructor", "2"]])],
  ];

for (const [text, value, parameters] of PARSED) {
  test(`parseParameters reads ${JSON.stringify(text)}`, () => {
    const found = parseParameters(text);
    assertEquals([found.value, [...found.parameters]], [value, Object.entries(parameters)]);
  });
}

const FORMATTED:
  readonly (readonly [value: string, parameters: ParametersInput | undefined, text: string])[] = [
    ["inline", undefined, "inline"],
    ["text/plain", { charset: "utf-8" }, "text/plain; charset=utf-8"],
    ["text/plain", new Map([["charset", "utf-8"]]), "text/plain; charset=utf-8"],
    ["text/plain", { name: 'a "b".txt', x: "" }, 'text/plain; name="a \\"b\\".txt"; x=""'],
    ["multipart/mixed", { boundary: "=_".repeat(35) }, `multipart/mixed; boundary="${"=_".repeat(35)}"`],
    ["attachment", { filename: "Übersicht.pdf" }, "attachment; filename*0*=utf-8''%C3%9Cbersicht.pdf"],
  ];

for (const [value, parameters, text] of FORMATTED) {
  test(`formatParameters writes ${text}`, () => {
    assertEquals(formatParameters(value, parameters), text);
    assertEquals(composeValue("Content-Disposition", text).replaceAll("\n", ""), text);
  });
}

const BAD: readonly (readonly [what: string, value: unknown, parameters: unknown])[] = [
  ["an empty value", "", {}],
  ["a value with a line break", "a\r\nb", {}],
  ["a value with parameters", "a; b=c", {}],
  ["a value with a space", "a b", {}],
  ["a value that is no string", 7, {}],
  ["an empty name", "a", { "": "x" }],
  ["a name with a space", "a", { "b c": "x" }],
  ["a name with =", "a", { "b=c": "x" }],
  ["a name in pieces", "a", { "b*0": "x" }],
  ["a name beyond ASCII", "a", { "ä": "x" }],
  ["a name with a line break", "a", { "b\n": "x" }],
  ["a parameter with a line break", "a", { b: "x\r\ny" }],
  ["a parameter with a NUL", "a", { b: "\0" }],
  ["a parameter with a tab", "a", { b: "x\ty" }],
  ["a parameter that is no string", "a", { b: 7 }],
  ["a parameter that is undefined", "a", { b: undefined }],
];

for (const [what, value, parameters] of BAD) {
  test(`formatParameters refuses ${what}`, () => {
    const format = () => formatParameters(value as string, parameters as ParametersInput);
    assertThrows(format, TypeError, "Cannot format parameters: ");
  });
}

test("parseParameters refuses what is no string", () => {
  assertThrows(() => parseParameters(undefined as unknown as string), TypeError, "is no string");
});

property("parseParameters reads what formatParameters writes, folded, in lines of 78", (random) => {
  const letters = [..."abcXYZ019 ._-'\"\\;,=?*%()<>@[]/", ..."äöß€日本", "😀"];
  const parameters = new Map(random.list(random.below(6), () => [
    random.pick(["filename", "name", "x-a", "title", "__proto__"]),
    random.list(random.below(120), () => random.pick(letters)).join(""),
  ]));
  const text = formatParameters("attachment", parameters);
  const out = composeValue("Content-Disposition", text);
  for (const line of `Content-Disposition: ${out}`.split("\n")) {
    assert(line.length <= 78 || !/ \S+ /.test(line), line);
  }
  assertEquals(parseParameters(out), { value: "attachment", parameters });
});

property("parseParameters takes anything", (random) => {
  const letters = [..."ab=;\"\\*'%0 ()", "*0", "*1*", "utf-8''", "%C3", "=?utf-8?q?", "?=", "\n", "\0", "ä"];
  const { value, parameters } = parseParameters(
    random.list(random.below(60), () => random.pick(letters)).join(""),
  );
  assert(!/(?!\t)\p{Cc}/u.test([value, ...parameters.values()].join("")));
});

test("parseParameters takes hostile values in little time", () => {
  const pieces = Array.from({ length: 6000 }, (_, at) => `a*${6000 - at}*=%41;`).join("");
  const parts = ["(", '"', "\\", ";", "a;", "a=b;", 'a="', "=", "'", "%", "*", " ", "=?utf-8?q?a?="];
  const started = performance.now();
  for (const value of [pieces, ...parts.map((part) => part.repeat(65_536 / part.length))]) {
    parseParameters(value);
    parseParameters(`a; b=${value}`);
  }
  const took = performance.now() - started;
  assert(took < 15_000, `${2 * parts.length + 2} values of 64 KB took ${took} ms`);
});
