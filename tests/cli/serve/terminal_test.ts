/** `kilter serve` in a real terminal. */

import { stat, writeFile } from "node:fs/promises";
import process from "node:process";
import { parseAddress } from "../../../mod.ts";
import {
  assertEquals,
  assertMatch,
  assertStringIncludes,
  delay,
  programCommand,
  tempDir,
  test,
} from "../../harness.ts";
import { GREETING, mail, MESSAGE } from "../../mta_commands.ts";
import { MtaPlayer } from "../../mta_player.ts";
import { noTmux, Tmux } from "../../tmux.ts";
import { socketWire } from "../../wires.ts";

const FILTER = `
export default async (session) => {
  const { address } = await session.envelopeFrom();
  return { type: address === "" ? "reject" : "accept" };
};
`;

const PROGRAM = programCommand(new URL("../kilter_program.ts", import.meta.url));

test("kilter serve has colours in a terminal, and the time of day", { ignore: noTmux }, async () => {
  await using directory = await tempDir();
  await writeFile(directory.file("filter.ts"), FILTER);
  const path = directory.file("s");
  await using tmux = await Tmux.run([...PROGRAM, "serve", directory.file("filter.ts"), "-l", `unix:${path}`]);
  await tmux.shows(/serving .*\n?.*unix:/);
  await using mta = new MtaPlayer(await socketWire(parseAddress(`unix:${path}`)));
  await mta.negotiate();
  await mta.play([...GREETING, mail("<a@example.com>"), ...MESSAGE.slice(1)]);
  await mta.play([mail("<>")]);
  await tmux.shows(/reject/);
  await tmux.type("C-c");
  await tmux.shows(/kilter: stopped/);

  const time = "\\d\\d:\\d\\d:\\d\\d";
  const lines = (await tmux.screen()).split("\n");
  assertEquals(lines.every((line) => line.length <= 80), true);
  assertMatch(
    lines.join("\n"),
    new RegExp(`^${time} accept +\\d+ ms {2}NOQUEUE {2}client\\.example\\[192\\.0\\.2\\.1\\]`, "m"),
  );
  const styled = await tmux.screen({ styled: true });
  for (const part of ["\x1b[2m", "\x1b[32maccept", "\x1b[1mNOQUEUE", "\x1b[31mreject"]) {
    assertStringIncludes(styled, part);
  }
});

test(
  "kilter serve takes new code at SIGHUP, but ends when its terminal is closed",
  { ignore: noTmux },
  async () => {
    await using directory = await tempDir();
    await writeFile(directory.file("filter.ts"), FILTER);
    const path = directory.file("s");
    await using tmux = await Tmux.run([
      ...PROGRAM,
      "serve",
      directory.file("filter.ts"),
      "-l",
      `unix:${path}`,
    ]);
    await tmux.shows(/serving .*\n?.*unix:/);
    process.kill(await tmux.pid(), "SIGHUP");
    await tmux.shows(/kilter: reloaded/);
    await tmux[Symbol.asyncDispose]();
    // A server that is killed would leave its socket behind.
    while (await stat(path).then(() => true, () => false)) await delay(20);
  },
);
