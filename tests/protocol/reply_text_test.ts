import { decodeText, MilterError } from "../../src/protocol/mod.ts";
import {
  buildReply,
  formatReply,
  parseReply,
  type ReplyClass,
  type ReplyInput,
  type SmtpReply,
} from "../../src/protocol/reply_text.ts";
import { encodeText } from "../../src/wire/text.ts";
import { assert, assertEquals, assertThrows, property, type Random, test } from "../harness.ts";

const REJECTED = "Command rejected";
const UNAVAILABLE = "Service unavailable - try again later";

/** What an author writes, and what an SMTP client gets. */
const BUILT: readonly (readonly [kind: ReplyClass, input: ReplyInput, text: string])[] = [
  [5, "", `550 5.7.1 ${REJECTED}`],
  [4, "", `451 4.7.1 ${UNAVAILABLE}`],
  [5, {}, `550 5.7.1 ${REJECTED}`],
  [4, {}, `451 4.7.1 ${UNAVAILABLE}`],
  [5, "None shall pass", "550 5.7.1 None shall pass"],
  [4, "Later", "451 4.7.1 Later"],
  [5, "550 5.7.1 No", "550 5.7.1 No"],
  [5, "554 No", "554 No"],
  [5, "554", `554 ${REJECTED}`],
  [5, "554 5.6.0", `554 5.6.0 ${REJECTED}`],
  [4, "421 4.3.2 Bye", "421 4.3.2 Bye"],
  [5, { code: 554 }, `554 ${REJECTED}`],
  [5, { enhanced: "5.1.1" }, `550 5.1.1 ${REJECTED}`],
  [5, { text: "No" }, "550 5.7.1 No"],
  [5, { code: 552, enhanced: "5.2.3", text: "Too long" }, "552 5.2.3 Too long"],
  [5, { code: 550, text: "5.2.3 Too long" }, "550 5.2.3 Too long"],
  [5, "one\ntwo", "550-5.7.1 one\r\n550 5.7.1 two"],
  [5, "one\r\ntwo\r\n", "550-5.7.1 one\r\n550 5.7.1 two"],
  [5, "one\n\ntwo", "550-5.7.1 one\r\n550-5.7.1 \r\n550 5.7.1 two"],
  [5, "550-5.7.1 one\r\n550 5.7.1 two", "550-5.7.1 one\r\n550 5.7.1 two"],
  [4, "451 4.7.1 one\n550 in May", "451-4.7.1 one\r\n451 4.7.1 550 in May"],
  [5, "550 5.7.1 one\n550 two", "550-5.7.1 one\r\n550 5.7.1 550 two"],
  [5, "554 one\ntwo", "554-one\r\n554 two"],
  [5, "100% sure %s", "550 5.7.1 100%% sure %%s"],
  [5, "a\tb", "550 5.7.1 a\tb"],
  [5, "1000 reasons", "550 5.7.1 1000 reasons"],
  [5, "Kein Zutritt für Ünbefugte 📧", "550 5.7.1 Kein Zutritt f?r ?nbefugte ?"],
];

for (const [kind, input, text] of BUILT) {
  test(`buildReply makes ${JSON.stringify(input)} of class ${kind} what a client takes`, () => {
    assertEquals(decodeText(formatReply(buildReply(input, kind))), text);
  });
}

const line = (size: number) => "x".repeat(size - "550 5.7.1 ".length);

test("buildReply takes 32 lines of 980 bytes", () => {
  const reply = buildReply(Array(32).fill(line(980)).join("\n"), 5);
  assertEquals(formatReply(reply).length, 32 * 980 + 31 * 2);
});

/** What cannot be sent cannot be built. */
const UNBUILDABLE: readonly (readonly [
  what: string,
  kind: ReplyClass,
  input: ReplyInput,
  type: typeof RangeError | typeof TypeError,
  why: string,
])[] = [
  ["a temporary code for good", 5, "451 Later", RangeError, "451 is not of the class 5xx"],
  ["a final code for now", 4, "550 No", RangeError, "550 is not of the class 4xx"],
  ["a success", 5, "250 Fine", RangeError, "250 is not of the class 5xx"],
  ["a success in parts", 5, { code: 250 }, RangeError, "250 is not of the class 5xx"],
  ["a code of four digits", 5, { code: 5500 }, RangeError, "5500 is not of the class 5xx"],
  ["a code with a fraction", 5, { code: 550.5 }, RangeError, "550.5 is not of the class 5xx"],
  ["an enhanced code of another class", 5, "550 4.7.1 No", RangeError, "4.7.1 does not go with 550"],
  ["an enhanced code of success", 5, { enhanced: "2.0.0" }, RangeError, "2.0.0 does not go with 550"],
  ["an enhanced code that is none", 5, { enhanced: "5.7" }, RangeError, "5.7 does not go with 550"],
  ["an enhanced code of another class in the text", 5, { code: 550, text: "4.7.1 No" }, RangeError, "4.7.1"],
  ["33 lines", 5, "x\n".repeat(33), RangeError, "33 lines are over the limit of 32"],
  ["a line of 981 bytes", 5, line(981), RangeError, "a line of 981 bytes is over the limit of 980"],
  ["a line too long in bytes", 5, `ü${line(979)}`, RangeError, "a line of 981 bytes"],
  ["a line too long for its doubled %", 5, `%${line(979)}`, RangeError, "a line of 981 bytes"],
  ["a lone CR", 5, "a\rb", TypeError, "control character"],
  ["a NUL", 5, "a\0b", TypeError, "control character"],
  ["an escape", 5, "\x1b[31mred", TypeError, "control character"],
  ["a line feed that is none", 5, "a\x0bb", TypeError, "control character"],
];

for (const [what, kind, input, type, why] of UNBUILDABLE) {
  test(`buildReply refuses ${what}`, () => {
    assertThrows(() => buildReply(input, kind), type, why);
  });
}

test("buildReply makes a reply that nobody can change", () => {
  const reply = buildReply("one\ntwo", 5);
  assert(Object.isFrozen(reply) && Object.isFrozen(reply.lines));
});

test("formatReply keeps what is not ASCII where the client takes UTF-8", () => {
  assertEquals(decodeText(formatReply(buildReply("für 📧", 5), { utf8: true })), "550 5.7.1 für 📧");
});

const PARSED: readonly (readonly [text: string, reply: SmtpReply])[] = [
  ["550 5.7.1 No", { code: 550, enhanced: "5.7.1", lines: ["No"] }],
  ["451 No", { code: 451, enhanced: undefined, lines: ["No"] }],
  ["550", { code: 550, enhanced: undefined, lines: [""] }],
  ["550 ", { code: 550, enhanced: undefined, lines: [""] }],
  ["550 5.7.1", { code: 550, enhanced: "5.7.1", lines: [""] }],
  ["550 100%% sure, %s", { code: 550, enhanced: undefined, lines: ["100% sure, %s"] }],
  ["550-5.7.1 one\r\n550 5.7.1 two", { code: 550, enhanced: "5.7.1", lines: ["one", "two"] }],
  ["550-5.7.1 one\r\n550 two", { code: 550, enhanced: "5.7.1", lines: ["one", "two"] }],
  ["550-one\r\n550 5.7.1", { code: 550, enhanced: undefined, lines: ["one", "5.7.1"] }],
];

for (const [text, reply] of PARSED) {
  test(`parseReply reads ${JSON.stringify(text)}`, () => {
    assertEquals(parseReply(encodeText(text)), reply);
  });
}

const UNREADABLE: readonly (readonly [text: string, why: string])[] = [
  ["", "it does not start with a reply code"],
  ["nonsense", "it does not start with a reply code"],
  ["5500 No", "it does not start with a reply code"],
  ["550No", "it does not start with a reply code"],
  ["250 2.0.0 Fine", "its code 250 is neither 4xx nor 5xx"],
  ["354 Go on", "its code 354 is neither 4xx nor 5xx"],
  ["550 4.7.1 No", "4.7.1 does not go with 550"],
  ["550-one\r\n551 two", "line 2 lacks the code 550"],
  ["550-one\r\ntwo", "line 2 lacks the code 550"],
  ["550-one\r\n", "line 2 lacks the code 550"],
  ["550 one\r\n550 two", "line 1 of 2 has the wrong separator"],
  ["550\r\n550 two", "line 1 of 2 has the wrong separator"],
  ["550-one", "line 1 of 1 has the wrong separator"],
  ["550-one\r\n550-two", "line 2 of 2 has the wrong separator"],
  ["550 one\n250 two", "line 1 holds a control character"],
  ["550 one\r250 two", "line 1 holds a control character"],
];

for (const [text, why] of UNREADABLE) {
  test(`parseReply refuses ${JSON.stringify(text)}`, () => {
    const error = assertThrows(() => parseReply(encodeText(text)), MilterError, why);
    assertEquals([error.code, error.side], ["MESSAGE", "peer"]);
  });
}

/** Text made of what may be mistaken for something else. */
function anyText(random: Random): string {
  const parts = ["", " ", "-", "%", "%%", "550", "5.7.1", "4.7.1", "250 2.0.0 ", "ü", "📧", "\t", "a"];
  return random.list(random.below(6), () => random.pick(parts)).join("");
}

property("A reply that can be built is read as it was built, and may be sent", { runs: 2000 }, (random) => {
  const kind = random.pick([4, 5] as const);
  const text = random.list(random.between(1, 4), () => anyText(random)).join("\n");
  const input = random.pick<ReplyInput>([
    text,
    `${kind}50 ${text}`,
    `${kind}50-${kind}.0.0 ${text}`,
    { text },
    { code: kind * 100 + 50, text },
    { code: kind * 100 + 50, enhanced: `${kind}.1.1`, text },
  ]);
  let reply: SmtpReply;
  try {
    reply = buildReply(input, kind);
  } catch (error) {
    assert(error instanceof RangeError, `${error}`);
    return;
  }
  assertEquals(parseReply(formatReply(reply, { utf8: true })), { ...reply });
  assertEquals(parseReply(formatReply(reply)).code, reply.code);
});
