/** Who may connect: by TCP from where, and by a Unix socket. */

import { stat } from "node:fs/promises";
import process from "node:process";
import {
  accept,
  type Address,
  type LogEntry,
  MilterError,
  reject,
  serve,
  type ServeOptions,
  type UnixAddress,
} from "../../mod.ts";
import type { Adapter } from "../../src/adapters/socket.ts";
import { nodeAdapter } from "../../src/adapters/node.ts";
import { serveBy } from "../../src/server/server.ts";
import { assert, assertEquals, assertRejects, tempDir, test } from "../harness.ts";
import { MtaPlayer } from "../mta_player.ts";
import { socketWire } from "../wires.ts";

/** A server that keeps what it warns of, and what an observer is told. */
async function serveTo(options: Partial<ServeOptions>) {
  const warnings: LogEntry[] = [];
  const denied: string[] = [];
  const server = await serve(() => reject(), {
    listen: "inet:0@127.0.0.1",
    onWarning: (entry) => void warnings.push(entry),
    observer: { connectionDenied: ({ peer }) => void denied.push(peer) },
    ...options,
  });
  return { server, warnings, denied };
}

test("Server turns away who is not on its list, warns once, and counts each", async () => {
  const { server, warnings, denied } = await serveTo({ allow: ["192.0.2.0/24", "::1"] });
  await using _ = server;
  for (let nth = 0; nth < 3; nth++) {
    const wire = await socketWire(server.address);
    assertEquals(await wire.read(), undefined);
    await wire.close();
  }
  assertEquals([denied.length, warnings.length, server.connections], [3, 1, 0]);
  assert(/127\.0\.0\.1:\d+ may not connect/.test(warnings[0]!.message), warnings[0]!.message);
});

test("Server takes who is on its list", async () => {
  for (const allow of [["127.0.0.0/8"], ["192.0.2.7", "127.0.0.1"]]) {
    const { server, warnings } = await serveTo({ allow });
    await using _ = server;
    await using mta = new MtaPlayer(await socketWire(server.address));
    await mta.negotiate();
    assertEquals(await mta.say("connect"), ["reject"]);
    assertEquals(warnings, []);
  }
});

test("Server with an empty list takes nobody by TCP, and everybody by a Unix socket, whose file is its list", async () => {
  await using directory = await tempDir();
  const { server, denied } = await serveTo({ allow: [] });
  await using _ = server;
  const wire = await socketWire(server.address);
  assertEquals(await wire.read(), undefined);
  await wire.close();
  assertEquals(denied.length, 1);
  const { server: local } = await serveTo({ allow: [], listen: `unix:${directory.file("s")}` });
  await using _local = local;
  await using mta = new MtaPlayer(await socketWire(local.address));
  await mta.negotiate();
  assertEquals(await mta.say("connect"), ["reject"]);
});

test("Server refuses a list that is none before it listens", async () => {
  for (const allow of ["127.0.0.1", ["10.0.0.1/8"], ["localhost"], [7], {}] as unknown as string[][]) {
    await assertRejects(() => serveTo({ allow }), TypeError, Array.isArray(allow) ? "network" : "list");
  }
});

test("Server that listens to the world without a list warns of it", async () => {
  /** Listens on this machine alone, whatever it is asked for. */
  const adapter: Adapter = {
    ...nodeAdapter,
    async listen(address: Address, onSocket) {
      if (!("host" in address)) return await nodeAdapter.listen(address, onSocket);
      const listener = await nodeAdapter.listen({ ...address, host: "127.0.0.1" }, onSocket);
      return { ...listener, address: { ...listener.address, host: address.host } };
    },
  };
  const cases: readonly (readonly [options: Partial<ServeOptions>, warnings: number])[] = [
    [{ listen: "inet:0@0.0.0.0" }, 1],
    [{ listen: "inet6:0@::" }, 1],
    [{ listen: "inet:0@mx.example.com" }, 1],
    [{ listen: "inet:0@0.0.0.0", allow: ["10.0.0.0/8"] }, 0],
    [{ listen: "inet:0@localhost" }, 0],
    [{ listen: "inet:0" }, 0],
  ];
  for (const [options, count] of cases) {
    const warnings: LogEntry[] = [];
    const onWarning = (entry: LogEntry) => void warnings.push(entry);
    await using _ = await serveBy(adapter, accept, { listen: "inet:0", onWarning, ...options });
    assertEquals(warnings.length, count, JSON.stringify(options));
  }
});

const uid = process.getuid?.() ?? 0;
const gid = process.getgid?.() ?? 0;

test("Server gives its socket file to an owner and a group, by number", async () => {
  await using directory = await tempDir();
  const path = directory.file("s");
  await using _ = await serve(accept, { listen: { path, mode: 0o660, owner: uid, group: gid } });
  const file = await stat(path);
  assertEquals([file.mode & 0o777, file.uid, file.gid], [0o660, uid, gid]);
});

test("Server gives its socket file to an owner and a group, by name", {
  ignore: uid !== 0 && "only root can give files away",
}, async () => {
  await using directory = await tempDir();
  const path = directory.file("s");
  await using _ = await serve(accept, { listen: { path, owner: "daemon", group: "daemon" } });
  const file = await stat(path);
  assert(file.uid > 0 && file.gid > 0, `${file.uid}:${file.gid}`);
});

test("Server leaves no socket behind that could not be given away as it was to be", async () => {
  await using directory = await tempDir();
  const path = directory.file("s");
  for (const who of [{ owner: "no-such-user" }, { group: "no-such-group" }]) {
    const error = await assertRejects(
      () => serve(accept, { listen: { path, ...who } }),
      MilterError,
      "has no no-such-",
    );
    assertEquals(error.code, "LISTEN");
    await assertRejects(() => stat(path));
  }
  for (const bad of [{ owner: -1 }, { owner: "" }, { group: "a:b" }, { group: 1.5 }, { mode: 0o1000 }]) {
    const listen: UnixAddress = { path, ...bad };
    await assertRejects(() => serve(accept, { listen }), TypeError, "Cannot use address");
  }
});
