/** `kilter conform` and `kilter bench` in a real terminal. */

import { accept, type Filter, formatAddress, serve } from "../../../mod.ts";
import { assertEquals, assertMatch, assertStringIncludes, programCommand, test } from "../../harness.ts";
import { noTmux, Tmux } from "../../tmux.ts";

const PROGRAM = programCommand(new URL("../kilter_program.ts", import.meta.url));
const LISTEN = { listen: "inet:0@127.0.0.1" } as const;

test("kilter conform prints its scorecard in colours, within 80 columns", { ignore: noTmux }, async () => {
  const log = () => {}; // It is meant to be broken.
  const filter: Filter = async (session) => (await session.endOfMessage(), accept());
  await using server = await serve(filter, { ...LISTEN, log });
  const command = [
    ...PROGRAM,
    "conform",
    formatAddress(server.address),
    "--only",
    "length-zero,two-messages,half-close",
  ];
  await using tmux = await Tmux.run(command, { rows: 40 });
  await tmux.shows(/3 of 3 passed/);
  const lines = (await tmux.screen()).split("\n");
  assertEquals(lines.filter((line) => line.length > 80), []);
  assertEquals(lines.filter((line) => /length-zero|two-messages|half-close/.test(line)).length, 3);
  assertStringIncludes(await tmux.screen({ styled: true }), "\x1b[32m");
});

test("kilter bench shows how far it is, and then the figures", { ignore: noTmux }, async () => {
  await using server = await serve(async (session) => {
    await session.endOfMessage();
    await new Promise((resolve) => setTimeout(resolve, 20));
    return accept();
  }, LISTEN);
  const command = [...PROGRAM, "bench", formatAddress(server.address), "-n", "200", "-c", "2"];
  await using tmux = await Tmux.run(command);
  await tmux.shows(/^\[=+ +\] +\d+ of 200$/m);
  await tmux.shows(/failures {4}none/);
  const screen = await tmux.screen();
  assertMatch(screen, /^ {2}throughput {2}[\d,]+ mails\/s/m);
  assertEquals(/ of 200/.test(screen), false);
});
