import {
  type Command,
  COMMANDS,
  type CommandType,
  encodeReply,
  MilterError,
  MtaEnd,
  PROTOCOL,
  type Reply,
  type Text,
} from "../../src/protocol/mod.ts";
import { concat } from "../bytes.ts";
import { assertEquals, assertThrows, test } from "../harness.ts";
import { commandOf } from "./cases.ts";
import { EVERYTHING, mtaEndAt } from "./ends.ts";

/** What a filter says, for a test to start from. */
interface Agreed {
  readonly version?: number;
  readonly protocol?: number;
}

/** An MTA's end after its negotiation. */
function negotiated({ version = 6, protocol = 0 }: Agreed = {}): MtaEnd {
  const end = new MtaEnd();
  end.negotiate();
  hear(end, { type: "negotiate", version, actions: 0, protocol, macros: [] });
  end.take();
  return end;
}

function hear(end: MtaEnd, reply: Reply<Text>): Reply | undefined {
  end.receive(encodeReply(reply));
  return end.next();
}

/** Says commands, each answered, and gives the codes of those that went out. */
function say(end: MtaEnd, codes: string, answer: Reply<Text> = { type: "continue" }): string {
  let sent = "";
  for (const code of codes) {
    if (end.send(commandOf(code))) sent += code;
    if (end.awaiting !== undefined) hear(end, answer);
  }
  return sent;
}

const MESSAGE = "CHMRTLNBE";

/** What does not go out: commands negotiated away, and those that the version does not know. */
const LEFT_OUT: readonly (readonly [what: string, agreed: Agreed, sent: string])[] = [
  ["nothing", {}, "CHUMRTLNBE"],
  ["CONNECT", { protocol: PROTOCOL.NO_CONNECT }, "HUMRTLNBE"],
  ["HELO", { protocol: PROTOCOL.NO_HELO }, "CUMRTLNBE"],
  ["MAIL", { protocol: PROTOCOL.NO_MAIL }, "CHURTLNBE"],
  ["RCPT", { protocol: PROTOCOL.NO_RCPT }, "CHUMTLNBE"],
  ["DATA", { protocol: PROTOCOL.NO_DATA }, "CHUMRLNBE"],
  ["headers", { protocol: PROTOCOL.NO_HEADERS }, "CHUMRTNBE"],
  ["the end of headers", { protocol: PROTOCOL.NO_END_OF_HEADERS }, "CHUMRTLBE"],
  ["the body", { protocol: PROTOCOL.NO_BODY }, "CHUMRTLNE"],
  ["unknown commands", { protocol: PROTOCOL.NO_UNKNOWN }, "CHMRTLNBE"],
  ["all but the end", { protocol: 0x37f }, "E"],
  ["DATA and unknown commands at version 2", { version: 2 }, "CHMRLNBE"],
  ["DATA at version 3", { version: 3 }, "CHUMRLNBE"],
  ["nothing at version 4", { version: 4 }, "CHUMRTLNBE"],
];

for (const [what, agreed, sent] of LEFT_OUT) {
  test(`MtaEnd leaves out ${what}, where that was agreed`, () => {
    assertEquals(say(negotiated(agreed), "CHUMRTLNBE"), sent);
  });
}

/** The flag under which a command is not answered. */
const SILENT: readonly (readonly [type: CommandType, flag: number])[] = [
  ["connect", PROTOCOL.NR_CONNECT],
  ["helo", PROTOCOL.NR_HELO],
  ["mail", PROTOCOL.NR_MAIL],
  ["rcpt", PROTOCOL.NR_RCPT],
  ["data", PROTOCOL.NR_DATA],
  ["header", PROTOCOL.NR_HEADER],
  ["endOfHeaders", PROTOCOL.NR_END_OF_HEADERS],
  ["body", PROTOCOL.NR_BODY],
  ["unknown", PROTOCOL.NR_UNKNOWN],
];

for (const [type, flag] of SILENT) {
  test(`MtaEnd awaits no answer to ${type} where that was agreed, and one to each other command`, () => {
    assertEquals(mtaEndAt(type, { protocol: flag }).awaiting, undefined);
    assertEquals(mtaEndAt(type, { protocol: 0xff080 & ~flag }).awaiting, type);
  });
}

test("MtaEnd awaits no answer to macros, ABORT and QUIT", () => {
  for (const type of ["macros", "abort", "quit", "quitNewConnection"] as const) {
    assertEquals([COMMANDS[type].answers, mtaEndAt(type).awaiting], [[], undefined]);
  }
});

test("MtaEnd sends no more of a body once the filter skips it", () => {
  const end = mtaEndAt("body");
  hear(end, { type: "skip" });
  assertEquals(say(end, "DBBE"), "DE");
});

for (const ending of ["E", "A", "", "H"]) {
  test(`MtaEnd sends the next body after a skip, where ${ending || "MAIL"} ended the message`, () => {
    const end = mtaEndAt("body");
    hear(end, { type: "skip" });
    assertEquals(say(end, `B${ending}MRTLNBE`), `${ending}MRTLNBE`);
  });
}

test("MtaEnd takes any number of needless answers for nothing", () => {
  const end = negotiated({ protocol: PROTOCOL.NR_CONNECT });
  end.send(commandOf("C"));
  end.receive(concat(Array.from({ length: 50_000 }, () => encodeReply({ type: "continue" }))));
  assertEquals([end.next(), end.buffered], [undefined, 0]);
  end.send(commandOf("H"));
  assertEquals(hear(end, { type: "accept" })?.type, "accept");
});

test("MtaEnd refuses any other answer when no command waits for one", () => {
  const end = negotiated({ protocol: PROTOCOL.NR_CONNECT });
  end.send(commandOf("C"));
  const error = assertThrows(
    () => hear(end, { type: "reject" }),
    MilterError,
    "no command waits for an answer",
  );
  assertEquals([error.code, error.side], ["ORDER", "peer"]);
});

test("MtaEnd counts the bytes of a reply that is not whole", () => {
  const end = mtaEndAt("helo", EVERYTHING);
  const bytes = encodeReply({ type: "replyCode", text: "550 No" });
  end.receive(bytes.subarray(0, 7));
  assertEquals([end.next(), end.buffered], [undefined, 7]);
});

test("MtaEnd writes nothing of a command that cannot be encoded, and goes on", () => {
  const end = mtaEndAt("helo", EVERYTHING);
  hear(end, { type: "continue" });
  const broken: Command<Text> = { type: "mail", address: "<a@example>", arguments: ["a\0b"] };
  assertThrows(() => end.send(broken), TypeError, "Cannot encode mail: its arguments holds a NUL");
  assertEquals([end.take(), end.awaiting], [undefined, undefined]);
  assertEquals(say(end, MESSAGE.slice(2)), MESSAGE.slice(2));
});
