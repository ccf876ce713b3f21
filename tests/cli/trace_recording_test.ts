/** What `kilter trace` records, `kilter replay` plays. */

import { readFile, stat, writeFile } from "node:fs/promises";
import process from "node:process";
import { accept, type Filter } from "../../mod.ts";
import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertStringIncludes,
  type TempDir,
  tempDir,
  test,
} from "../harness.ts";
import { GREETING } from "../mta_commands.ts";
import { MtaPlayer } from "../mta_player.ts";
import { kilter } from "./captured.ts";
import { optionOf, serving, tagging, Trace } from "./tracing.ts";

test("kilter trace ends cleanly when it is told to, with connections open", async () => {
  await using server = await serving(tagging);
  await using directory = await tempDir();
  const file = directory.file("open.jsonl");
  const trace = await Trace.to(optionOf(server), ["--save", file]);
  const wire = await trace.connect();
  const mta = new MtaPlayer(wire);
  await mta.negotiate();
  await mta.play(GREETING);
  const { code, err } = await trace.command.stop();
  assertEquals(code, 0);
  assertStringIncludes(err, `1 connection; 3 packets from the MTA, 3 from the filter; recorded in ${file}\n`);
  assertEquals(await wire.read(), undefined);
  await wire.close();
  const lines = await readFile(file, "utf8");
  assert(!lines.includes("EOF"), "neither side has closed");
  assertEquals((await kilter("replay", file, "--to", optionOf(server))).code, 0);
});

test("kilter trace goes on when the recording cannot be written any more", {
  ignore: process.platform !== "linux" && "there is no /dev/full",
}, async () => {
  await using server = await serving(tagging);
  const trace = await Trace.to(optionOf(server), ["--save", "/dev/full"]);
  assertEquals(await trace.converse(), "endOfMessage: accept");
  const { code, err } = await trace.command.stop();
  assertEquals(code, 3);
  assertMatch(err, /^kilter trace: Cannot record to \/dev\/full any more: .+$/m);
});

/** Two mails on one connection, then one on another: the recording of them. */
async function recorded(directory: TempDir, filter: Filter, ...args: string[]): Promise<string> {
  await using server = await serving(filter);
  const file = directory.file("mails.jsonl");
  await using trace = await Trace.to(optionOf(server), ["--save", file, "--quiet", ...args]);
  await trace.converse(2);
  await trace.converse();
  const { code, out } = await trace.command.stop();
  assertEquals([code, out], [0, ""]);
  return file;
}

test("kilter trace records what kilter replay plays: the same filter answers the same, another does not", async () => {
  await using directory = await tempDir();
  const file = await recorded(directory, tagging);
  assertEquals((await stat(file)).mode & 0o777, 0o600);
  await using server = await serving(tagging);
  const same = await kilter("replay", file, "--to", optionOf(server));
  assertEquals([same.code, same.out], [0, "#1 15 answers, as recorded\n#2 9 answers, as recorded\n"]);
  await using other = await serving(async (session) => {
    session.headers.append("X-Seen", "by another");
    await session.endOfMessage();
    return accept();
  });
  const { code, out } = await kilter("replay", file, "--to", optionOf(other));
  assertEquals(code, 1);
  const edited = `endOfMessage
   - insertHeader 2147483647 "X-Seen" " by Kilter"
   + insertHeader 2147483647 "X-Seen" " by another"
     accept
`;
  assertEquals(
    out,
    `#1 ${edited}#1 ${edited}#1 15 answers, 13 as recorded\n#2 ${edited}#2 9 answers, 8 as recorded\n`,
  );
});

test("kilter replay says what it can of a redacted recording", async () => {
  await using directory = await tempDir();
  const removing: Filter = async (session) => {
    await session.endOfMessage();
    for await (const { address } of session.envelopeRecipients()) session.removeRecipient(address);
    session.addRecipient("archive@example.com");
    return accept();
  };
  const file = await recorded(directory, removing, "--redact");
  await using server = await serving(removing);
  const { code, out, err } = await kilter("replay", file, "--to", optionOf(server));
  assertEquals([code, out], [0, "#1 15 answers, as recorded\n#2 9 answers, as recorded\n"]);
  assertStringIncludes(err, "the recording is redacted: bodies, values and addresses are made up\n");

  const text = await readFile(file, "utf8");
  await writeFile(
    file,
    text.replaceAll('"cmd":"T","hex":""', '"cmd":"RAW","len":20'),
  );
  const raw = await kilter("replay", file, "--to", optionOf(server));
  assertEquals(raw.code, 3);
  assertStringIncludes(
    raw.out.replaceAll(/\n +/g, " "),
    "#1 not played: bytes that are no command were left out of the recording",
  );
  assertLess(raw.out.length, 400);
});
