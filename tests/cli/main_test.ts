import { readFile } from "node:fs/promises";
import { assertEquals, assertGreater, assertMatch, test } from "../harness.ts";
import { VERSION } from "../../src/cli/version.ts";
import { kilter } from "./captured.ts";

test("kilter tells its version, which is that of deno.json", async () => {
  const { version } = JSON.parse(await readFile(new URL("../../deno.json", import.meta.url), "utf8"));
  assertEquals(VERSION, version);
  assertEquals(await kilter("--version"), { code: 0, out: `kilter ${version}\n`, err: "" });
});

test("kilter without a command prints its help, and is not content", async () => {
  const { code, out } = await kilter();
  assertEquals(code, 2);
  assertMatch(out, /^kilter: mail filters/);
  assertEquals(await kilter("--help"), { code: 0, out, err: "" });
});

test("kilter says that there is no such command", async () => {
  assertEquals(await kilter("sned"), {
    code: 2,
    out: "",
    err: 'kilter: there is no command "sned"; see kilter --help\n',
  });
});

test("no line of the help is wider than the terminal", async () => {
  const { out } = await kilter("--help");
  const commands = [...out.matchAll(/^ {2}(\w+) /gm)].map(([, name]) => name!);
  assertGreater(commands.length, 0);
  for (const args of [["--help"], ...commands.map((name) => [name, "--help"])]) {
    const { out } = await kilter(...args);
    assertEquals(out.split("\n").filter((line) => line.length > 80), []);
  }
});
