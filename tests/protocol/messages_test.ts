import {
  type Command,
  COMMANDS,
  type CommandType,
  decodeCommand,
  decodeReply,
  decodeText,
  encodeCommand,
  encodeReply,
  type FilterEnd,
  MilterError,
  type MtaEnd,
  REPLIES,
  type Reply,
  type ReplyType,
  type Text,
} from "../../src/protocol/mod.ts";
import { concat, frame, latin1, toHex } from "../bytes.ts";
import { assert, assertEquals, assertThrows, test } from "../harness.ts";
import { type Case, COMMAND_CASES, REPLY_CASES } from "./cases.ts";
import { filterEndBefore, mtaEndAt } from "./ends.ts";

/** One direction of the conversation. */
interface Direction {
  readonly kind: "command" | "reply";
  readonly rows: Readonly<Record<string, { readonly code: string }>>;
  readonly cases: readonly Case<Command<Text> | Reply<Text>>[];
  readonly encode: (message: never) => Uint8Array;
  readonly decode: (packet: Uint8Array) => Command | Reply;
  /** The end that takes a message of this type, at the place where one may come; `undefined` if none does. */
  readonly taker: (type: never) => FilterEnd | MtaEnd | undefined;
}

const DIRECTIONS: readonly Direction[] = [
  {
    kind: "command",
    rows: COMMANDS,
    cases: COMMAND_CASES,
    encode: (message: Command<Text>) => encodeCommand(message),
    decode: decodeCommand,
    taker: (type: CommandType) => filterEndBefore(type),
  },
  {
    kind: "reply",
    rows: REPLIES,
    cases: REPLY_CASES,
    encode: (message: Reply<Text>) => encodeReply(message),
    decode: decodeReply,
    taker: (type: ReplyType) => {
      const command = (Object.keys(COMMANDS) as CommandType[]).findLast((command) =>
        COMMANDS[command].answers.includes(type)
      );
      return command && mtaEndAt(command);
    },
  },
];

/** A message with its bytes as text, as the cases have them. */
function legible(value: unknown): unknown {
  if (value instanceof Uint8Array) return decodeText(value);
  if (Array.isArray(value)) return value.map(legible);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, legible(item)]));
}

for (const { kind, rows, cases, encode, decode, taker } of DIRECTIONS) {
  test(`Every ${kind} has a code of its own`, () => {
    const codes = Object.values(rows).map(({ code }) => code);
    assertEquals(codes.map((code) => code.length), codes.map(() => 1));
    assertEquals([...new Set(codes)], codes);
  });

  test(`Every ${kind} has a golden case`, () => {
    const types = new Set<string>(cases.map(({ message }) => message.type));
    assertEquals(Object.keys(rows).filter((type) => !types.has(type)), []);
  });

  for (const { what, message, packet: text } of cases) {
    const name = `${kind} ${message.type}${what === undefined ? "" : ` ${what}`}`;
    const packet = latin1(text);
    const framed = frame(packet);

    test(`${name}: goes out as its bytes and comes in as itself`, () => {
      assertEquals(toHex(encode(message as never)), toHex(framed));
      const decoded = decode(packet);
      assertEquals(legible(decoded), legible(message));
      assertEquals(toHex(encode(decoded as never)), toHex(framed));
    });

    test(`${name}: is whole or nothing, wherever its packet is cut`, () => {
      for (let cut = 0; cut < packet.length; cut++) {
        try {
          const decoded = decode(packet.subarray(0, cut));
          assertEquals(toHex(encode(decoded as never)), toHex(frame(packet.subarray(0, cut))));
        } catch (error) {
          assert(
            error instanceof MilterError && error.code === "MESSAGE" && error.side === "peer",
            `${error}`,
          );
        }
      }
    });

    if (taker(message.type as never) !== undefined) {
      test(`${name}: is taken at every split, and not before its last byte`, () => {
        for (let cut = 0; cut <= framed.length; cut++) {
          const end = taker(message.type as never)!;
          end.receive(framed.subarray(0, cut));
          const early = end.next();
          assertEquals(early !== undefined, cut === framed.length, `cut at ${cut}`);
          if (early === undefined) assertEquals(end.buffered, cut);
          end.receive(framed.subarray(cut));
          assertEquals(legible(early ?? end.next()), legible(message));
          assertEquals([end.next(), end.buffered], [undefined, 0]);
        }
      });
    }

    if (!takesAnything(message)) {
      test(`${name}: refuses a byte left over`, () => {
        const { code, side } = assertThrows(
          () => decode(concat([packet, latin1("\x01")])),
          MilterError,
          `Cannot decode ${message.type}: `,
        );
        assertEquals({ code, side }, { code: "MESSAGE", side: "peer" });
      });
    }
  }

  test(`A ${kind} without even a code is refused`, () => {
    const { code, side } = assertThrows(
      () => decode(new Uint8Array(0)),
      MilterError,
      `Cannot decode ${kind}`,
    );
    assertEquals({ code, side }, { code: "MESSAGE", side: "peer" });
  });

  test(`A ${kind} of an unknown code is refused, and the code named`, () => {
    const known = new Set(Object.values(rows).map((row) => row.code.charCodeAt(0)));
    for (let code = 0; code < 256; code++) {
      if (known.has(code)) continue;
      const hex = code.toString(16).padStart(2, "0");
      const error = assertThrows(() => decode(Uint8Array.of(code)), MilterError, `code 0x${hex}`);
      assertEquals([error.code, error.side], ["MESSAGE", "peer"]);
    }
  });

  test(`A ${kind} of an unknown type cannot be encoded`, () => {
    for (const type of ["nonsense", "toString", "__proto__"]) {
      assertThrows(() => encode({ type } as never), TypeError, `Cannot encode ${kind}`);
    }
  });
}

const BROKEN: readonly (readonly [decode: (packet: Uint8Array) => unknown, packet: string, why: string])[] = [
  [decodeCommand, "O\0\0\0\x06\0\0", "negotiate: its actions is cut short"],
  [decodeCommand, "Chost", "connect: its hostname has no NUL at its end"],
  [decodeCommand, "Chost\x005", 'connect: its family has the unknown value "5"'],
  [decodeCommand, "Chost\x004\0", "connect: its port is cut short"],
  [decodeCommand, "Chost\x004\0\x19192.0.2.25", "connect: its address has no NUL at its end"],
  [decodeCommand, "M<a@example.org>\0SIZE=1\0BODY", "mail: its arguments has no NUL at its end"],
  [decodeCommand, "LSubject", "header: its name has no NUL at its end"],
  [decodeCommand, "LSubject\0value", "header: its value has no NUL at its end"],
  [decodeCommand, "D", "macros: its stage is cut short"],
  [decodeReply, "i\0\0\0", "insertHeader: its index is cut short"],
  [decodeReply, "i\0\0\0\x01Subject", "insertHeader: its name has no NUL at its end"],
  [decodeReply, "i\0\0\0\x01Subject\0value", "insertHeader: its value has no NUL at its end"],
];

for (const [decode, packet, why] of BROKEN) {
  test(`A broken packet is refused by the name of its field: ${why}`, () => {
    assertThrows(() => decode(latin1(packet)), MilterError, `Cannot decode ${why}`);
  });
}

/** Whether the last field of a message is everything that is left. */
function takesAnything(message: object): boolean {
  const last = Object.keys(message).at(-1);
  return last === "extra" || last === "chunk" || last === "definitions";
}
