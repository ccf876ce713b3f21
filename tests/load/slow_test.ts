/** Peers that say a byte now and then, to keep connections from those who have something to say. */

import { accept, type LogEntry, MilterError, serve } from "../../mod.ts";
import { assert, assertEquals, delay, test } from "../harness.ts";
import { CONVERSATION, MESSAGE } from "../mta_commands.ts";
import { MtaPlayer } from "../mta_player.ts";
import { tooFew } from "./descriptors.ts";
import { dribble } from "./slow.ts";
import { bufferedWire } from "./wire.ts";

const CONNECTIONS = 500;

test("Server cuts off 500 peers whose packets never end, and answers every mail beside them", {
  timeout: 240_000,
  ignore: tooFew(2 * CONNECTIONS + 100),
}, async () => {
  const logs: LogEntry[] = [];
  await using server = await serve(async (session) => {
    await session.endOfMessage();
    return accept();
  }, { listen: "127.0.0.1:0", timeouts: { packet: 1000 }, log: (entry) => void logs.push(entry) });

  await using slow = await dribble(server.address, { connections: CONNECTIONS, every: 50 });
  await using mta = new MtaPlayer(await bufferedWire(server.address));
  await mta.negotiate();
  let mails = 0;
  for (; slow.open > 0 || mails < 20; mails++) {
    assertEquals((await mta.play(mails === 0 ? CONVERSATION : MESSAGE)).at(-1), "endOfMessage: accept");
  }
  while (server.connections > 1) await delay(5);

  assertEquals(logs.length, CONNECTIONS);
  assert(logs.every(({ error }) => error instanceof MilterError && error.code === "TIMEOUT"));
});
