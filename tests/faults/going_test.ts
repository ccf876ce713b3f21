/** A peer that goes at any stage of a message, in any way: its run ends, and nobody else notices. */

import { MilterError, type ObservedMessage, serve, type Timeouts } from "../../mod.ts";
import { encodeCommand } from "../../src/protocol/mod.ts";
import { concat } from "../bytes.ts";
import { deferred } from "../deferred.ts";
import { assertEquals, test } from "../harness.ts";
import { body, commandOf, CONVERSATION, type Line } from "../mta_commands.ts";
import { MtaPlayer } from "../mta_player.ts";
import { unheard } from "../rejections.ts";
import { STAGES } from "../session/stages.ts";
import { until } from "../until.ts";
import { socketWire } from "../wires.ts";
import { stopping } from "./stopping.ts";

/** A server that holds each message at a stage, and what it tells. */
async function serveStopping(timeouts: Timeouts) {
  const seen = {
    stage: "",
    stopped: deferred(),
    /** Of each run that has ended there, whether its signal had aborted. */
    aborted: [] as boolean[],
    ended: [] as ObservedMessage[],
    open: 0,
  };
  const filter = stopping(() => seen.stage, () => seen.stopped.resolve());
  const server = await serve(async (session) => {
    try {
      return await filter(session);
    } catch (error) {
      seen.aborted.push(session.signal.aborted);
      throw error;
    }
  }, {
    listen: "inet:0@127.0.0.1",
    timeouts,
    log: () => {},
    observer: {
      connectionOpened: () => void seen.open++,
      connectionClosed: () => void seen.open--,
      messageEnded: (message) => void seen.ended.push(message),
    },
  });
  return { server, seen };
}

function bytesOf(lines: readonly Line[]): Uint8Array {
  return concat(lines.map((line) => encodeCommand(commandOf(line))));
}

for (const way of ["reset", "close", "end"] as const) {
  test(`Server ends the run of a peer that goes by ${way} at any stage, and no other`, async () => {
    const errors = await unheard(async () => {
      const { server, seen } = await serveStopping({ halfOpen: 50 });
      await using _ = server;
      for (const stage of STAGES) {
        await using bystander = new MtaPlayer(await socketWire(server.address));
        await bystander.negotiate();
        await bystander.play(CONVERSATION.slice(0, 5));
        seen.aborted.length = seen.ended.length = 0;
        seen.stage = stage;
        seen.stopped = deferred();
        const wire = await socketWire(server.address);
        wire.write(bytesOf(["negotiate", ...CONVERSATION]));
        await seen.stopped.promise;
        seen.stage = "";
        await wire[way]();
        await until(() => server.connections === 1, `${stage}: only the bystander is there`);
        await until(() => seen.aborted.length === 1, `${stage}: the run has ended`);
        assertEquals([seen.aborted, seen.open], [[true], 1], stage);
        const ends = seen.ended.map((
          { verdict, error },
        ) => [verdict, error instanceof MilterError && error.code]);
        // Before MAIL there is no message.
        assertEquals(ends, stage === "connect" || stage === "helo" ? [] : [[undefined, "ABORTED"]], stage);
        assertEquals((await bystander.play(CONVERSATION.slice(5))).at(-1), "endOfMessage: accept", stage);
        await wire.close();
      }
    });
    assertEquals(errors, []);
  });
}

test("Server ends the run of a peer that is gone while it is not read from, by the filter's deadline at the latest", async () => {
  for (const way of ["reset", "close"] as const) {
    const { server, seen } = await serveStopping({ halfOpen: 50, event: 500 });
    await using _ = server;
    seen.stage = "body";
    const wire = await socketWire(server.address);
    const chunk = body(new Uint8Array(60_000));
    wire.write(
      bytesOf(["negotiate", ...CONVERSATION.slice(0, -2), ...Array.from({ length: 20 }, () => chunk)]),
    );
    await seen.stopped.promise;
    await wire[way]();
    await until(() => server.connections === 0, "nobody is there");
    await until(() => seen.aborted.length === 1, "the run has ended");
    assertEquals(seen.aborted, [true]);
    await wire.close();
  }
});
