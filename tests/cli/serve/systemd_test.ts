/** `kilter serve` under systemd. */

import { spawnSync } from "node:child_process";
import process from "node:process";
import { stat } from "node:fs/promises";
import { activate, hearNotices, noPerl } from "../../activation.ts";
import { assertEquals, assertMatch, tempDir, test } from "../../harness.ts";
import { CONVERSATION } from "../../mta_commands.ts";
import { takeSockets } from "../../../src/cli/serve/systemd.ts";
import { serveFiles, startServing } from "./served.ts";

/** Refuses at once; a process that it would start is told of no sockets. */
const FILTER = `
import process from "node:process";
export default () => ({ type: "LISTEN_FDS" in process.env ? "tempfail" : "reject" });
`;

const noSockets = noPerl && `tests of sockets that are passed: ${noPerl}`;
const noNotices = noPerl || spawnSync("systemd-notify", ["--version"]).status === 0
  ? noPerl && `tests of notices to systemd: ${noPerl}`
  : "tests of notices to systemd: there is no systemd-notify";

test("takeSockets takes what was passed to this process, by the rule of sd_listen_fds", () => {
  const cases: readonly (readonly [env: Record<string, string>, fds: number[]])[] = [
    [{}, []],
    [{ LISTEN_PID: "7", LISTEN_FDS: "1" }, [3]],
    [{ LISTEN_PID: "7", LISTEN_FDS: "3", LISTEN_FDNAMES: "a:b:c" }, [3, 4, 5]],
    [{ LISTEN_PID: "8", LISTEN_FDS: "1" }, []],
    [{ LISTEN_FDS: "1" }, []],
    [{ LISTEN_PID: "7" }, []],
    [{ LISTEN_PID: "7", LISTEN_FDS: "0" }, []],
    [{ LISTEN_PID: "7", LISTEN_FDS: "-1" }, []],
    [{ LISTEN_PID: "7", LISTEN_FDS: "many" }, []],
    [{ LISTEN_PID: "7", LISTEN_FDS: "1e9" }, []],
  ];
  for (const [env, fds] of cases) {
    const left: Record<string, string | undefined> = { ...env, OTHER: "x" };
    assertEquals(takeSockets(left, 7).map(({ fd }) => fd), fds);
    assertEquals(left, { OTHER: "x" });
  }
});

test(
  "kilter serve takes a port that systemd has opened, and frees nothing of it",
  { ignore: noSockets },
  async () => {
    await using served = await serveFiles({ "filter.ts": FILTER }, { args: [], by: activate() });
    assertMatch(served.addresses.join(), /^inet:\d+@127\.0\.0\.1$/);
    const mta = await served.connect();
    assertEquals(await mta.say("connect"), ["reject"]);
    served.child.signal("SIGTERM");
    assertEquals(await served.child.ended, 0);
  },
);

test(
  "kilter serve takes a Unix socket that systemd has opened, and leaves its file",
  { ignore: noSockets },
  async () => {
    await using directory = await tempDir();
    const path = directory.file("passed socket");
    await using served = await serveFiles({ "filter.ts": FILTER }, { args: [], by: activate(path) });
    // Only Linux tells the path of a socket.
    if (process.platform === "linux") assertEquals(served.addresses, [`unix:${path}`]);
    const mta = await served.connect(`unix:${path}`);
    assertEquals(await mta.say("connect"), ["reject"]);
    served.child.signal("SIGTERM");
    assertEquals(await served.child.ended, 0);
    assertEquals((await stat(path)).isSocket(), true);
  },
);

test("kilter serve listens on what --listen says, though a socket was passed; fd:3 names that", {
  ignore: noSockets,
}, async () => {
  await using served = await serveFiles({ "filter.ts": FILTER }, {
    args: ["-l", "inet:0@127.0.0.1", "-l", "fd:3"],
    by: activate(),
  });
  assertEquals(served.addresses.length, 2);
  for (const address of served.addresses) {
    const mta = await served.connect(address);
    assertEquals((await mta.play(CONVERSATION)).at(-1), "connect: reject");
  }
});

for (const abstract of [false, true]) {
  test(
    `kilter serve tells systemd when it is ready, reloads and stops${
      abstract ? ", by a socket without a file" : ""
    }`,
    { ignore: noNotices },
    async () => {
      await using directory = await tempDir();
      const path = abstract ? `@kilter-test-${process.pid}` : directory.file("notify");
      await using notices = await hearNotices(path);
      await using served = await startServing({ "filter.ts": FILTER }, {
        args: ["--listen", "inet:0@127.0.0.1"],
        env: { NOTIFY_SOCKET: path },
      });
      await notices.says(/READY=1\n/, "out");
      // It listens when it is ready.
      assertMatch(served.child.err, /serving/);
      served.child.signal("SIGHUP");
      await notices.says(/RELOADING=1\n[^]*READY=1\n/, "out");
      served.child.signal("SIGTERM");
      assertEquals(await served.child.ended, 0);
      assertEquals(
        notices.out.split("\n").filter((line) => /^[A-Z]+=1$/.test(line) && line !== "BARRIER=1"),
        [
          ...["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"],
        ],
      );
      assertEquals(served.child.err.includes("warning"), false, served.child.err);
    },
  );
}

test("kilter serve goes on where systemd cannot be told, and says so", { ignore: noNotices }, async () => {
  await using directory = await tempDir();
  await using served = await startServing({ "filter.ts": FILTER }, {
    env: { NOTIFY_SOCKET: directory.file("nobody") },
  });
  await served.child.says(/^kilter: warning: Cannot tell systemd READY=1: .+$/m);
  served.child.signal("SIGTERM");
  assertEquals(await served.child.ended, 0);
});
