/** All that Postfix and Sendmail said to filters, said to a filter that asks for everything and accepts. */

import { accept, type Filter, MilterError, type Session } from "../../mod.ts";
import { COMMANDS, type CommandType, decodeCommand, decodeReply, PROTOCOL } from "../../src/protocol/mod.ts";
import { assert, assertEquals, assertGreater, test } from "../harness.ts";
import { play, settle } from "../mta_player.ts";
import { type Conversation, CONVERSATIONS } from "../transcripts.ts";

/** Flags that change nothing of what an MTA sends and wants answered. */
const PLAIN = PROTOCOL.SKIP | PROTOCOL.LEADING_SPACE | PROTOCOL.REJECTED_RECIPIENTS;

/** What was offered to the recorded filter, as far as it took it; `undefined` if it did not negotiate plainly. */
function plainOffer({ exchanges: [first] }: Conversation) {
  try {
    const answer = decodeReply(first!.replies[0]!);
    if (answer.type !== "negotiate" || (answer.protocol & ~PLAIN) !== 0) return undefined;
    if (answer.version < 2 || answer.version > 6) return undefined;
    return { version: answer.version, protocol: answer.protocol };
  } catch {
    return undefined; // It was broken on purpose, or there was none.
  }
}

/** How each run ends in a conversation of these commands: the first begins at CONNECT, the others at MAIL. */
function expectedEnds(commands: readonly CommandType[]): string[] {
  const ends: string[] = [];
  let run: "client" | "message" | undefined;
  for (const type of commands) {
    const endsMessage = type === "abort" || type === "helo" || type === "mail";
    if (endsMessage && run === "message") {
      ends.push("ABORTED");
      run = undefined;
    }
    if (type === "connect") run = "client";
    if (type === "mail") run = "message";
    if (type === "endOfMessage") {
      ends.push("accept");
      run = undefined;
    }
  }
  return run === undefined ? ends : [...ends, "ABORTED"];
}

/** Reads everything, then accepts; notes how each run ended. */
function reader(ends: string[]): Filter {
  return async (session: Session) => {
    try {
      for await (const recipient of session.envelopeRecipients()) assert(recipient.address !== undefined);
      const headers = await session.headers.collect();
      for (const { name, value } of headers) assert(name !== "" && !value.includes("\r"));
      await session.body.collect();
      await session.endOfMessage();
      ends.push("accept");
      return accept();
    } catch (error) {
      ends.push(error instanceof MilterError ? error.code : String(error));
      throw error;
    }
  };
}

test("Session goes along with what real MTAs said: an answer for each command, a run for each message", async () => {
  const endings: { readonly name: string; readonly ends: string[]; readonly expected: string[] }[] = [];
  for (const conversation of CONVERSATIONS) {
    const { name, exchanges } = conversation;
    const offer = plainOffer(conversation);
    if (offer === undefined) continue;
    const commands = exchanges.slice(1).map(({ command }) => decodeCommand(command));
    const ends: string[] = [];
    await using mta = await play(reader(ends), offer);
    for (const [index, command] of commands.entries()) {
      const { type } = command;
      const answers = COMMANDS[type].answers.length === 0
        ? []
        : type === "endOfMessage"
        ? ["accept"]
        : ["continue"];
      assertEquals(await mta.say(command), answers, `${name}: ${type}, packet ${index + 1}`);
    }
    endings.push({ name, ends, expected: expectedEnds(commands.map(({ type }) => type)) });
  }
  await settle();
  for (const { name, ends, expected } of endings) assertEquals(ends, expected, name);
  assertGreater(endings.length, 300);
});
