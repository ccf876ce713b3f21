/** More than any MTA asks for: connections that come and go by the thousand, macros by the million. */

import { connect } from "node:net";
import { accept, type LimitHit, serve } from "../../mod.ts";
import { encodeCommand } from "../../src/protocol/mod.ts";
import { assert, assertEquals, assertLess, test } from "../harness.ts";
import { commandOf, CONVERSATION } from "../mta_commands.ts";
import { MtaPlayer } from "../mta_player.ts";
import { until } from "../until.ts";
import { socketWire } from "../wires.ts";
import process from "node:process";

/** How many connect, and how many of them at once. */
const FLOOD = { connections: 2_000, atOnce: 200 } as const;

test("Server goes on after thousands have connected and gone at once, and forgets all of them", {
  timeout: 60_000,
}, async () => {
  const hits: LimitHit[] = [];
  let open = 0;
  await using server = await serve(async (session) => {
    await session.endOfMessage();
    return accept();
  }, {
    listen: "inet:0@127.0.0.1",
    limits: { connectionsPerPeer: 50 },
    log: () => {},
    observer: {
      limitReached: (hit) => void hits.push(hit),
      connectionOpened: () => void open++,
      connectionClosed: () => void open--,
    },
  });
  const offer = encodeCommand(commandOf("negotiate"));
  /** Every third says something, every third is reset, and all are gone as soon as they are there. */
  const comeAndGo = (nth: number) =>
    new Promise<void>((resolve) => {
      const socket = connect({ ...server.address });
      socket.on("error", () => {}).once("close", () => resolve()).once("connect", () => {
        if (nth % 3 === 0) socket.write(offer, () => socket.destroy());
        else if (nth % 3 === 1) socket.resetAndDestroy();
        else socket.destroy();
      });
    });
  for (let from = 0; from < FLOOD.connections; from += FLOOD.atOnce) {
    await Promise.all(Array.from({ length: FLOOD.atOnce }, (_, nth) => comeAndGo(from + nth)));
  }
  // Who comes last is taken after all others.
  const last = await socketWire(server.address);
  last.write(offer);
  await last.read();
  await last.close();
  await until(() => server.connections === 0, "all are gone");
  assertEquals(open, 0);
  assert(hits.every(({ limit, allowed }) => limit === "connectionsPerPeer" && allowed === 50));
  // None of those who have gone counts any more: as many as ever are served.
  const mtas = await Promise.all(Array.from({ length: 50 }, async () => {
    const mta = new MtaPlayer(await socketWire(server.address));
    await mta.negotiate();
    return mta;
  }));
  for (const mta of mtas) assertEquals((await mta.play(CONVERSATION)).at(-1), "endOfMessage: accept");
  for (const mta of mtas) await mta[Symbol.asyncDispose]();
});

test("Server keeps none of a million macros that others have replaced", { timeout: 60_000 }, async () => {
  await using server = await serve(async (session) => {
    await session.endOfMessage();
    return accept();
  }, { listen: "inet:0@127.0.0.1" });
  await using mta = new MtaPlayer(await socketWire(server.address));
  await mta.negotiate();
  const definitions = "aa\0\0".repeat(15_000);
  const before = process.memoryUsage().rss;
  for (let packet = 0; packet < 70; packet++) {
    await mta.say({ type: "macros", stage: "CHMRTLNBE"[packet % 9]!, definitions });
  }
  assertEquals((await mta.play(CONVERSATION)).at(-1), "endOfMessage: accept");
  assertLess(process.memoryUsage().rss - before, 100 * 1024 * 1024);
});
