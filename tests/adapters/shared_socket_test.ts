/** Sockets that are opened for other processes. */

import { spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { type Address, MilterError } from "../../mod.ts";
import { openShared, type SharedSocket } from "../../src/adapters/shared_socket.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  delay,
  programCommand,
  runtime,
  tempDir,
  test,
} from "../harness.ts";

/** Resolves when it is connected. */
function dial(address: Address): Promise<ReturnType<typeof connect>> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...address });
    socket.once("connect", () => resolve(socket)).once("error", reject);
  });
}

/** A connection that nobody takes yet, and then another process. */
async function isTaken({ fd, everywhere }: SharedSocket, address: Address): Promise<void> {
  const [command = "", ...args] = programCommand(new URL("./take_one.ts", import.meta.url));
  const ended = new Promise((resolve) =>
    spawn(command, [...args, String(everywhere ? fd : 3)], {
      stdio: ["ignore", "inherit", "inherit", ...everywhere ? [] : [fd]],
    }).once("exit", resolve)
  );
  // Node has somebody else make it a socket that listens.
  const socket = runtime === "node" ? await persistent(address) : await dial(address);
  let said = "";
  for await (const chunk of socket.setEncoding("utf8")) said += chunk;
  assertEquals(said, "taken");
  assertEquals(await ended, 0);
}

/** Tries until somebody listens. */
async function persistent(address: Address): Promise<ReturnType<typeof connect>> {
  while (true) {
    const socket = await dial(address).catch(() => undefined);
    if (socket !== undefined) return socket;
    await delay(20);
  }
}

for (const host of ["127.0.0.1", "localhost", "::1"]) {
  test(`openShared opens a port of ${host} that others can listen on`, async () => {
    const shared = await openShared({ host, port: 0 });
    const { address } = shared;
    assert(address !== undefined && "port" in address && address.host === host && address.port > 0);
    await isTaken(shared, address);
    await shared.close();
    await assertRejects(() => dial(address));
  });
}

test("openShared opens a Unix socket with a mode that others can listen on", async () => {
  await using directory = await tempDir();
  const path = directory.file("s");
  const shared = await openShared({ path, mode: 0o600 });
  assertEquals(shared.address, { path, mode: 0o600 });
  assertEquals((await stat(path)).mode & 0o777, 0o600);
  await isTaken(shared, { path });
  await shared.close();
});

test("openShared lets go of a Unix socket, and its file", async () => {
  await using directory = await tempDir();
  const path = directory.file("s");
  for (let time = 0; time < 3; time++) {
    const shared = await openShared({ path });
    await shared.close();
    await assertRejects(() => stat(path));
    await assertRejects(() => dial({ path }));
  }
});

test("openShared fails with LISTEN where it cannot", async () => {
  await using directory = await tempDir();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  const cases: readonly (readonly [address: Address, says: string])[] = [
    [{ host: "127.0.0.1", port }, `Cannot listen on inet:${port}@127.0.0.1: the address is in use`],
    [
      { host: "192.0.2.77", port: 0 },
      "Cannot listen on inet:0@192.0.2.77: this machine does not have the address",
    ],
    [{ path: directory.path }, `Cannot listen on unix:${directory.path}: there is a file that is no socket`],
  ];
  for (const [address, says] of cases) {
    const error = await assertRejects(() => openShared(address), MilterError);
    assertEquals([error.code, error.message], ["LISTEN", says]);
  }
  await new Promise((resolve) => server.close(resolve));
});
