import {
  type AddressInput,
  formatAddresses,
  type Mailbox,
  parseAddresses,
  parseMailboxes,
} from "../../src/mime/mod.ts";
import { composeValue } from "../../src/session/header_value.ts";
import { assert, assertEquals, assertThrows, property, type Random, test } from "../harness.ts";

const bare = (address: string): Mailbox => ({ name: "", address });

const PARSED: readonly (readonly [value: string, addresses: ReturnType<typeof parseAddresses>])[] = [
  ["", []],
  ["<>", []],
  [" , ,", []],
  ["a@x.example", [bare("a@x.example")]],
  ["<a@x.example>", [bare("a@x.example")]],
  ["a@x.example, b@x.example", [bare("a@x.example"), bare("b@x.example")]],
  ["Arthur <a@x.example>", [{ name: "Arthur", address: "a@x.example" }]],
  ['"Robin, Sir" <r@x.example>', [{ name: "Robin, Sir", address: "r@x.example" }]],
  ['"a \\"b\\" \\\\c" <r@x.example>', [{ name: 'a "b" \\c', address: "r@x.example" }]],
  ["=?utf-8?q?J=C3=BCrgen?= <j@x.example>", [{ name: "Jürgen", address: "j@x.example" }]],
  ['"=?utf-8?q?J=C3=BCrgen?=" <j@x.example>', [{ name: "Jürgen", address: "j@x.example" }]],
  ["Jürgen <jürgen@größe.example>", [{ name: "Jürgen", address: "jürgen@größe.example" }]],
  ["j@x.example (Jim (the) Knight)", [{ name: "Jim (the) Knight", address: "j@x.example" }]],
  ["Jim (the) <j@x.example> (Knight)", [{ name: "Jim", address: "j@x.example" }]],
  ['"a b"@x.example', [bare('"a b"@x.example')]],
  ["<@r1,@r2:a@x.example>", [bare("a@x.example")]],
  ["a@[192.0.2.1]", [bare("a@[192.0.2.1]")]],
  ["a@xn--gre-6ka8i.example", [bare("a@xn--gre-6ka8i.example")]],
  ["undisclosed-recipients:;", [{ name: "undisclosed-recipients", members: [] }]],
  ["Knights: a@x.example, Robin <r@x.example>;, b@x.example", [
    { name: "Knights", members: [bare("a@x.example"), { name: "Robin", address: "r@x.example" }] },
    bare("b@x.example"),
  ]],
  ["no address", [{ name: "no address", address: "" }]],
  // What is encoded is a name, whatever it says: it could say anything.
  ["=?utf-8?q?=22a=40evil=2Eexample=22?= <a@x.example>", [{
    name: '"a@evil.example"',
    address: "a@x.example",
  }]],
  ["=?utf-8?q?a=40evil=2Eexample?=", [{ name: "a@evil.example", address: "" }]],
  ['"a@evil.example" <a@x.example>', [{ name: "a@evil.example", address: "a@x.example" }]],
  ["=?utf-8?q?a=0D=0Ab?= <a@x.example>", [{ name: "a  b", address: "a@x.example" }]],
];

for (const [value, addresses] of PARSED) {
  test(`parseAddresses reads ${JSON.stringify(value)}`, () => assertEquals(parseAddresses(value), addresses));
}

test("parseMailboxes takes the mailboxes out of groups", () => {
  const found = parseMailboxes("a@x.example, Knights: b@x.example, c@x.example;, Nobody:;");
  assertEquals(found, [bare("a@x.example"), bare("b@x.example"), bare("c@x.example")]);
});

const FORMATTED:
  readonly (readonly [input: AddressInput | readonly AddressInput[], value: string, utf8?: string])[] = [
    ["a@x.example", "a@x.example"],
    [["a@x.example", bare("b@x.example")], "a@x.example, b@x.example"],
    [{ address: "a@x.example" }, "a@x.example"],
    [{ name: "King Arthur", address: "a@x.example" }, "King Arthur <a@x.example>"],
    [{ name: "Robin, Sir", address: "r@x.example" }, '"Robin, Sir" <r@x.example>'],
    [{ name: "J. Doe", address: "j@x.example" }, '"J. Doe" <j@x.example>'],
    [{ name: 'a "b" \\c', address: "r@x.example" }, '"a \\"b\\" \\\\c" <r@x.example>'],
    [{ name: " two  spaces", address: "r@x.example" }, '" two  spaces" <r@x.example>'],
    [
      { name: "Jürgen", address: "j@x.example" },
      "=?UTF-8?Q?J=C3=BCrgen?= <j@x.example>",
      "Jürgen <j@x.example>",
    ],
    [
      { name: "Größe, die", address: "j@x.example" },
      "=?UTF-8?B?R3LDtsOfZSwgZGll?= <j@x.example>",
      '"Größe, die" <j@x.example>',
    ],
    // A quoted `=?` would be decoded by most.
    [{ name: "=?utf-8?q?x?=", address: "j@x.example" }, "=?UTF-8?B?PT91dGYtOD9xP3g/PQ==?= <j@x.example>"],
    ["info@größe.example", "info@xn--gre-6ka8i.example", "info@größe.example"],
    ["info@日本.example", "info@xn--wgv71a.example", "info@日本.example"],
    ['"a b"@x.example', '"a b"@x.example'],
    ["a..b.@x.example", '"a..b."@x.example'],
    ["a@[192.0.2.1]", "a@[192.0.2.1]"],
    ["a@[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]"],
    ["a@localhost", "a@localhost"],
    [
      { name: "Knights", members: ["a@x.example", { name: "R", address: "r@x.example" }] },
      "Knights: a@x.example, R <r@x.example>;",
    ],
    [{ name: "undisclosed-recipients", members: [] }, "undisclosed-recipients:;"],
  ];

for (const [input, value, utf8 = value] of FORMATTED) {
  test(`formatAddresses writes ${JSON.stringify(input)}`, () => {
    assertEquals(formatAddresses(input), value);
    assertEquals(formatAddresses(input, { utf8: true }), utf8);
    assertEquals(composeValue("To", value), value);
  });
}

const BAD: readonly (readonly [what: string, input: unknown])[] = [
  ["no address", []],
  ["an empty address", ""],
  ["an address without a domain", "root"],
  ["an address without a local part", "@x.example"],
  ["an address in brackets", "<a@x.example>"],
  ["an address with a name", "Arthur <a@x.example>"],
  ["two addresses", "a@x.example, b@x.example"],
  ["an address with a space", "a b@x.example"],
  ["an address with a line break", "a@x.example\r\nBcc: b@x.example"],
  ["an address with a line break in quotes", '"a\n b"@x.example'],
  ["an address with a NUL", "a\0@x.example"],
  ["an address with two at signs", "a@b@x.example"],
  ["an address with a bad domain", "a@x..example"],
  ["an address with a path", "a@größe.example/b"],
  ["an address with a bad literal", "a@[192.0.2.1]]"],
  ["an address with a bad IDN", "a@xn--ä.example"],
  ["an address with a control character beyond ASCII", "a\x85@x.example"],
  ["an address that is no string", 7],
  ["an address that is missing", { name: "Arthur" }],
  ["nothing", undefined],
  ["null", null],
  ["null in a list", [null]],
  ["a name with a line break", { name: "a\nb", address: "a@x.example" }],
  ["a name with a line break, beyond ASCII", { name: "ä\r\nBcc: b", address: "a@x.example" }],
  ["a name with a NUL", { name: "a\0", address: "a@x.example" }],
  ["a name with a tab", { name: "a\tb", address: "a@x.example" }],
  ["a name that is no string", { name: 7, address: "a@x.example" }],
  ["a group in a group", { name: "a", members: [{ name: "b", members: [] }] }],
  ["a group with members that are no list", { name: "a", members: "a@x.example" }],
];

for (const [what, input] of BAD) {
  test(`formatAddresses refuses ${what}`, () => {
    assertThrows(() => formatAddresses(input as AddressInput), TypeError, "Cannot format addresses: ");
    assertThrows(
      () => formatAddresses(input as AddressInput, { utf8: true }),
      TypeError,
      "Cannot format addresses: ",
    );
  });
}

test("formatAddresses takes a local part beyond ASCII under SMTPUTF8 only", () => {
  assertThrows(() => formatAddresses("jürgen@x.example"), TypeError, "SMTPUTF8");
  assertEquals(formatAddresses("jürgen@x.example", { utf8: true }), "jürgen@x.example");
});

test("parseAddresses and parseMailboxes refuse what is no string", () => {
  assertThrows(() => parseAddresses(undefined as unknown as string), TypeError, "is no string");
  assertThrows(() => parseMailboxes(7 as unknown as string), TypeError, "is no string");
});

/** Names as people have them, without white space that parsing does not keep. */
function randomName(random: Random): string {
  const letters = [..."abcABC.,;:<>@()[]\"\\'=?_ ", ..."äößñ€日本", "😀"];
  const words = random.list(
    random.below(5),
    () =>
      random.list(random.between(1, random.chance(0.1) ? 60 : 8), () => random.pick(letters)).join("").trim(),
  );
  return words.filter((word) => word !== "").join(" ").replaceAll(/ +/g, " ");
}

property("parseAddresses reads what formatAddresses writes, folded or not", (random) => {
  const mailboxes = random.list(random.between(1, 20), () => ({
    name: randomName(random),
    address: random.pick(["a@x.example", "a.b+c@mail.x.example", '"a b"@x.example', "x@[192.0.2.1]"]),
  }));
  for (const utf8 of [true, false]) {
    const value = formatAddresses(mailboxes, { utf8 });
    const out = composeValue("Reply-To", value, { utf8 });
    assertEquals(parseAddresses(out), mailboxes);
    assertEquals(parseMailboxes(out.replaceAll("\n", "")), mailboxes);
    // deno-lint-ignore no-control-regex -- ASCII has them
    assert(utf8 || /^[\x00-\x7f]*$/.test(out));
  }
});

property(
  "parseAddresses takes anything, and formatAddresses refuses or takes it by a TypeError",
  (random) => {
    const letters = [
      ...'a@.<>"(),:;\\[]= ?',
      "=?utf-8?q?",
      "=0A",
      "?=",
      "\n",
      "\0",
      "ä",
      "\ud800",
      "a@x.example",
    ];
    const found = parseAddresses(random.list(random.below(60), () => random.pick(letters)).join(""));
    for (const entry of found) {
      assert(!/(?!\t)\p{Cc}/u.test(JSON.stringify(entry)));
      try {
        const out = composeValue("To", formatAddresses(entry));
        assert(!/[\r\0]|\n(?![ \t])/.test(out));
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
      }
    }
  },
);

test("parseAddresses and formatAddresses take hostile values in little time", () => {
  const parts = [
    "(",
    "<",
    '"',
    "\\",
    "a,",
    "a:",
    ";",
    "@",
    "a@",
    '"a" ',
    "<a@b>",
    '"a\\"(<',
    "=?",
    "=?utf-8?q?a?= ",
    " ",
  ];
  const started = performance.now();
  for (const part of parts) {
    const value = part.repeat(65_536 / part.length);
    parseAddresses(value);
    for (const address of [`${value}@x.example`, `${value}(@x.example`, `a@${value}`, `a@${value}(`]) {
      try {
        formatAddresses({ name: value, address });
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
      }
    }
  }
  const took = performance.now() - started;
  assert(took < 15_000, `${parts.length} values of 64 KB took ${took} ms`);
});
