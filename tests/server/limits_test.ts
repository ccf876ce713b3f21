/** Limits of a server, over real sockets: who is one too many, and peers that mean harm. */

import {
  accept,
  type Filter,
  type LimitHit,
  type Limits,
  type LogEntry,
  serve,
  type ServeOptions,
} from "../../mod.ts";
import { encodeCommand } from "../../src/protocol/mod.ts";
import { concat, latin1 } from "../bytes.ts";
import { assert, assertEquals, assertGreater, delay, tempDir, test } from "../harness.ts";
import { commandOf, CONVERSATION, GREETING, MESSAGE } from "../mta_commands.ts";
import { MtaPlayer } from "../mta_player.ts";
import { socketWire, type Wire } from "../wires.ts";

const patient: Filter = async (session) => {
  await session.endOfMessage();
  return accept();
};

/** A server with limits, and what is told of them. */
async function serveWithin(limits: Limits, options: Partial<ServeOptions> = {}) {
  const hits: LimitHit[] = [];
  const logs: LogEntry[] = [];
  const server = await serve(patient, {
    listen: "inet:0@127.0.0.1",
    limits,
    log: (entry) => void logs.push(entry),
    observer: { limitReached: (hit) => void hits.push(hit) },
    ...options,
  });
  const connect = async () => {
    const mta = new MtaPlayer(await socketWire(server.address));
    await mta.negotiate();
    return mta;
  };
  return { server, connect, hits, warnings: () => logs.filter(({ level }) => level === "warning") };
}

/** Waits until something is so. */
async function until(so: () => boolean): Promise<void> {
  while (!so()) await delay(5);
}

for (const limit of ["connections", "connectionsPerPeer"] as const) {
  test(`Server over its limit of ${limit} answers those that come by the policy, closes still more, and recovers`, async () => {
    const { server, connect, hits, warnings } = await serveWithin({ [limit]: 2 });
    await using _ = server;
    const inside = [await connect(), await connect()];
    for (const mta of inside) await mta.play(CONVERSATION.slice(0, 5));
    const outside = [await connect(), await connect()];
    for (const mta of outside) assertEquals(await mta.play(CONVERSATION), ["connect: tempfail"]);
    const shut = await socketWire(server.address);
    shut.write(encodeCommand(commandOf("negotiate")));
    assertEquals(await shut.read(), undefined);
    assertEquals(server.connections, 4);
    assertEquals(hits.map(({ outcome }) => outcome), ["answered", "answered", "closed"]);
    assert(
      hits.every((hit) => hit.limit === limit && hit.allowed === 2 && hit.peer.startsWith("127.0.0.1:")),
    );
    assertEquals(warnings().length, 1);
    // Those inside have noticed nothing.
    for (const mta of inside) {
      assertEquals((await mta.play(CONVERSATION.slice(5))).at(-1), "endOfMessage: accept");
    }
    for (const mta of [...inside, ...outside]) await mta[Symbol.asyncDispose]();
    await shut.close();
    await until(() => server.connections === 0);
    await using again = await connect();
    assertEquals((await again.play(CONVERSATION)).at(-1), "endOfMessage: accept");
  });
}

test("Server counts those that come by a Unix socket as one peer", async () => {
  await using directory = await tempDir();
  const { server, connect } = await serveWithin({ connectionsPerPeer: 1 }, {
    listen: `unix:${directory.file("s")}`,
  });
  await using _ = server;
  await using one = await connect();
  assertEquals(await one.play(["connect"]), ["connect: continue"]);
  await using other = await connect();
  assertEquals(await other.play(["connect"]), ["connect: tempfail"]);
});

test("Server refuses limits that are none before it listens", async () => {
  for (const limits of [{ connections: 0 }, { conections: 7 }] as Limits[]) {
    const outcome = await serve(patient, { listen: "inet:0@127.0.0.1", limits }).catch((error: Error) =>
      error
    );
    assert(outcome instanceof Error);
  }
});

/** What hostile peers send, each on many connections at once. */
const HOSTILE: Readonly<Record<string, Uint8Array>> = {
  "4 GB announced": latin1("\xff\xff\xff\xffB"),
  "a packet of 1 MiB announced, and no more": latin1("\0\x10\0\0L"),
  "a million macros": concat([
    encodeCommand(commandOf("negotiate")),
    latin1("\0\x0f\0\0DM"),
    new Uint8Array(0x0efffe),
  ]),
  "a header without end": concat([
    ...["negotiate", ...GREETING, ...MESSAGE.slice(0, 3)].map((line) =>
      encodeCommand(commandOf(line as "mail"))
    ),
    latin1("\0\x0f\0\0L"),
    new Uint8Array(0x0e0000).fill(0x61),
  ]),
  "nothing": new Uint8Array(0),
};

test("Server serves on beside hostile peers on 100 connections, and lets go of all of them", {
  timeout: 30_000,
}, async () => {
  const { server, connect } = await serveWithin({}, { timeouts: { packet: 1500 } });
  await using _ = server;
  const wires: Wire[] = [];
  for (const bytes of Object.values(HOSTILE)) {
    for (let nth = 0; nth < 20; nth++) {
      const wire = await socketWire(server.address);
      wire.write(bytes);
      wires.push(wire);
    }
  }
  await using mta = await connect();
  for (let nth = 0; nth < 20; nth++) {
    assertEquals((await mta.play(nth === 0 ? CONVERSATION : MESSAGE)).at(-1), "endOfMessage: accept");
  }
  assertGreater(server.connections, 1);
  await until(() => server.connections === 1);
  for (const wire of wires) await wire.close();
});

test("Server goes on after a flood of connects", { timeout: 30_000 }, async () => {
  const { server, connect, hits, warnings } = await serveWithin({ connections: 20 });
  await using _ = server;
  for (let round = 0; round < 5; round++) {
    const wires = await Promise.all(Array.from({ length: 60 }, () => socketWire(server.address)));
    await until(() => hits.length === 20 * (round + 1));
    for (const wire of wires) await wire.close();
    await until(() => server.connections === 0);
  }
  assertEquals(warnings().length, 1);
  await using mta = await connect();
  assertEquals((await mta.play(CONVERSATION)).at(-1), "endOfMessage: accept");
});
