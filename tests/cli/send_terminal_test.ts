/** `kilter send` in a real terminal. */

import { writeFile } from "node:fs/promises";
import { accept, defineFilter, formatAddress, reject, serve } from "../../mod.ts";
import { assertEquals, assertMatch, delay, programCommand, tempDir, test } from "../harness.ts";
import { noTmux, Tmux } from "../tmux.ts";

const PROGRAM = programCommand(new URL("./kilter_program.ts", import.meta.url));

const filter = defineFilter({ name: "judge", sees: ["headers"] }, async (session) => {
  const subject = await session.headers.get("Subject");
  if (subject?.value === "spam") return reject("550 5.7.1 No spam");
  if (subject?.value === "slow") await delay(100);
  for (const old of await session.headers.getAll("X-Old")) session.headers.delete(old);
  session.headers.append("X-New", "1");
  return accept();
});

test("kilter send has colours in a terminal: who speaks, the verdict, and what was changed", {
  ignore: noTmux,
}, async () => {
  await using server = await serve(filter, { listen: "inet:0@127.0.0.1" });
  await using directory = await tempDir();
  const long = "a word and another ".repeat(20);
  await writeFile(directory.file("a.eml"), `Subject: hello\nX-Old: 1\nX-Long: ${long}\n\nHi\n`);
  const command = [...PROGRAM, "send", directory.file("a.eml"), "--to", formatAddress(server.address)];
  await using tmux = await Tmux.run(command, { rows: 60 });
  await tmux.shows(/\+ X-New: 1/);
  const lines = (await tmux.screen()).split("\n");
  assertEquals(lines.filter((line) => line.length > 80), []);
  // A line that is too long is cut: it does not go on below.
  assertMatch(lines.find((line) => line.includes('> header "X-Long"'))!, /…$/);
  const styled = await tmux.screen({ styled: true });
  const looks: readonly (readonly [escape: string, text: string])[] = [
    ["1", "C: MAIL FROM:"],
    ["36", '   > header "Subject"'],
    ["33", "   < accept"],
    ["32", "Accepted"],
    ["31", "   - X-Old: 1"],
    ["32", "   + X-New: 1"],
  ];
  for (const [escape, text] of looks) {
    // deno-lint-ignore no-control-regex
    const escapes = styled.slice(0, styled.indexOf(text)).match(/(\x1b\[\d*m)+/g)?.at(-1) ?? "";
    assertEquals([text, escapes.includes(`[${escape}m`)], [text, true]);
  }
});

test(
  "kilter send shows how far it is with many mails, and takes that away again",
  { ignore: noTmux },
  async () => {
    await using server = await serve(filter, { listen: "inet:0@127.0.0.1" });
    await using directory = await tempDir();
    await writeFile(directory.file("a.eml"), "Subject: slow\n\n");
    const command = [
      ...PROGRAM,
      "send",
      directory.file("a.eml"),
      "-t",
      formatAddress(server.address),
      "--repeat",
      "20",
    ];
    await using tmux = await Tmux.run(command, { rows: 40 });
    await tmux.shows(/^\[=+ +\] +\d+ of 20$/m);
    await tmux.shows(/kilter send: 20 sent: 20 accepted, 0 not accepted/);
    // Now and then a line is missing under Bun in tmux alone, so that they are not counted here.
    await tmux.shows(/(?:^accepted +\d+ ms [^]*?){15}/m);
    assertEquals(/ of 20/.test(await tmux.screen()), false);
  },
);
