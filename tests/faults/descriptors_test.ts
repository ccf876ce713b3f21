/** A server whose process may open too few files for all the connections that come. */

import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { platform } from "node:process";
import { type Address, parseAddress } from "../../mod.ts";
import { opened, serverOf } from "../../src/adapters/node.ts";
import { encodeCommand } from "../../src/protocol/mod.ts";
import { LIBRARY, type Served, serveFiles } from "../cli/serve/served.ts";
import { assert, assertEquals, assertGreater, assertLess, delay, tempDir, test } from "../harness.ts";
import { commandOf, CONVERSATION } from "../mta_commands.ts";

const FILTER = `
import { accept } from ${LIBRARY};
export default async (session) => {
  await session.endOfMessage();
  return accept();
};
`;

/** Enough for a runtime and some connections, and how many come. */
const FILES = 80;
const CROWD = 150;

/** Those who come all at once, and say their first word. */
class Crowd {
  /** How many were answered. */
  answered = 0;
  readonly #sockets: readonly Socket[];

  constructor(address: Address, size: number) {
    const offer = encodeCommand(commandOf("negotiate"));
    this.#sockets = Array.from({ length: size }, () => {
      const socket = connect({ ...address });
      socket.once("data", () => this.answered++).on("error", () => {}).write(offer);
      return socket;
    });
  }

  async leave(): Promise<void> {
    const gone = this.#sockets.map((socket) =>
      socket.closed || new Promise((resolve) => socket.once("close", resolve))
    );
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(gone);
  }
}

/** The processor time that a process has taken so far, in milliseconds. */
function processorTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Waits until a mail is taken: who has left is not always gone at once. */
async function judged(served: Served): Promise<string[]> {
  for (let left = 50;; left--) {
    try {
      return await (await served.connect()).play(CONVERSATION);
    } catch (error) {
      if (left === 0) throw error;
      await delay(20);
    }
  }
}

for (const transport of ["inet", "unix"] as const) {
  test(`Server that may open nothing more says so, idles, serves who is there, and recovers: ${transport}`, {
    ignore: platform !== "linux" && "processor time is told by Linux",
  }, async () => {
    await using directory = await tempDir();
    const listen = transport === "inet" ? "inet:0@127.0.0.1" : `unix:${directory.file("s")}`;
    await using served = await serveFiles({ "filter.ts": FILTER }, {
      args: ["--listen", listen],
      by: ["sh", "-c", `ulimit -n ${FILES}; exec "$@"`, "sh"],
    });
    const inside = await served.connect();
    await inside.play(CONVERSATION.slice(0, 5));
    // Deno opens what it needs for signals half a second after its start, and gives up if it cannot.
    await delay(1000);

    const crowd = new Crowd(parseAddress(served.addresses[0]!), CROWD);
    await served.child.says(/Cannot take a connection: the process may open nothing more/);
    await delay(200);
    const before = processorTime(served.child.pid);
    await delay(1000);
    assertLess(processorTime(served.child.pid) - before, 400, "ms of a second");
    assertEquals((await inside.play(CONVERSATION.slice(5))).at(-1), "endOfMessage: accept");
    assertGreater(crowd.answered, 10);
    assertLess(crowd.answered, FILES);

    await crowd.leave();
    assertEquals((await judged(served)).at(-1), "endOfMessage: accept");
    assertEquals(served.child.err.match(/Cannot take a connection/g)?.length, 1);
    served.child.signal("SIGTERM");
    assertEquals(await served.child.ended, 0);
  });
}

test("Server of node:net tells of a connection that could not be taken, and goes on", async () => {
  const told: string[] = [];
  const server = serverOf(() => {}, ({ message }) => void told.push(message));
  await opened(server, "listening", () => server.listen(0, "127.0.0.1"));
  // Its runtime says this where the system has no more to give.
  server.emit("error", Object.assign(new Error("accept ENFILE"), { code: "ENFILE" }));
  assertEquals(told, ["Cannot take a connection: the system may open nothing more"]);
  assert(server.listening);
  await new Promise((closed) => server.close(closed));
});
