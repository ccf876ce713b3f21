import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { assertEquals, assertMatch, programCommand, test } from "../../harness.ts";

test("cold.ts tells what each event costs, and their sum", async () => {
  const [command, ...args] = programCommand(new URL("../../../scripts/bench/cold.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(command!, [...args, "2"]);
  const [title, , columns, ...rows] = stdout.trimEnd().split("\n");
  assertEquals(title, "Microseconds, with cold caches; medians of 2 messages");
  assertEquals(columns!.trim().split(/ +/), ["framing", "decoding", "protocol", "session"]);
  assertEquals(rows.length, 23);
  for (const row of rows) assertMatch(row, /^[A-Za-z ]{14}( +-?\d+\.\d+){4}$/);
});
