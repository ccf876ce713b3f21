import {
  type Command,
  COMMANDS,
  type CommandType,
  encodeCommand,
  encodeReply,
  FilterEnd,
  MilterError,
  MtaEnd,
  PROTOCOL,
  type Text,
} from "../../src/protocol/mod.ts";
import { Place, type PlaceName } from "../../src/protocol/order.ts";
import { concat } from "../bytes.ts";
import { assertEquals, assertThrows, property, test } from "../harness.ts";
import { commandOf, SAMPLES } from "./cases.ts";

const {
  NO_CONNECT,
  NO_HELO,
  NO_MAIL,
  NO_RCPT,
  NO_DATA,
  NO_HEADERS,
  NO_END_OF_HEADERS,
  NO_BODY,
} = PROTOCOL;

const TYPES = Object.keys(COMMANDS) as CommandType[];

/** The codes of the commands that may come at a place, in the order of the table; macros, ABORT and QUIT always may. */
function following(name: PlaceName, protocol = 0): string {
  const agreement = { type: "negotiate", version: 6, actions: 0, protocol, macros: [] } as const;
  const place = Place.all[name];
  return TYPES.filter((type) => place.after(type, agreement)).map((type) => COMMANDS[type].code).join("");
}

const NOTHING_LEFT_OUT: Readonly<Record<PlaceName, string>> = {
  start: "O",
  negotiate: "CDAQK",
  connect: "HMUDAQK",
  helo: "HMUDAQK",
  mail: "HMRUDAQK",
  rcpt: "HMRTLNUDAQK",
  data: "HMRTLNUDAQK",
  header: "HMLNDAQK",
  endOfHeaders: "HMBEDAQK",
  body: "HMBEDAQK",
  endOfMessage: "HMUDAQK",
};

for (const [place, codes] of Object.entries(NOTHING_LEFT_OUT) as [PlaceName, string][]) {
  test(`After ${place} may follow ${codes}`, () => assertEquals(following(place), codes));
}

/** What is negotiated away is stepped over; an MTA that sends it all the same may. */
const LEFT_OUT: readonly (readonly [place: PlaceName, what: string, protocol: number, codes: string])[] = [
  ["start", "everything", ~0, "O"],
  ["negotiate", "CONNECT", NO_CONNECT, "CHMUDAQK"],
  ["negotiate", "CONNECT, HELO and MAIL", NO_CONNECT | NO_HELO | NO_MAIL, "CHMRUDAQK"],
  ["negotiate", "HELO", NO_HELO, "CDAQK"],
  ["helo", "MAIL", NO_MAIL, "HMRUDAQK"],
  ["helo", "MAIL and RCPT", NO_MAIL | NO_RCPT, "HMRTLNUDAQK"],
  ["helo", "RCPT", NO_RCPT, "HMUDAQK"],
  ["mail", "RCPT", NO_RCPT, "HMRTLNUDAQK"],
  ["mail", "RCPT, DATA and headers", NO_RCPT | NO_DATA | NO_HEADERS, "HMRTLNUDAQK"],
  ["data", "headers and their end", NO_HEADERS | NO_END_OF_HEADERS, "HMRTLNBEUDAQK"],
  ["data", "the end of headers", NO_END_OF_HEADERS, "HMRTLNBEUDAQK"],
  ["header", "the end of headers", NO_END_OF_HEADERS, "HMLNBEDAQK"],
  ["header", "MAIL", NO_MAIL, "HMRLNUDAQK"],
  ["endOfHeaders", "the body", NO_BODY, "HMBEDAQK"],
  ["endOfMessage", "MAIL", NO_MAIL, "HMRUDAQK"],
  ["endOfMessage", "MAIL, RCPT and DATA", NO_MAIL | NO_RCPT | NO_DATA, "HMRTLNUDAQK"],
  ["negotiate", "everything", ~0, "CHMRTLNBEUDAQK"],
];

for (const [place, what, protocol, codes] of LEFT_OUT) {
  test(`After ${place}, without ${what}, may follow ${codes}`, () => {
    assertEquals(following(place, protocol), codes);
  });
}

property("Leaving commands out never forbids another", (random) => {
  const [some, more] = [random.uint32(), random.uint32()];
  for (const place of Object.keys(NOTHING_LEFT_OUT) as PlaceName[]) {
    const codes = following(place, some | more);
    assertEquals([...following(place, some)].filter((code) => !codes.includes(code)), []);
  }
});

test("An abort leads back to where the next message may begin, and moves nothing between messages", () => {
  const { start, ...others } = Place.all;
  assertEquals(start.after("abort"), undefined);
  for (const place of Object.values(others)) {
    const after = place.after("abort")!;
    assertEquals(after.name, place.inMessage ? "helo" : place.name);
    assertEquals(after.inMessage, false);
  }
});

test("Each command that moves the conversation leads to the place that is called by it", () => {
  for (const place of Object.values(Place.all)) {
    for (const type of TYPES) {
      const after = place.after(type, {
        type: "negotiate",
        version: 6,
        actions: 0,
        protocol: ~0,
        macros: [],
      });
      if (after === undefined) continue;
      if (type in Place.all) assertEquals(after.name, type as PlaceName);
      else if (type === "unknown" || type === "macros" || type === "quit") assertEquals(after, place);
    }
  }
});

/** Commands that real and other MTAs send, and what a filter is told, by their codes. */
const CONVERSATIONS: readonly (readonly [what: string, sent: string, told: string])[] = [
  ["a whole message", "OCHMRTLNBEQ", "OCHMRTLNBEQ"],
  ["two messages", "OCHMRTLNBEMRTLNBEQ", "OCHMRTLNBEMRTLNBEQ"],
  ["no HELO", "OCMRTLNBEQ", "OCMRTLNBEQ"],
  ["a second HELO after STARTTLS", "OCHHMRTLNE", "OCHHMRTLNE"],
  ["a message without headers and without body", "OCHMRTNE", "OCHMRTNE"],
  ["RSET after RCPT", "OCHMRAMR", "OCHMRAMR"],
  ["a message that MAIL ends", "OCHMRM", "OCHMRAM"],
  ["a message that MAIL ends in its body", "OCHMRTLNBM", "OCHMRTLNBAM"],
  ["a message that HELO ends", "OCHMRH", "OCHMRAH"],
  ["Sendmail's way of a HELO within a message", "OCHMRAHM", "OCHMRAHM"],
  ["Postfix's way of a HELO within a message, its ABORT late", "OCHMRHAM", "OCHMRAHM"],
  ["an ABORT with no message to end", "OCAHA", "OCH"],
  ["ABORT twice", "OCHMRAAM", "OCHMRAM"],
  ["Postfix's late ABORT after a normal end", "OCHMRTLNBEAM", "OCHMRTLNBEM"],
  ["Postfix's goodbye", "OCHMRTLNBEAAQ", "OCHMRTLNBEQ"],
  ["Postfix's goodbye after a client that vanished", "OCHMRAAQ", "OCHMRAQ"],
  ["a rejected DATA, then another recipient", "OCHMRTRTLNE", "OCHMRTRTLNE"],
  ["a rejected DATA, then DATA again", "OCHMRTTLNE", "OCHMRTTLNE"],
  ["unknown commands wherever they may be", "OCUHUMURUTUA", "OCUHUMURUTUA"],
  ["an unknown command between messages", "OCHMRTLNEUM", "OCHMRTLNEUM"],
  ["macros before everything", "ODCDHDMDRDTDLDNDBDE", "ODCDHDMDRDTDLDNDBDE"],
  ["a message that MAIL and its macros end", "OCHMRDM", "OCHMRADM"],
  ["a message that HELO and its macros end", "OCHMRDHDM", "OCHMRADHDM"],
  ["another client on the same socket", "OCHMRTLNEKCHM", "OCHMRTLNEKCHM"],
  ["another client in the middle of a message", "OCHMRKCHM", "OCHMRKCHM"],
  ["nothing after QUIT", "OCHQMR", "OCHQ"],
];

for (const [what, sent, told] of CONVERSATIONS) {
  test(`FilterEnd tells ${what}: ${sent} as ${told}`, () => {
    const end = new FilterEnd();
    end.receive(stream(sent));
    assertEquals(tell(end), told);
    assertEquals(end.closed, told.endsWith("Q"));
  });
}

/** Commands as bytes; macros are those of the command that follows. */
function stream(codes: string): Uint8Array {
  return concat([...codes].map((code, index) => {
    const command = commandOf(code);
    const stage = codes[index + 1] ?? "C";
    return encodeCommand(command.type === "macros" ? { ...command, stage } : command);
  }));
}

test("FilterEnd tells two messages apart where MAIL was negotiated away, by its macros", () => {
  const end = new FilterEnd({ wish: { protocol: NO_MAIL } });
  const begins = encodeCommand({ type: "macros", stage: "M", definitions: "" });
  end.receive(concat([stream("OCH"), begins, stream("RTL"), begins, stream("RTLNE")]));
  assertEquals(tell(end), "OCHDRTLADRTLNE");
});

/** All that an end tells, each command answered, as codes. */
function tell(end: FilterEnd): string {
  let codes = "";
  for (let command = end.next(); command !== undefined; command = end.next()) {
    codes += COMMANDS[command.type].code;
    if (end.awaiting !== undefined) end.send({ type: "continue" });
  }
  return codes;
}

/** Each goes well up to its last command. */
const OUT_OF_ORDER: readonly string[] = [
  ...["C", "D", "A", "Q", "K", "OO", "OH", "OM", "OU", "OCC", "OCHC", "OCHO"],
  ...["OCR", "OCT", "OCL", "OCE", "OCMT", "OCMN", "OCMB", "OCMC", "OCMRB", "OCMRE", "OCMRTB", "OCMRTE"],
  ...["OCMRTLB", "OCMRTLE", "OCMRTLU", "OCMRTLR", "OCMRTLNL", "OCMRTLNN", "OCMRTLNU", "OCMRTLNBL"],
  ...["OCMRTLNBU", "OCMRTLNBR", "OCMRTLNEE", "OCMRTLNEB", "OCMRTLNER", "OCMAR", "OCMRKM"],
];

for (const codes of OUT_OF_ORDER) {
  const last = commandOf(codes.at(-1)!);

  test(`FilterEnd refuses the last of ${codes}, and blames the MTA`, () => {
    const end = new FilterEnd();
    for (const code of codes) {
      end.receive(encodeCommand(commandOf(code)));
      if (code !== codes.at(-1)) tell(end);
    }
    const error = assertThrows(() => tell(end), MilterError, `Cannot take ${last.type}: it may not follow `);
    assertEquals([error.code, error.side], ["ORDER", "peer"]);
  });

  test(`MtaEnd refuses to send the last of ${codes}`, () => {
    const end = new MtaEnd();
    for (const code of codes.slice(0, -1)) say(end, commandOf(code));
    const error = assertThrows(
      () => end.send(last),
      MilterError,
      `Cannot send ${last.type}: it may not follow `,
    );
    assertEquals([error.code, error.side, end.take()], ["ORDER", "local", undefined]);
  });
}

/** Sends a command and has it answered. */
function say(end: MtaEnd, command: Command<Text>): void {
  end.send(command);
  end.take();
  if (end.awaiting === undefined) return;
  const agreement = { type: "negotiate", version: 6, actions: 0, protocol: 0, macros: [] } as const;
  end.receive(encodeReply(command.type === "negotiate" ? agreement : { type: "continue" }));
  end.next();
}

test("FilterEnd gives no command while the last one waits for its answer", () => {
  const end = new FilterEnd();
  for (const code of "OCHM") end.receive(encodeCommand(commandOf(code)));
  assertEquals([end.next()?.type, end.next()?.type], ["negotiate", "connect"]);
  const { buffered } = end;
  assertEquals([end.next(), end.next(), end.awaiting], [undefined, undefined, "connect"]);
  assertEquals(end.buffered, buffered);
  end.send({ type: "continue" });
  assertEquals([end.next()?.type, end.awaiting], ["helo", "helo"]);
});

test("MtaEnd refuses to send anything while a command waits for its answer", () => {
  for (const command of SAMPLES.values()) {
    const end = new MtaEnd();
    end.negotiate();
    end.take();
    const error = assertThrows(() => end.send(command), MilterError, "negotiate waits for its answer");
    assertEquals([error.code, error.side, end.take()], ["ORDER", "local", undefined]);
  }
});
