/** Workers: who serves whom, and what becomes of connections and messages when one dies, is replaced, or ends. */

import { stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import process from "node:process";
import { MilterError } from "../../mod.ts";
import { serveWorkers, type ServeWorkersOptions } from "../../src/workers/mod.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  delay,
  tempDir,
  test,
} from "../harness.ts";
import { CONVERSATION, mail } from "../mta_commands.ts";
import { signalAll } from "../processes.ts";
import { LIBRARY, teller, TestCrew, told } from "./crew.ts";

/** Processes take a while to start, and a busy machine longer. */
const SLOW = { timeout: 60_000 } as const;

/** Holds each message at its end until there is a file. */
const holding = (gate: string): string => `
import { existsSync } from "node:fs";
import { accept } from ${LIBRARY};
export default async (session) => {
  await session.endOfMessage();
  while (!existsSync(${JSON.stringify(gate)})) await new Promise((resolve) => setTimeout(resolve, 20));
  return accept();
};
`;

/** An address of each kind: by default a test has a Unix socket. */
const KINDS: readonly (readonly [kind: string, options: Partial<ServeWorkersOptions>])[] = [
  ["a port", { listen: "inet:0@127.0.0.1" }],
  ["a Unix socket", {}],
];

for (const [kind, options] of KINDS) {
  test(`serveWorkers has every worker take connections on ${kind}`, SLOW, async () => {
    await using crew = await TestCrew.start(teller(), { ...options, workers: 3 });
    assertEquals(crew.workers.workers.map(({ place, state }) => [place, state]), [
      [1, "serving"],
      [2, "serving"],
      [3, "serving"],
    ]);
    const seen = new Set<number>();
    while (seen.size < 3) {
      const open = await Promise.all(Array.from({ length: 10 }, () => crew.connect()));
      for (const { pid } of await Promise.all(open.map(told))) seen.add(pid);
    }
    assertEquals([...seen].sort(), crew.pids.sort());
  });

  test(
    `connections that wait on ${kind} while all workers die are served by those who follow`,
    SLOW,
    async () => {
      await using crew = await TestCrew.start(teller(), options);
      const dead = crew.pids;
      // Who is stopped takes no connection: these can only wait.
      signalAll(dead, "SIGSTOP");
      const waiting = await Promise.all(Array.from({ length: 8 }, () => crew.dial()));
      signalAll(dead, "SIGKILL");
      for (const mta of waiting) {
        await mta.negotiate();
        await mta.play(["connect", "helo"]);
        assert(!dead.includes((await told(mta)).pid));
      }
      const died = await crew.sees("died", 2);
      assertEquals(died.map(({ by }) => by), ["SIGKILL", "SIGKILL"]);
      const again = (await crew.sees("ready", 4)).slice(2);
      assertEquals(again.map(({ again }) => again), [true, true]);
    },
  );

  test(`reload replaces all workers on ${kind} while messages flow, and none is refused`, SLOW, async () => {
    await using crew = await TestCrew.start(teller("old"), options);
    const before = crew.pids;
    const old = await crew.connect();
    assertEquals((await told(old)).version, "old");
    let over = false;
    const versions = new Set<string>();
    const flow = async () => {
      while (!over) {
        const mta = await crew.connect();
        for (let message = 0; message < 3; message++) versions.add((await told(mta)).version);
        await mta.wire.close();
      }
    };
    const flows = Promise.all([flow(), flow(), flow()]);
    await crew.write(teller("new"));
    await crew.workers.reload();
    assertEquals(crew.pids.filter((pid) => before.includes(pid)), []);
    assertEquals((await told(await crew.connect())).version, "new");
    over = true;
    await flows;
    assertEquals([...versions], ["old", "new"]);
    // A connection that was open goes on, and the process that has it.
    assertEquals((await told(old)).version, "old");
    await crew.sees("drained", 1);
    await old.wire.close();
    const drained = await crew.sees("drained", 2);
    assertEquals(drained.map(({ late }) => late), [0, 0]);
    assertEquals(crew.events.filter(({ type }) => type === "died"), []);
    assertEquals(crew.workers.workers.length, 2);
  });
}

test("a mail in a worker that is killed fails, and those in others go on", SLOW, async () => {
  await using directory = await tempDir();
  const gate = directory.file("gate");
  await using crew = await TestCrew.start(holding(gate));
  // Both have one.
  const answers: Promise<string[]>[] = [];
  while (
    new Set(crew.workers.workers.map(({ connections }) => connections > 0)).size > 1 || answers.length < 2
  ) {
    const mta = await crew.connect();
    await mta.play(CONVERSATION.slice(2, -1));
    const answer = mta.say("endOfMessage");
    answer.catch(() => {}); // Told to whoever awaits it.
    answers.push(answer);
    await delay(1_500); // Until the next look at them is over.
  }
  process.kill(crew.pids[0]!, "SIGKILL");
  await crew.sees("died");
  await writeFile(gate, "");
  const ends = await Promise.allSettled(answers);
  const failed = ends.filter(({ status }) => status === "rejected").map((end) =>
    `${(end as { reason?: unknown }).reason}`
  );
  assert(failed.length > 0 && failed.length < answers.length);
  for (const why of failed) assertStringIncludes(why, "the filter has closed");
});

test("a worker that dies again and again is started later each time", SLOW, async () => {
  await using crew = await TestCrew.start(
    `import process from "node:process";
    export default async (session) => {
      await session.envelopeFrom();
      process.exit(7);
    };`,
    { workers: 1 },
  );
  for (let death = 1; death <= 3; death++) {
    const mta = await crew.connect();
    await assertRejects(() => mta.play([mail("<a@example.com>")]));
    await crew.sees("died", death);
  }
  const died = await crew.sees("died", 3);
  assertEquals(died.map(({ by, wait }) => [by, wait]), [[7, 250], [7, 500], [7, 1000]]);
});

test(
  "a worker that cannot be started again is tried later and later, while the others serve",
  SLOW,
  async () => {
    await using crew = await TestCrew.start(teller("good"));
    await crew.write("throw new Error('not today');");
    process.kill(crew.pids[0]!, "SIGKILL");
    const failed = await crew.sees("failed", 2);
    assertEquals(failed.map(({ error, wait }) => [String(error), wait]), [
      ["Error: not today", 500],
      ["Error: not today", 1000],
    ]);
    assertEquals((await told(await crew.connect())).version, "good");
    await crew.write(teller("mended"));
    await crew.sees("ready", 3);
    assertEquals(crew.pids.length, 2);
  },
);

test("reload of a broken module fails, and the workers that there are go on", SLOW, async () => {
  await using crew = await TestCrew.start(teller("good"));
  const before = crew.pids;
  for (
    const text of ["export default (;", "throw new Error('no');", "export default 3;", "import './gone.mjs';"]
  ) {
    await crew.write(text);
    await assertRejects(() => crew.workers.reload(), Error);
    assertEquals(crew.pids, before);
    assertEquals((await told(await crew.connect())).version, "good");
  }
  await crew.write(teller("mended"));
  await crew.workers.reload();
  assertEquals((await told(await crew.connect())).version, "mended");
});

test("a worker that is replaced ends its connections when its time is up", SLOW, async () => {
  await using crew = await TestCrew.start(teller());
  const mta = await crew.connect();
  await told(mta);
  await crew.workers.reload({ linger: 100 });
  await mta.readEnd();
  await crew.sees("drained", 2);
});

test("shutdown lets messages in progress reach their verdict, and leaves nothing behind", SLOW, async () => {
  await using directory = await tempDir();
  const gate = directory.file("gate");
  await using crew = await TestCrew.start(holding(gate));
  const mta = await crew.connect();
  await mta.play(CONVERSATION.slice(2, -1));
  const answer = mta.say("endOfMessage");
  const idle = await crew.connect();
  const done = crew.workers.shutdown();
  await idle.readEnd();
  await assertRejects(() => crew.dial());
  await writeFile(gate, "");
  assertEquals(await answer, ["accept"]);
  await mta.wire.close();
  await done;
  await crew.workers.finished;
  assertEquals(crew.workers.workers, []);
  await assertRejects(() => stat(crew.directory.file("s")));
});

test("shutdown answers by the policy what is not done in time, and aborts by a signal", SLOW, async () => {
  await using directory = await tempDir();
  const stop = new AbortController();
  await using crew = await TestCrew.start(holding(directory.file("gate")), {
    signal: stop.signal,
    onError: "reject",
  });
  const mta = await crew.connect();
  await mta.play(CONVERSATION.slice(2, -1));
  const answer = mta.say("endOfMessage");
  stop.abort();
  await crew.workers.shutdown({ timeout: 100 });
  assertEquals(await answer, ["reject"]);
  await crew.workers.finished;
});

test("a worker that does not answer is told of, and told of again when it answers", SLOW, async () => {
  await using crew = await TestCrew.start(teller(), { silentAfter: 1_000 });
  const [pid = 0] = crew.pids;
  process.kill(pid, "SIGSTOP");
  const [silent] = await crew.sees("silent");
  assertEquals([silent?.pid, silent?.killed], [pid, false]);
  assertEquals((await told(await crew.connect())).pid, crew.pids[1]);
  process.kill(pid, "SIGCONT");
  const [answered] = await crew.sees("answered");
  assertEquals(answered?.pid, pid);
  assert(answered!.duration >= 1_000);
});

test("a worker that does not answer is ended after killAfter, and followed by another", SLOW, async () => {
  await using crew = await TestCrew.start(teller(), { killAfter: 2_000 });
  const [pid = 0] = crew.pids;
  process.kill(pid, "SIGSTOP");
  const [died] = await crew.sees("died");
  assertEquals([died?.pid, died?.by], [pid, "SIGKILL"]);
  await crew.sees("ready", 3);
});

test(
  "a module's own options go before those that are given, and these cross with all their numbers",
  SLOW,
  async () => {
    await using crew = await TestCrew.start(
      `import { reject } from ${LIBRARY};
    export const options = { onError: (error) => reject("550 5.7.1 " + error.code) };
    export default async (session) => {
      for await (const recipient of session.envelopeRecipients());
    };`,
      { limits: { recipients: 1, connections: Infinity }, onError: "accept" },
    );
    const mta = await crew.connect();
    assertEquals(await mta.play(["mail", "rcpt", "rcpt"]), [
      "mail: continue",
      "rcpt: continue",
      'rcpt: replyCode "550 5.7.1 LIMIT"',
    ]);
  },
);

test("serveWorkers turns away who may not connect", SLOW, async () => {
  await using crew = await TestCrew.start(teller(), {
    listen: "inet:0@127.0.0.1",
    allow: ["192.0.2.0/24"],
  });
  const mta = await crew.dial();
  await mta.readEnd();
});

test("serveWorkers warns of an address that everybody can reach, once", SLOW, async () => {
  const messages: string[] = [];
  await using _crew = await TestCrew.start(teller(), {
    listen: "inet:0@0.0.0.0",
    log: ({ level, message }) => void (level === "debug" || messages.push(message)),
  });
  assertEquals(messages.length, 1);
  assertStringIncludes(messages[0]!, "to everybody who gets there");
});

test("serveWorkers fails for a module that cannot be served, and lets go of the address", SLOW, async () => {
  await using directory = await tempDir();
  const listen = `unix:${directory.file("s")}`;
  const cases: readonly (readonly [text: string, says: string])[] = [
    ["throw new Error('not today');", "not today"],
    ["export default 3;", "is no filter"],
    ["process.exit(3);", "Cannot start a worker: it ended by code 3"],
  ];
  for (const [text, says] of cases) {
    await writeFile(directory.file("filter.mjs"), `import process from "node:process";\n${text}`);
    await assertRejects(() => serveWorkers(directory.file("filter.mjs"), { listen }), Error, says);
    await assertRejects(() => stat(directory.file("s")));
  }
  await assertRejects(() => serveWorkers(directory.file("gone.mjs"), { listen }), Error);
});

test("serveWorkers fails with LISTEN where somebody listens already", SLOW, async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  const error = await assertRejects(
    () => serveWorkers("filter.mjs", { listen: { host: "127.0.0.1", port } }),
    MilterError,
  );
  assertEquals([error.code, error.message], [
    "LISTEN",
    `Cannot listen on inet:${port}@127.0.0.1: the address is in use`,
  ]);
  await new Promise((resolve) => server.close(resolve));
});

test("serveWorkers refuses what it cannot do before it starts anything", async () => {
  const listen = "inet:0@127.0.0.1";
  const cases: readonly (readonly [options: object, type: typeof TypeError | typeof RangeError])[] = [
    [{ workers: 0 }, RangeError],
    [{ workers: 1.5 }, RangeError],
    [{ silentAfter: 0 }, RangeError],
    [{ killAfter: NaN }, RangeError],
    [{ onError: () => {} }, TypeError],
    [{ observer: {} }, TypeError],
    [{ listen: "nowhere" }, TypeError],
  ];
  for (const [options, type] of cases) {
    await assertRejects(() => serveWorkers("filter.mjs", { listen, ...options }), type, "Cannot");
  }
  await assertRejects(() => serveWorkers(3 as never, { listen }), TypeError);
});
