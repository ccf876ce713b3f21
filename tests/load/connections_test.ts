/** A thousand mail servers at once. */

import { accept, reject, serve } from "../../mod.ts";
import { assertEquals, delay, test } from "../harness.ts";
import { mail } from "../mta_commands.ts";
import { MtaPlayer } from "../mta_player.ts";
import { tooFew } from "./descriptors.ts";
import { bufferedWire } from "./wire.ts";

const CONNECTIONS = 1000;
const REST = ["rcpt", "data", "header", "endOfHeaders", "body", "endOfMessage"] as const;

test(
  "Server answers 1,000 connections that are all in the middle of a message, each rightly, and is rid of them",
  {
    timeout: 240_000,
    ignore: tooFew(2 * CONNECTIONS + 100),
  },
  async () => {
    await using server = await serve(async (session) => {
      const { address } = await session.envelopeFrom();
      await session.endOfMessage();
      session.headers.append("X-Number", address.split("@")[0]!);
      return Number.parseInt(address) % 2 === 0 ? accept() : reject();
    }, { listen: "127.0.0.1:0" });
    const players: MtaPlayer[] = [];
    const all = <Result>(act: (mta: MtaPlayer, nth: number) => Promise<Result>) =>
      Promise.all(players.map(act));

    // By and by: no system lets as many wait at its door as it likes.
    while (players.length < CONNECTIONS) {
      const few = await Promise.all(Array.from({ length: 100 }, () => bufferedWire(server.address)));
      players.push(...few.map((wire) => new MtaPlayer(wire)));
      await Promise.all(players.slice(-few.length).map((mta) => mta.negotiate()));
    }
    await all((mta, nth) => mta.play(["connect", "helo", mail(`<${nth}@example.org>`)]));
    assertEquals(server.connections, CONNECTIONS);

    const answers = await all((mta) => mta.play(REST));
    const wrong = answers.map((said, nth) =>
      `${nth} ${said.filter((answer) => !answer.endsWith(": continue"))}`
    )
      .filter((said, nth) => said !== `${nth} ${expected(nth)}`);
    assertEquals(wrong, []);

    await all((mta) => mta[Symbol.asyncDispose]());
    while (server.connections > 0) await delay(5);
  },
);

/** What the filter says to the mail of that number. */
function expected(nth: number): string {
  const edit = `endOfMessage: insertHeader 2147483647 "X-Number" " ${nth}"`;
  return `body: skip,${nth % 2 === 0 ? `${edit},endOfMessage: accept` : "endOfMessage: reject"}`;
}
