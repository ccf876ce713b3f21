/** What values are delivered as: folded, encoded, blank, of any size. */

import type { Session } from "../../../mod.ts";
import { PROTOCOL } from "../../../src/protocol/mod.ts";
import { encodeText } from "../../../src/wire/text.ts";
import { type EditCase, testEdits } from "./cases.ts";
import { OWN, SENT } from "./delivered.ts";

const LINES = SENT.headers;
const LONG_WORD = "x".repeat(900);

/** Values that are delivered just as they are. */
const KEPT: Readonly<Record<string, string>> = {
  "plain text": "plain text",
  "nothing": "",
  "a blank": " ",
  "a tab": "\t",
  "blanks before it": "  value",
  "a tab before it": "\tvalue",
  "blanks after it": "value  ",
  "a tab after it": "value\t",
  "per cent signs": "100% %s %% %",
  "all punctuation": '"a\\"b" <c@example.test> (d) , ; : =?e?= . \' ` { } [ ] | ~ ^ $ & * +',
  "control characters": "a\x01b\x1b[0m\x7f",
  "a fold by its author": "first\n\tsecond\n  third",
  "a fold before its first word": "\n first",
  "a fold with blanks on both sides": "first  \n\tsecond  \n  third",
  "lines that look like headers and dots": "a: b\n c: d\n .\n ..",
  "a word of 900": LONG_WORD,
  "an encoded word": "=?utf-8?q?Gr=C3=B6=C3=9Fe?=",
};

/** Values that are folded, with the lines that they give: white space stays where it was. */
const FOLDED: Readonly<Record<string, readonly string[]>> = {
  "over 78": [words(1, 7), ` ${words(8, 14)}`, ` ${words(15, 20)}`],
  "over 998": [words(1, 7), ...Array.from({ length: 20 }, (_, at) => ` ${words(at * 7 + 8, at * 7 + 14)}`)],
  "two long words": [LONG_WORD, ` ${LONG_WORD}`],
  "tabs and blanks between words": ["x".repeat(60), `\t  ${"y".repeat(60)}`, `  \t${"z".repeat(60)}`],
};

/** Values beyond ASCII, as they are to be read. */
const ENCODED: Readonly<Record<string, string>> = {
  "one word": "Größe",
  "words of many scripts": "Größe 寸法 Μέγεθος \u{1f4cf} 10%",
  "among others": `${words(1, 10)} Größe ${words(11, 20)} größer Größe ${words(21, 30)}`,
  "very long": "Größe und Länge, ".repeat(80).trim(),
  "one long word": "寸法".repeat(100),
  "with blanks around": "a  é  é  b",
};

const VALUES: readonly EditCase[] = [
  ...Object.entries(KEPT).map(([name, value]): EditCase => ({
    name,
    edit: (session) => addEverywhere(session, value),
    gives: { headers: everywhere(value) },
  })),
  ...Object.entries(FOLDED).map(([name, lines]): EditCase => ({
    name,
    edit: (session) => addEverywhere(session, lines.join("")),
    gives: { headers: everywhere(lines.join("\n")) },
  })),
  ...Object.entries(ENCODED).map(([name, value]): EditCase => ({
    name,
    edit: (session) => addEverywhere(session, value),
    gives: { reads: everywhere(value) },
  })),
];

/** Adds a value at each place, and gives it to a header that is there. */
async function addEverywhere({ headers }: Session, value: string): Promise<void> {
  headers.append("X-New", value);
  headers.insert("X-New", value, "belowReceived");
  headers.insert("X-New", value, { after: (await headers.get("X-Dup"))! });
  headers.insert("X-New", value, "start");
  if (value !== "") headers.update((await headers.get("X-Other"))!, value);
}

function everywhere(value: string): string[] {
  const made = `X-New: ${value}`;
  const other = value === "" ? LINES[2]! : `X-Other: ${value}`;
  return [made, OWN, made, ...LINES.slice(0, 2), made, other, ...LINES.slice(3), made];
}

/** Numbered words of nine letters. */
function words(first: number, last: number): string {
  return Array.from({ length: last - first + 1 }, (_, at) => `word${`${first + at}`.padStart(5, "0")}`).join(
    " ",
  );
}

/** The bytes of a text as UTF-8, one character for each. */
function utf8(text: string): string {
  return String.fromCharCode(...encodeText(text));
}

/** Headers as clients write them, and as no library would. */
const ODD = [
  "Subject:no space",
  "X-Tab:\ttab",
  "X-Blanks:   blanks before and after \t ",
  "X-Empty:",
  "X-Blank: ",
  "X-Folded: a\n\tb\n   c\t\n d",
  "X-Folded-At-Once:\n b",
  "X-8-Bit: gr\xfc\xdfe \xe2\x82\xac",
  "x-CASE: c",
  "X-Per-Cent: 100% %s",
  `X-Long: ${LONG_WORD}`,
];

const OTHERS: readonly EditCase[] = [
  {
    name: "what nobody edits stays as it came",
    sent: { headers: [...ODD, ...LINES] },
    edit: async (session) => {
      session.headers.append("X-New", "1");
      session.headers.insert("X-New", "2", { before: (await session.headers.get("Subject"))! });
      session.headers.insert("X-New", "3", { after: (await session.headers.get("X-8-Bit"))! });
    },
    gives: {
      headers: [OWN, "X-New: 2", ...ODD.slice(0, 8), "X-New: 3", ...ODD.slice(8), ...LINES, "X-New: 1"],
    },
  },
  {
    name: "each of them gets a plain value",
    sent: { headers: [...ODD, ...LINES] },
    edit: async ({ headers }) => {
      for (const header of (await headers.collect()).slice(0, ODD.length)) headers.update(header, "plain");
    },
    gives: { headers: [OWN, ...ODD.map((line) => line.replace(/:.*/s, ": plain")), ...LINES] },
  },
  {
    name: "each of them is deleted",
    sent: { headers: [...ODD, ...LINES] },
    edit: async ({ headers }) => {
      for (const header of (await headers.collect()).slice(0, ODD.length)) headers.delete(header);
    },
    gives: { headers: [OWN, ...LINES] },
  },
  {
    name: "a value as it was read is the value that is written",
    sent: { headers: ["X-Old: a  b\tc %", ...LINES] },
    edit: async ({ headers }) => void headers.append("X-New", (await headers.get("X-Old"))!.value),
    gives: { headers: [OWN, "X-Old: a  b\tc %", ...LINES, "X-New: a  b\tc %"] },
  },
  {
    name: "an encoded word that more is written to",
    sent: { headers: ["X-Old: =?iso-8859-1?q?Gr=F6=DFe?=", ...LINES] },
    edit: async ({ headers }) => {
      const old = (await headers.get("X-Old"))!;
      headers.update(old, `[größer] ${old.value}`);
    },
    gives: { reads: [OWN, "X-Old: [größer] Größe", ...LINES] },
  },
  {
    name: "text beyond ASCII under SMTPUTF8 goes out as it is",
    sent: { from: "<sender@example.test> SMTPUTF8" },
    edit: async ({ headers }) => {
      headers.append("X-New", "Größe");
      headers.append("Reply-To", "Größe <größe@example.test>");
      headers.update((await headers.get("X-Other"))!, `${"€uro ".repeat(20)}`.trim());
    },
    gives: {
      headers: [
        ...[OWN, ...LINES].with(
          3,
          utf8(`X-Other: ${"€uro ".repeat(10).trim()}\n ${"€uro ".repeat(10).trim()}`),
        ),
        ...["X-New: Größe", "Reply-To: Größe <größe@example.test>"].map(utf8),
      ],
    },
    only: "postfix",
  },
];

const CASES = [...VALUES, ...OTHERS];

testEdits("values are delivered as they were wished", CASES);
testEdits("values are delivered as they were wished without leading space", CASES, {
  withhold: PROTOCOL.LEADING_SPACE,
});
