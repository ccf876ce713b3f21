/** What may answer what, at both ends: the filter's, which sends it, and the MTA's, which hears it. */

import {
  ACTION,
  COMMANDS,
  type CommandType,
  decodeReply,
  encodeReply,
  type ErrorCode,
  type ErrorSide,
  MilterError,
  PROTOCOL,
  REPLIES,
  type Reply,
  type ReplyType,
  type Text,
  type Wish,
} from "../../src/protocol/mod.ts";
import { concat, latin1 } from "../bytes.ts";
import { assertEquals, assertThrows, test } from "../harness.ts";
import { REPLY_CASES } from "./cases.ts";
import { EVERYTHING, filterEndAt, mtaEndAt } from "./ends.ts";

/** One of the ends as a test sees it: it takes replies to a command. */
interface End {
  readonly name: string;
  readonly blames: ErrorSide;
  readonly at: (command: CommandType, wish: Wish) => {
    readonly take: (reply: Reply<Text>) => void;
    readonly awaiting: () => CommandType | undefined;
  };
}

const ENDS: readonly End[] = [
  {
    name: "FilterEnd",
    blames: "local",
    at: (command, wish) => {
      const end = filterEndAt(command, wish);
      end.take();
      return { take: (reply) => end.send(reply), awaiting: () => end.awaiting };
    },
  },
  {
    name: "MtaEnd",
    blames: "peer",
    at: (command, wish) => {
      const end = mtaEndAt(command, wish);
      const take = (reply: Reply<Text>) => {
        end.receive(encodeReply(reply));
        end.next();
      };
      return { take, awaiting: () => end.awaiting };
    },
  },
];

const SAMPLE: ReadonlyMap<ReplyType, Reply<Text>> = new Map(
  REPLY_CASES.map(({ message }) => [message.type, message]),
);

/** The codes of all replies to a command, where everything was agreed. */
const ANSWERS: readonly (readonly [command: CommandType, codes: string])[] = [
  ["connect", "carty"],
  ["helo", "carty"],
  ["mail", "cartdy"],
  ["rcpt", "cartdy"],
  ["data", "cartdy"],
  ["header", "cartdy"],
  ["endOfHeaders", "cartdy"],
  ["body", "cartdys"],
  ["endOfMessage", "cartdyphimbe+2-q"],
  ["unknown", "crty"],
];

for (const { name, at, blames } of ENDS) {
  for (const [command, codes] of ANSWERS) {
    test(`${name} takes ${codes} as replies to ${command}, and no others`, () => {
      const taken = (Object.keys(REPLIES) as ReplyType[]).filter((type) => {
        const end = at(command, EVERYTHING);
        try {
          end.take(SAMPLE.get(type)!);
        } catch (error) {
          if (!(error instanceof MilterError)) throw error;
          assertEquals([error.code, error.side, end.awaiting()], ["ORDER", blames, command]);
          return false;
        }
        assertEquals(end.awaiting(), REPLIES[type].interim ? command : undefined);
        return true;
      });
      assertEquals(taken.map((type) => REPLIES[type].code).join(""), codes);
    });
  }
}

test("Every command that is answered is in this table", () => {
  const answered = Object.entries(COMMANDS).filter(([, { answers }]) => answers.length > 0).map(([type]) =>
    type
  );
  assertEquals(answered.sort(), ["negotiate", ...ANSWERS.map(([command]) => command)].sort());
});

const body = (chunk: string): Reply<Text> => ({ type: "replaceBody", chunk });
const of = (...types: ReplyType[]): Reply<Text>[] => types.map((type) => SAMPLE.get(type)!);

/** Replies to a command, the last of which is refused if it says why. */
interface Row {
  readonly what: string;
  readonly command?: CommandType;
  readonly wish?: Wish;
  readonly replies: readonly Reply<Text>[];
  readonly refused?: readonly [code: ErrorCode, why: string];
}

const without = (action: number): Wish => ({ actions: 0x1ff & ~action, protocol: PROTOCOL.SKIP });

const ROWS: readonly Row[] = [
  {
    what: "every edit and then the answer",
    replies: of("addHeader", "changeSender", "quarantine", "accept"),
  },
  {
    what: "pieces of a body together",
    replies: [body("a"), body("b"), body("c"), ...of("progress", "continue")],
  },
  {
    what: "a header before the pieces, and one after",
    replies: [...of("addHeader"), body("a"), ...of("addHeader")],
  },
  { what: "progress before the pieces of a body", replies: [...of("progress"), body("a"), body("b")] },
  {
    what: "progress between pieces of a body",
    replies: [body("a"), ...of("progress"), body("b")],
    refused: ["ORDER", "progress stands between pieces of the body"],
  },
  {
    what: "a header between pieces of a body",
    replies: [body("a"), body("b"), ...of("addHeader"), body("c")],
    refused: ["ORDER", "addHeader stands between pieces of the body"],
  },
  { what: "a piece of a body as long as it may be", replies: [body("x".repeat(65_535))] },
  {
    what: "a piece of a body that is too long",
    replies: [body("x".repeat(65_536))],
    refused: ["MESSAGE", "65536 bytes are over the limit of 65535"],
  },
  {
    what: "a piece of a body that is too long in bytes",
    replies: [body("ü".repeat(32_768))],
    refused: ["MESSAGE", "65536 bytes are over the limit of 65535"],
  },
  {
    what: "an edit after the answer",
    replies: of("accept", "quarantine"),
    refused: ["ORDER", "no command waits for an answer"],
  },
  {
    what: "a second answer",
    replies: of("continue", "reject"),
    refused: ["ORDER", "no command waits for an answer"],
  },
  {
    what: "an edit before the end of the message",
    command: "body",
    replies: of("addHeader"),
    refused: ["ORDER", "Cannot answer body by addHeader"],
  },
  { what: "skip after a piece of the body", command: "body", replies: of("skip") },
  {
    what: "skip that was not agreed",
    command: "body",
    wish: { actions: 0x1ff },
    replies: of("skip"),
    refused: ["NOT_AGREED", "SKIP was not negotiated"],
  },
  {
    what: "skip among the headers",
    command: "header",
    replies: of("skip"),
    refused: ["ORDER", "Cannot answer header by skip"],
  },
  ...([
    ["addHeader", "ADD_HEADERS"],
    ["insertHeader", "ADD_HEADERS"],
    ["changeHeader", "CHANGE_HEADERS"],
    ["replaceBody", "CHANGE_BODY"],
    ["changeSender", "CHANGE_SENDER"],
    ["addRecipient", "ADD_RECIPIENT"],
    ["addRecipientWithArguments", "ADD_RECIPIENT_ARGUMENTS"],
    ["removeRecipient", "REMOVE_RECIPIENT"],
    ["quarantine", "QUARANTINE"],
  ] as const).flatMap(([type, action]): Row[] => [
    {
      what: `${type} with nothing but ${action} agreed`,
      wish: { actions: ACTION[action] },
      replies: of(type),
    },
    {
      what: `${type} with all but ${action} agreed`,
      wish: without(ACTION[action]),
      replies: of(type),
      refused: ["NOT_AGREED", `${action} was not negotiated`],
    },
  ]),
  ...["550 No", "550", "451 4.7.1 Later", "421 4.3.2 Bye", "550-5.7.1 a\r\n550 5.7.1 b"].map((text): Row => ({
    what: `the reply ${JSON.stringify(text)}`,
    command: "rcpt",
    replies: [{ type: "replyCode", text }],
  })),
  ...["", "No", "250 Fine", "354 Go on", "55 No", "5500 No", "550 4.7.1 No", "550 a\r\n550 b", "550-a"].map((
    text,
  ): Row => ({
    what: `the reply ${JSON.stringify(text)}`,
    command: "rcpt",
    replies: [{ type: "replyCode", text }],
    refused: ["MESSAGE", "its text is no SMTP reply"],
  })),
];

for (const { name, at, blames } of ENDS) {
  for (const { what, command = "endOfMessage", wish = EVERYTHING, replies, refused } of ROWS) {
    test(`${name} ${refused === undefined ? "takes" : "refuses"} ${what}`, () => {
      const end = at(command, wish);
      for (const reply of refused === undefined ? replies : replies.slice(0, -1)) end.take(reply);
      if (refused === undefined) return;
      const [code, why] = refused;
      const error = assertThrows(() => end.take(replies.at(-1)!), MilterError, why);
      assertEquals([error.code, error.side], [code, blames]);
    });
  }
}

test("FilterEnd sends what falls together in one write, the answer to the negotiation included", () => {
  const end = filterEndAt("connect");
  end.send({ type: "tempfail" });
  const sent = end.take()!;
  assertEquals(decodeReply(sent.subarray(4)).type, "tempfail");
  assertEquals(end.take(), undefined);

  const edits = [...of("addHeader", "addRecipient"), body("a"), body("b"), ...of("accept")];
  const last = filterEndAt("endOfMessage");
  for (const reply of edits) last.send(reply);
  assertEquals(last.take(), concat(edits.map(encodeReply)));
});

/** Replies that pass the rules and cannot be written. */
const UNSENDABLE: readonly Reply<Text>[] = [
  { type: "addHeader", name: "X-Seen", value: "a\0b" },
  { type: "insertHeader", index: -1, name: "X-Seen", value: "" },
  { type: "changeHeader", index: 2 ** 32, name: "X-Seen", value: "" },
  { type: "quarantine", reason: latin1("\0") },
];

for (const reply of UNSENDABLE) {
  test(`FilterEnd leaves nothing of a ${reply.type} that cannot be sent, on the wire or in its rules`, () => {
    const end = filterEndAt("endOfMessage");
    end.send(body("a"));
    assertThrows(() => end.send(reply), TypeError, `Cannot encode ${reply.type}`);
    end.send(body("b"));
    end.send({ type: "accept" });
    assertEquals(end.take(), concat([body("a"), body("b"), { type: "accept" } as const].map(encodeReply)));
  });
}

test("FilterEnd has no answer to send before it was asked", () => {
  for (const command of ["macros", "abort", "quit", "quitNewConnection"] as const) {
    const error = assertThrows(() => filterEndAt(command).send({ type: "continue" }), MilterError);
    assertEquals([error.code, error.side], ["ORDER", "local"]);
  }
});

test("FilterEnd has no answer to send where it was agreed that there is none", () => {
  for (const [command] of ANSWERS) {
    const end = filterEndAt(command, { protocol: 0xff080 });
    assertEquals(end.awaiting, command === "endOfMessage" ? command : undefined);
    assertEquals(end.isSilent(command), command !== "endOfMessage");
  }
});
