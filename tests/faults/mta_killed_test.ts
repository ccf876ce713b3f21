/** A real MTA is killed at each stage of a message: the filter's run ends, the server goes on, and no mail is lost. */

import { MilterError, type ObservedMessage, parseAddress, serve } from "../../mod.ts";
import { deferred } from "../deferred.ts";
import { assert, assertEquals } from "../harness.ts";
import { testOnEachMta } from "../mta/on_each_mta.ts";
import { CONVERSATION } from "../mta_commands.ts";
import { MtaPlayer } from "../mta_player.ts";
import { signalAll } from "../processes.ts";
import { STAGES } from "../session/stages.ts";
import { until } from "../until.ts";
import { socketWire } from "../wires.ts";
import { Ledger } from "./ledger.ts";
import { stopping } from "./stopping.ts";

testOnEachMta(
  "a server goes on when the MTA is killed at any stage, and no mail is lost",
  async (mta, options) => {
    let where = "";
    let stopped = deferred();
    const filter = stopping(() => where, () => stopped.resolve());
    /** Of each run that failed, whether its signal had aborted; of each message, how it ended. */
    const failed: boolean[] = [];
    const ended: ObservedMessage[] = [];
    let open = 0;
    await using server = await serve(async (session) => {
      try {
        return await filter(session);
      } catch (error) {
        failed.push(session.signal.aborted);
        throw error;
      }
    }, {
      ...options,
      // To the server it looks as if the MTA had closed its side only.
      timeouts: { halfOpen: 100 },
      observer: {
        connectionOpened: () => void open++,
        connectionClosed: () => void open--,
        messageEnded: (message) => void ended.push(message),
      },
    });
    const ledger = new Ledger(mta);

    for (const stage of STAGES) {
      await using bystander = new MtaPlayer(await socketWire(parseAddress(options.listen)));
      await bystander.negotiate();
      await bystander.play(CONVERSATION.slice(0, 5));
      failed.length = ended.length = 0;
      stopped = deferred();
      where = stage;
      const sent = ledger.send();
      await stopped.promise;
      where = "";
      signalAll(mta.servers(), "SIGKILL");
      assertEquals(await sent, "lost", stage);
      await until(() => server.connections === 1, "only the bystander is there");
      assertEquals([failed, open], [[true], 1], stage);
      const [message, ...more] = ended;
      assertEquals(more, []);
      // Before MAIL there is none.
      if (stage === "connect" || stage === "helo") assertEquals(message, undefined);
      else {
        assert(message?.error instanceof MilterError);
        assertEquals([message.verdict, message.stage, message.error.code], [undefined, stage, "ABORTED"]);
      }
      assertEquals((await bystander.play(CONVERSATION.slice(5))).at(-1), "endOfMessage: accept", stage);
      assertEquals(await ledger.send(), "taken", stage);
    }
    const { sent, taken, lost } = await ledger.settle();
    assertEquals([taken, lost], [STAGES.length, sent - STAGES.length]);
  },
  {
    faults: true,
    timeout: 120_000,
    // Postfix waits for a minute before it starts again what did not get far.
    mainCf: { service_throttle_time: "1s" },
  },
);
