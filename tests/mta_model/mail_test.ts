import { mailBytes, parseMail } from "../../src/mta/mail.ts";
import { latin1, sameBytes } from "../bytes.ts";
import { assert, assertEquals, property, test } from "../harness.ts";

/** What is taken for a mail, and what it is taken for: `Name:value` for each header, then the body. */
const MAILS: readonly {
  readonly about: string;
  readonly source: string;
  readonly headers?: readonly string[];
  readonly body?: string;
  readonly mailboxLine?: string;
}[] = [
  { about: "nothing", source: "" },
  { about: "an empty line", source: "\r\n" },
  {
    about: "headers and body",
    source: "A: 1\r\nB:2\r\n\r\nbody\r\n",
    headers: ["A: 1", "B:2"],
    body: "body\r\n",
  },
  {
    about: "LF line ends",
    source: "A: 1\nB: 2\n\nbo\ndy\n",
    headers: ["A: 1", "B: 2"],
    body: "bo\r\ndy\r\n",
  },
  { about: "no body", source: "A: 1\r\n\r\n", headers: ["A: 1"] },
  { about: "no end of the headers", source: "A: 1", headers: ["A: 1"] },
  { about: "no headers", source: "\r\nbody\r\n", body: "body\r\n" },
  { about: "no headers and no empty line", source: "just text\r\nmore\r\n", body: "just text\r\nmore\r\n" },
  { about: "folds", source: "A: 1\r\n 2\r\n\t3\r\nB:\r\n 4\r\n\r\n", headers: ["A: 1\n 2\n\t3", "B:\n 4"] },
  { about: "a fold of white space alone", source: "A: 1\r\n \r\nB: 2\r\n\r\n", headers: ["A: 1\n ", "B: 2"] },
  { about: "a fold before any header", source: " A: 1\r\nB: 2\r\n", body: " A: 1\r\nB: 2\r\n" },
  { about: "empty values", source: "A:\r\nB: \r\n\r\n", headers: ["A:", "B: "] },
  { about: "white space before the colon", source: "A \t: 1\r\n\r\n", headers: ["A: 1"] },
  {
    about: "a line without a colon",
    source: "A: 1\r\nno\r\nB: 2\r\n\r\nx\r\n",
    headers: ["A: 1"],
    body: "no\r\nB: 2\r\n\r\nx\r\n",
  },
  { about: "a line without a name", source: "A: 1\r\n: 2\r\n", headers: ["A: 1"], body: ": 2\r\n" },
  { about: "a name with a space", source: "A b: 1\r\n", body: "A b: 1\r\n" },
  {
    about: "8-bit values and bodies",
    source: "A: \xe9\xff\r\n\r\n\x80\0\r\n",
    headers: ["A: \xe9\xff"],
    body: "\x80\0\r\n",
  },
  { about: "an 8-bit name", source: "\xc3\xa9: 1\r\n", body: "\xc3\xa9: 1\r\n" },
  { about: "a lone CR", source: "A: 1\r2\r\n\r\na\rb\r\n", headers: ["A: 1\r2"], body: "a\rb\r\n" },
  { about: "a body without its last end of line", source: "\r\na\nb", body: "a\r\nb\r\n" },
  {
    about: "a mailbox",
    source: "From me Mon\nA: 1\n\nx\n",
    mailboxLine: "From me Mon",
    headers: ["A: 1"],
    body: "x\r\n",
  },
];

for (const { about, source, headers = [], body = "", mailboxLine } of MAILS) {
  test(`parseMail takes ${about}`, () => {
    const mail = parseMail(latin1(source));
    assertEquals(mail.headers.map(({ name, value }) => `${text(name)}:${text(value)}`), headers);
    assertEquals(text(mail.body), body);
    assertEquals(mail.mailboxLine && text(mail.mailboxLine), mailboxLine);
  });
}

test("parseMail takes a string as UTF-8", () => {
  assertEquals(mailBytes(parseMail("A: é\n\nü")), new TextEncoder().encode("A: é\r\n\r\nü\r\n"));
});

property(
  "parseMail takes any bytes, and mailBytes gives what is taken for the same mail",
  { runs: 2000 },
  (random) => {
    const words = ["A", ": ", ":", "\r\n", "\n", "\r", " ", "\t", "From ", "b\xe9", "\0", "\r\n\r\n"];
    const mail = parseMail(latin1(random.list(random.below(20), () => random.pick(words)).join("")));
    const bytes = mailBytes(mail);
    assertEquals(parseMail(bytes), mail);
    assert(sameBytes(mailBytes(parseMail(bytes)), bytes));
  },
);

function text(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
