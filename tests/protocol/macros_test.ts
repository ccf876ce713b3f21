import { encodeCommand, encodeMacros, FilterEnd, Macros } from "../../src/protocol/mod.ts";
import { latin1 } from "../bytes.ts";
import { assertEquals, assertThrows, property, test } from "../harness.ts";
import { commandOf } from "./cases.ts";

const define = (...stages: readonly (readonly [stage: string, definitions: string])[]): Macros =>
  stages.reduce((macros, [stage, definitions]) => macros.define(stage, latin1(definitions)), Macros.none);

/** Definitions as they come, and what they mean. */
const READ:
  readonly (readonly [what: string, definitions: string, macros: Readonly<Record<string, string>>])[] = [
    ["nothing", "", {}],
    ["one of a letter", "i\x004bXyZ\0", { i: "4bXyZ" }],
    ["one of a word", "{mail_addr}\0a@example\0", { "{mail_addr}": "a@example" }],
    ["a word without its braces", "mail_addr\0a@example\0", { "{mail_addr}": "a@example" }],
    ["a letter in braces", "{i}\x004bXyZ\0", { i: "4bXyZ" }],
    ["several", "j\0mx\0_\0host [192.0.2.1]\0v\0Postfix 3.7.11\0", {
      j: "mx",
      _: "host [192.0.2.1]",
      v: "Postfix 3.7.11",
    }],
    ["an empty value", "i\0\0j\0mx\0", { i: "", j: "mx" }],
    ["an odd last name as one with an empty value", "i\x001\0j\0", { i: "1", j: "" }],
    ["a name without its NUL", "i", { i: "" }],
    ["a value without its NUL", "i\x004bX", { i: "4bX" }],
    ["the last of two of a name", "i\x001\0{i}\x002\0", { i: "2" }],
    ["8-bit values as UTF-8, or marked", "a\0\xc3\xbc\0b\0\xfc\0", { a: "ü", b: "\ufffd" }],
    ["names that objects have", "{__proto__}\x001\0{constructor}\x002\0", {
      "{__proto__}": "1",
      "{constructor}": "2",
    }],
  ];

for (const [what, definitions, expected] of READ) {
  test(`Macros read ${what}`, () => {
    const macros = define(["M", definitions]);
    assertEquals(macros.toObject(), { ...expected });
    for (const [name, value] of Object.entries(expected)) {
      const bare = name.replace(/^\{(.*)\}$/, "$1");
      assertEquals([macros.get(bare), macros.get(`{${bare}}`), macros.has(name)], [value, value, true]);
    }
  });
}

test("Macros that nobody defined are undefined", () => {
  for (const macros of [Macros.none, define(["C", "j\0mx\0"])]) {
    for (const name of ["i", "{i}", "", "{}", "{", "j\0", "toString"]) {
      assertEquals([macros.get(name), macros.getBytes(name), macros.has(name)], [
        undefined,
        undefined,
        false,
      ]);
    }
  }
});

test("Macros give a value's bytes as the MTA sent them", () => {
  assertEquals(define(["M", "b\0\xfc\xff\0"]).getBytes("b"), latin1("\xfc\xff"));
});

property("Macros read any bytes, and never fail", (random) => {
  const stage = random.pick([..."CHMRTLNBEU"]);
  const macros = Macros.none.define(stage, random.bytes(random.below(60)).map((byte) => byte & 0x9f));
  for (const [name, value] of Object.entries(macros.toObject())) assertEquals(macros.get(name), value);
});

test("Macros of a later stage hide those of an earlier one", () => {
  const macros = define(["C", "i\0c\0j\0c\0"], ["M", "i\0m\0"], ["R", "i\0r\0"]);
  assertEquals([macros.get("i"), macros.get("j")], ["r", "c"]);
  assertEquals(macros.clear("R").get("i"), "m");
  assertEquals(macros.clear("H").get("i"), "c");
});

test("Macros of an unknown stage change nothing", () => {
  const macros = define(["C", "j\0mx\0"], ["M", "i\x001\0"]);
  for (const stage of ["Z", "", "\xff", "CH", "A", "c"]) {
    assertEquals(macros.define(stage, latin1("i\0no\0")).toObject(), macros.toObject());
    assertEquals(macros.clear(stage).toObject(), macros.toObject());
  }
});

test("Macros that were kept stay as they were", () => {
  const first = define(["C", "j\0mx\0"], ["R", "rcpt_addr\0a\0"]);
  const second = first.define("R", latin1("rcpt_addr\0b\0"));
  assertEquals(second.clear("C").toObject(), {});
  assertEquals([first.get("rcpt_addr"), second.get("rcpt_addr")], ["a", "b"]);
  assertEquals(first.toObject(), { j: "mx", "{rcpt_addr}": "a" });
  assertEquals(Macros.none.toObject(), {});
});

/**
 * What an MTA sends, and the macros after each command: `M i=1` is a MAIL after its macros, `M` one
 * without any.
 */
interface Life {
  readonly what: string;
  readonly steps: readonly (readonly [command: string, macros: Readonly<Record<string, string>>])[];
}

const LIVES: readonly Life[] = [
  {
    what: "add up from the connection to the end of the message",
    steps: [
      ["C j=mx", { j: "mx" }],
      ["H", { j: "mx" }],
      ["M i=1", { j: "mx", i: "1" }],
      ["R r=a", { j: "mx", i: "1", r: "a" }],
      ["T", { j: "mx", i: "1", r: "a" }],
      ["L", { j: "mx", i: "1", r: "a" }],
      ["N n=x", { j: "mx", i: "1", r: "a", n: "x" }],
      ["B", { j: "mx", i: "1", r: "a", n: "x" }],
      ["E e=x", { j: "mx", i: "1", r: "a", n: "x", e: "x" }],
    ],
  },
  {
    what: "of a recipient are gone at the next",
    steps: [["C", {}], ["M i=1", { i: "1" }], ["R a=1", { i: "1", a: "1" }], ["R b=2", { i: "1", b: "2" }]],
  },
  {
    what: "of a recipient do not stay for one without any",
    steps: [["C", {}], ["M i=1", { i: "1" }], ["R a=1", { i: "1", a: "1" }], ["R", { i: "1" }]],
  },
  {
    what: "of a message are gone at the next, those of the connection stay",
    steps: [
      ["C j=mx", { j: "mx" }],
      ["H h=x", { j: "mx", h: "x" }],
      ["M i=1", { j: "mx", h: "x", i: "1" }],
      ["R r=a", { j: "mx", h: "x", i: "1", r: "a" }],
      ["A", { j: "mx", h: "x" }],
      ["M i=2", { j: "mx", h: "x", i: "2" }],
    ],
  },
  {
    what: "of a message are gone at one that begins without an ABORT and without macros",
    steps: [["C j=mx", { j: "mx" }], ["M i=1", { j: "mx", i: "1" }], ["R", { j: "mx", i: "1" }], ["M", {
      j: "mx",
    }]],
  },
  {
    what: "of HELO and all after it are gone at the next HELO",
    steps: [
      ["C j=mx", { j: "mx" }],
      ["H t=0", { j: "mx", t: "0" }],
      ["M i=1", { j: "mx", t: "0", i: "1" }],
      ["H t=1", { j: "mx", t: "1" }],
    ],
  },
  {
    what: "of Postfix appear with the queue id after the first recipient",
    steps: [
      ["C j=mx", { j: "mx" }],
      ["M", { j: "mx" }],
      ["R", { j: "mx" }],
      ["T i=1", { j: "mx", i: "1" }],
      ["L", { j: "mx", i: "1" }],
      ["N", { j: "mx", i: "1" }],
      ["E", { j: "mx", i: "1" }],
    ],
  },
  {
    what: "of each header are its own",
    steps: [["C", {}], ["M", {}], ["R", {}], ["T", {}], ["L a=1", { a: "1" }], ["L b=2", { b: "2" }], [
      "L",
      {},
    ]],
  },
  {
    what: "of an unknown command live for it alone",
    steps: [
      ["C", {}],
      ["M i=1", { i: "1" }],
      ["U u=x", { i: "1", u: "x" }],
      ["U", { i: "1" }],
      ["U u=y", { i: "1", u: "y" }],
      ["R", { i: "1" }],
    ],
  },
  {
    what: "of one client are unknown to the next on the same socket",
    steps: [["C j=mx", { j: "mx" }], ["M i=1", { j: "mx", i: "1" }], ["K", {}], ["C", {}]],
  },
];

for (const { what, steps } of LIVES) {
  test(`Macros ${what}`, () => {
    const end = new FilterEnd();
    end.receive(encodeCommand(commandOf("O")));
    end.next();
    for (const [step, expected] of steps) {
      const [code, ...defined] = step.split(" ");
      if (defined.length > 0) {
        const definitions = encodeMacros(Object.fromEntries(defined.map((pair) => pair.split("="))));
        end.receive(encodeCommand({ type: "macros", stage: code!, definitions }));
      }
      end.receive(encodeCommand(commandOf(code!)));
      while (end.next() !== undefined);
      assertEquals(end.macros.toObject(), { ...expected }, step);
      if (end.awaiting !== undefined) end.send({ type: "continue" });
    }
  });
}

test("Macros of a message are there when it is aborted by the next, and not those of the next", () => {
  const end = new FilterEnd();
  for (const code of "OCM") end.receive(encodeCommand(commandOf(code)));
  for (const definitions of [encodeMacros({ i: "1" }), encodeMacros({ i: "2" })]) {
    end.receive(encodeCommand({ type: "macros", stage: "M", definitions }));
    end.receive(encodeCommand(commandOf("M")));
  }
  const ids: (string | undefined)[] = [];
  for (let next = end.next(); next !== undefined; next = end.next()) {
    if (next.type === "abort") ids.push(end.macros.get("i"));
    if (end.awaiting !== undefined) end.send({ type: "continue" });
  }
  assertEquals([ids, end.macros.get("i")], [[undefined, "1"], "2"]);
});

test("Macros for a command that was negotiated away are there at the next", () => {
  const end = new FilterEnd({ wish: { protocol: 0x0c } });
  for (const code of "OCH") end.receive(encodeCommand(commandOf(code)));
  for (const stage of "MRT") {
    end.receive(encodeCommand({ type: "macros", stage, definitions: encodeMacros({ [stage]: "x" }) }));
  }
  end.receive(encodeCommand(commandOf("T")));
  for (let next = end.next(); next !== undefined; next = end.next()) {
    if (end.awaiting !== undefined && next.type !== "data") end.send({ type: "continue" });
  }
  assertEquals([end.awaiting, end.macros.toObject()], ["data", { M: "x", R: "x", T: "x" }]);
});

test("encodeMacros writes names and values, each with its NUL", () => {
  assertEquals(
    encodeMacros({ i: "4bX", "{mail_addr}": "ü", v: "" }),
    latin1("i\x004bX\0{mail_addr}\0\xc3\xbc\0v\0\0"),
  );
  assertEquals(encodeMacros({}), latin1(""));
});

for (const values of [{ "a\0b": "" }, { i: "a\0b" }] as const) {
  test(`encodeMacros refuses ${JSON.stringify(values)}`, () => {
    assertThrows(() => encodeMacros(values), TypeError, "holds a NUL");
  });
}
