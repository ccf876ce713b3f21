import { accept, type Filter, type ObservedMessage, reject } from "../../../mod.ts";
import { messageEnded } from "../../../src/cli/serve/message_line.ts";
import { assertEquals, test } from "../../harness.ts";
import { GREETING, MESSAGE } from "../../mta_commands.ts";
import { play } from "../../mta_player.ts";

/** The line of a message, as it would be told if it had taken so long. */
async function lineOf(filter: Filter, duration: number): Promise<string> {
  const lines: string[] = [];
  const observer = {
    messageEnded(message: ObservedMessage) {
      const slow = new Proxy(message, {
        get: (target, name) => name === "duration" ? duration : Reflect.get(target, name, target),
      });
      lines.push(messageEnded(slow).text((style, text) => `{${style} ${text}}`));
    },
  };
  await using mta = await play(filter, { observer });
  await mta.play(GREETING);
  await mta.macros("M", { i: "4bXyZ1" });
  await mta.play(MESSAGE);
  return lines.join("\n");
}

test("messageEnded has columns of one width for what is always there, and paints the verdict", async () => {
  const rest = "{bold 4bXyZ1}  client.example[192.0.2.1]  <sender@example.com>";
  assertEquals(
    await lineOf(async (session) => (await session.data(), accept()), 7.4),
    [
      `{green accept    }     7 ms  ${rest} → <user@example.com>`,
    ].join(),
  );
  assertEquals(
    await lineOf(async (session) => (await session.envelopeFrom(), reject("554 5.7.1 Away")), 12345.6),
    `{red reject    }  12346 ms  ${rest}  554 5.7.1 Away`,
  );
});
