import {
  decodeCommand,
  decodeReply,
  encodeCommand,
  encodeReply,
  MilterError,
} from "../../src/protocol/mod.ts";
import { assertBytes, frame, latin1, sameBytes } from "../bytes.ts";
import { assertEquals, assertGreater, assertThrows, test } from "../harness.ts";
import { CONVERSATIONS, forEachConversation } from "../transcripts.ts";

/** Replies that were broken on purpose, to see what an MTA makes of them, and what we say to each. */
const BROKEN: readonly { readonly packet: string; readonly times: number; readonly why: string }[] = [
  { packet: "cjunk", times: 18, why: "Cannot decode continue: 4 bytes left over at its end" },
  {
    packet: "y550 5.7.1 no nul at end",
    times: 16,
    why: "Cannot decode replyCode: its text has no NUL at its end",
  },
  { packet: "Z", times: 12, why: "Cannot decode reply: there is none with the code 0x5a" },
  { packet: "O\0\0\0\x06", times: 2, why: "Cannot decode negotiate: its actions is cut short" },
];

test("Every transcript is there", () => {
  assertEquals(CONVERSATIONS.length, 639);
  assertGreater(CONVERSATIONS.reduce((sum, { exchanges }) => sum + exchanges.length, 0), 14_000);
});

test("Every command that Postfix and Sendmail sent is decoded, and encoded to the same bytes", () => {
  forEachConversation(({ exchanges }) => {
    for (const { command } of exchanges) {
      assertBytes(encodeCommand(decodeCommand(command)), frame(command));
    }
  });
});

test("Every reply that filters sent is decoded, and encoded to the same bytes, but for the broken ones", () => {
  const broken: string[] = [];
  forEachConversation(({ exchanges }) => {
    for (const reply of exchanges.flatMap(({ replies }) => replies)) {
      const why = BROKEN.find(({ packet }) => sameBytes(latin1(packet), reply))?.why;
      if (why === undefined) {
        assertBytes(encodeReply(decodeReply(reply)), frame(reply));
      } else {
        assertEquals(assertThrows(() => decodeReply(reply), MilterError, why).side, "peer");
        broken.push(why);
      }
    }
  });
  assertEquals(
    BROKEN.map(({ why }) => broken.filter((other) => other === why).length),
    BROKEN.map((row) => row.times),
  );
});
