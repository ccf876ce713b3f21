/** What `kilter conform` prints, and how it ends. */

import { CASES } from "../../../src/cli/conform/cases.ts";
import { main } from "../../../src/cli/mod.ts";
import { assert, assertEquals, assertMatch, test } from "../../harness.ts";
import { CapturedTerminal, kilter } from "../captured.ts";
import { rawMilter } from "./raw_milter.ts";

/** An address of loopback at which nobody listens: that of a milter that is gone. */
async function nobody(): Promise<string> {
  await using milter = await rawMilter();
  return milter.address;
}

test("conform prints a line for each case, what went wrong, its rule, and the sum", async () => {
  await using milter = await rawMilter({
    answer: ({ code, text }, right) =>
      code === "R" && !text.startsWith("<") ? ["y250 \x1b[31mFine\0"] : right,
  });
  const { code, out, err } = await kilter(
    ...["conform", milter.address, "--only", "long-offer,macro-lists,addresses", "--only", "no-body"],
  );
  assertEquals(
    out.replace(/\d+\.\d s/, "0.0 s"),
    `Negotiation
  ok     long-offer              an offer of more than 12 bytes
  n/a    macro-lists             (it asks for none)
Mails
  ok     no-body                 a mail without a body
  FAULT  addresses               addresses without brackets, empty, quoted, twi…
         answers rcpt by reply code: its text is no SMTP reply (Cannot read
         reply text: its code 250 is neither 4xx nor 5xx)
         Rule: an MTA hands on what the client wrote

2 of 3 passed, 1 fault, 1 not applicable, 0.0 s
`,
  );
  assertEquals([code, err], [1, ""]);
});

test("conform ends with 0 where there is no fault, and tells the same as JSON", async () => {
  await using milter = await rawMilter();
  const { code, out, err } = await kilter(
    "conform",
    milter.address,
    "--only",
    "no-body,macro-lists",
    "--json",
  );
  const report = JSON.parse(out);
  for (const one of report.cases) one.milliseconds = 0;
  assertEquals([code, err], [0, ""]);
  assertEquals(report, {
    address: milter.address,
    passed: 1,
    faults: 0,
    notApplicable: 1,
    cases: [{
      name: "macro-lists",
      about: "the macros that it asks for",
      rule: "stages 0 to 6, each once, and at most 50 names in each",
      outcome: "not applicable",
      why: "it asks for none",
      milliseconds: 0,
    }, {
      name: "no-body",
      about: "a mail without a body",
      rule: "then no chunk comes at all",
      outcome: "passed",
      milliseconds: 0,
    }],
  });
});

test("conform stops when the milter is gone, and says so", async () => {
  await using milter = await rawMilter({
    connected: (_, number, server) => void (number === 4 && server.close()),
  });
  const { code, out } = await kilter(
    "conform",
    milter.address,
    "--only",
    "version-2,version-3,no-offer,quit",
  );
  assertEquals(code, 1);
  assertMatch(out, / {9}takes no more connections; and it listens no more\n/);
  assertMatch(out, /\nIt listens no more after no-offer: 1 of the cases was not played.\n$/);
});

test("conform plays on when a milter that died is back", async () => {
  await using milter = await rawMilter({
    connected(_, number, server) {
      if (number !== 3) return;
      const { port } = server.address() as { port: number };
      // A server of node:net may listen again as soon as it no longer does.
      server.close();
      setTimeout(() => server.listen(port, "127.0.0.1"), 100);
    },
    answer: ({ code }, right) => code === "O" ? right : "hang",
  });
  const { code, out } = await kilter(
    ...["conform", milter.address, "--only", "version-2,version-3,long-offer", "--timeout", "0.2"],
  );
  assertEquals(code, 1);
  assertMatch(out, /\n0 of 3 passed, 3 faults/);
});

test("conform says that nobody listens, with the code for trouble", async () => {
  const address = await nobody();
  assertEquals(await kilter("conform", address), {
    code: 3,
    out: "",
    err: `kilter conform: Cannot connect to ${address}: nobody listens there\n`,
  });
  const { code, err } = await kilter("conform", "unix:/nowhere/at/all");
  assertEquals([code, err], [
    3,
    "kilter conform: Cannot connect to unix:/nowhere/at/all: the path does not exist\n",
  ]);
});

test("conform does not blame a milter that is slow, but not silent", async () => {
  await using milter = await rawMilter({
    answer({ code }, right, line) {
      if (code !== "R") return right;
      line.timer = setTimeout(() => line.socket.write(Uint8Array.of(0, 0, 0, 1, 0x63)), 20);
      return [];
    },
  });
  const { code, out } = await kilter(
    "conform",
    milter.address,
    "--only",
    "many-recipients",
    "--timeout",
    "0.5",
  );
  assertMatch(out, /\n {2}n\/a {4}many-recipients {9}\(it is too slow for --timeout 0.5\)\n/);
  assertEquals(code, 0);
});

const MISUSES: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [[], /^kilter conform: address is missing; see/],
  [["127.0.0.1"], /^kilter conform: Cannot use address "127.0.0.1": it must be/],
  [["inet:1@localhost", "inet:2@localhost"], /"inet:2@localhost" is one argument too many/],
  [["inet:1@localhost", "--only", "half-closed"], /there is no case "half-closed"; --list names them all/],
  [["inet:1@localhost", "--timeout", "0"], /--timeout must be a number of seconds up to 3600, not "0"/],
  [["inet:1@localhost", "--timeout", "soon"], /not "soon"/],
];

for (const [args, says] of MISUSES) {
  test(`conform does not understand ${JSON.stringify(args.join(" "))}`, async () => {
    const { code, out, err } = await kilter("conform", ...args);
    assertEquals([code, out], [2, ""]);
    assertMatch(err, says);
  });
}

test("conform lists its cases, within the width of a terminal", async () => {
  const { code, out } = await kilter("conform", "--list");
  assertEquals(code, 0);
  for (const { name } of CASES) assert(out.includes(`\n  ${name} `), name);
  assertEquals(out.split("\n").filter((line) => line.length > 80), []);
});

test("names of cases are told apart, and leave room for what is told of them", () => {
  assertEquals(new Set(CASES.map(({ name }) => name)).size, CASES.length);
  assertEquals(CASES.filter(({ name }) => !/^[a-z0-9-]{3,23}$/.test(name)), []);
  assertEquals(CASES.filter(({ rule }) => rule === ""), []);
});

test("conform shows a person which case is played, on the line of the next result", async () => {
  await using milter = await rawMilter();
  const terminal = Object.assign(new CapturedTerminal(), { interactive: true });
  await main(["conform", milter.address, "--only", "no-body,quit"], terminal);
  assertEquals(terminal.err, "\r\x1b[K1 of 2: quit\r\x1b[K\r\x1b[K2 of 2: no-body\r\x1b[K");
});

test("no line of conform's help is wider than the terminal", async () => {
  const { code, out } = await kilter("conform", "--help");
  assertEquals(code, 0);
  assertEquals(out.split("\n").filter((line) => line.length > 80), []);
});
