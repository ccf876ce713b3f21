/** `kilter trace` in a real terminal. */

import { accept, parseAddress, serve } from "../../mod.ts";
import { assertEquals, assertStringIncludes, programCommand, tempDir, test } from "../harness.ts";
import { CONVERSATION } from "../mta_commands.ts";
import { MtaPlayer } from "../mta_player.ts";
import { noTmux, Tmux } from "../tmux.ts";
import { socketWire } from "../wires.ts";

const PROGRAM = programCommand(new URL("./kilter_program.ts", import.meta.url));

test("kilter trace has colours in a terminal, and sums up at ^C", { ignore: noTmux }, async () => {
  await using directory = await tempDir();
  const [listen, forward] = [`unix:${directory.file("t")}`, `unix:${directory.file("f")}`];
  await using _server = await serve(() => accept(), { listen: forward });
  await using tmux = await Tmux.run([...PROGRAM, "trace", "-l", listen, "-f", forward]);
  await tmux.shows(/listening on/);
  {
    await using mta = new MtaPlayer(await socketWire(parseAddress(listen)));
    await mta.negotiate();
    await mta.play(CONVERSATION);
  }
  await tmux.shows(/= closed/);
  await tmux.type("C-c");
  await tmux.shows(/1 connection; \d+ packets from the MTA/);
  const lines = (await tmux.screen()).split("\n");
  assertEquals(lines.filter((line) => line.length > 80), []);
  const styled = await tmux.screen({ styled: true });
  for (const part of ["\x1b[36m#1", "\x1b[32maccept"]) assertStringIncludes(styled, part);
});
