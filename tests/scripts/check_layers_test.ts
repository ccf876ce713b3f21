import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import process from "node:process";
import { assertEquals, assertMatch, assertStringIncludes, runtime, tempDir, test } from "../harness.ts";
import { type Use, violations } from "../../scripts/layers.ts";

interface Case {
  readonly path: string;
  readonly uses: readonly (readonly [kind: Use["kind"], what: string])[];
  /** A part of the complaint; without it there is none. */
  readonly complaint?: string;
}

const CASES: readonly Case[] = [
  { path: "src/wire/reader.ts", uses: [["import", "../errors.ts"], ["import", "./text.ts"]] },
  { path: "src/protocol/codec.ts", uses: [["import", "../wire/reader.ts"], ["name", "Uint8Array"]] },
  { path: "src/session/headers.ts", uses: [["import", "../protocol/mod.ts"], ["name", "Promise"]] },
  {
    path: "src/server/serve.ts",
    uses: [["import", "../session/run.ts"], ["import", "../adapters/address.ts"]],
  },
  { path: "src/server/node.ts", uses: [["import", "node:net"], ["import", "../adapters/node.ts"]] },
  { path: "src/adapters/deno.ts", uses: [["name", "Deno"], ["name", "await"]] },
  { path: "src/client/send.ts", uses: [["import", "../protocol/mta_end.ts"]] },
  { path: "src/testing/mta.ts", uses: [["import", "../session/mod.ts"], ["import", "../client/send.ts"]] },
  { path: "src/mime/words.ts", uses: [["import", "libmime"], ["import", "../session/encoded_words.ts"]] },
  { path: "mod.ts", uses: [["import", "./src/server/serve.ts"], ["import", "./src/errors.ts"]] },
  { path: "src/cli/serve/fresh_import.ts", uses: [["load", "address"]] },

  {
    path: "src/wire/reader.ts",
    uses: [["import", "../protocol/flags.ts"]],
    complaint: "wire may import errors, not src/protocol/flags.ts",
  },
  { path: "src/errors.ts", uses: [["import", "./wire/reader.ts"]], complaint: "errors may import nothing" },
  { path: "src/session/run.ts", uses: [["import", "../server/serve.ts"]], complaint: "session may import" },
  { path: "src/client/send.ts", uses: [["import", "../session/run.ts"]], complaint: "client may import" },
  {
    path: "src/adapters/bun.ts",
    uses: [["import", "../wire/framer.ts"]],
    complaint: "adapters may import errors",
  },
  { path: "src/wire/x.ts", uses: [["import", "../../tests/harness.ts"]], complaint: "not tests/harness.ts" },
  { path: "src/wire/x.ts", uses: [["import", "../../mod.ts"]], complaint: "not mod.ts" },
  { path: "src/server/serve.ts", uses: [["import", "jsr:@std/assert"]], complaint: "no dependencies" },
  { path: "src/server/serve.ts", uses: [["import", "@kilter/milter"]], complaint: "no dependencies" },
  { path: "src/cli/serve.ts", uses: [["load", "address"]], complaint: "no dependencies" },
  { path: "src/server/serve.ts", uses: [["load", "address"]], complaint: "no dependencies" },
  { path: "src/session/run.ts", uses: [["import", "libmime"]], complaint: "no dependencies" },
  { path: "src/mime/words.ts", uses: [["import", "lodash"]], complaint: "libmime, mailparser and no other" },
  { path: "src/session/run.ts", uses: [["import", "../mime/words.ts"]], complaint: "session may import" },
  { path: "mod.ts", uses: [["import", "./src/mime/mod.ts"]], complaint: "mod may import" },
  { path: "src/server/serve.ts", uses: [["import", "node:net"]], complaint: "names no runtime" },
  { path: "src/session/run.ts", uses: [["name", "Buffer"]], complaint: "uses Buffer" },
  { path: "src/protocol/order.ts", uses: [["name", "Promise"]], complaint: "no promises" },
  { path: "src/wire/framer.ts", uses: [["name", "setTimeout"]], complaint: "no timers" },
  { path: "src/utils/x.ts", uses: [], complaint: '"utils" is not a room' },
];

for (const { path, uses, complaint } of CASES) {
  const used = uses.map(([, what]) => what).join(" and ");
  test(`violations ${complaint === undefined ? "lets" : "stops"} ${path} with ${used || "nothing"}`, () => {
    const found = violations({ path, uses: uses.map(([kind, what]) => ({ kind, what, line: 7 })) });
    assertEquals(found.length, complaint === undefined ? 0 : 1);
    if (complaint !== undefined) assertStringIncludes(found[0]!, complaint);
  });
}

// The script itself is a program of Deno.
if (runtime === "deno") {
  const script = new URL("../../scripts/check_layers.ts", import.meta.url).pathname;

  const check = async (files: Record<string, string>): Promise<{ code: number; lines: string }> => {
    await using root = await tempDir();
    await mkdir(root.file("src/wire"), { recursive: true });
    for (const [path, text] of Object.entries(files)) await writeFile(root.file(path), text);
    return await new Promise((resolve) => {
      execFile(process.execPath, ["run", "-A", "--no-check", script, root.path], (error, _stdout, stderr) => {
        resolve({ code: error === null ? 0 : 1, lines: stderr });
      });
    });
  };

  test("check_layers passes a tree in order, whatever its comments and members say", async () => {
    const { code, lines } = await check({
      "mod.ts": `export * from "./src/wire/reader.ts";\n`,
      "src/errors.ts": `export class MilterError extends Error {}\n`,
      "src/wire/reader.ts": `/** Not for Deno: a Promise. */
import { MilterError } from "../errors.ts";
export interface Options { readonly process: boolean; Buffer(): string }
export const read = (options: Options, Date: number): string => options.Buffer() + "node:net" + Date;
export const error = MilterError;
`,
    });
    assertEquals([code, lines], [0, ""]);
  });

  /** Each is a line that no file of `wire` may hold. */
  const VIOLATIONS: readonly (readonly [line: string, complaint: string])[] = [
    [`import "../session/run.ts";`, 'imports "../session/run.ts"'],
    [`import type { Session } from "../session/run.ts";`, 'imports "../session/run.ts"'],
    [`export * from "../session/run.ts";`, 'imports "../session/run.ts"'],
    [`export type S = import("../session/run.ts").Session;`, 'imports "../session/run.ts"'],
    [`export const load = () => import("../session/run.ts");`, 'imports "../session/run.ts"'],
    ["const name = 1; export const load = () => import(`../${name}.ts`);", "no dependencies"],
    [`import { Socket } from "node:net";`, "names no runtime"],
    [`import { assert } from "jsr:@std/assert";`, "no dependencies"],
    [`export const version = Deno.version;`, "uses Deno"],
    [`export const version = globalThis.Deno;`, "uses globalThis"],
    [`const { process } = globalThis;`, "uses globalThis"],
    [`export type Bytes = Buffer;`, "uses Buffer"],
    [`export const all = { Buffer };`, "uses Buffer"],
    [`export async function read() {}`, "uses async"],
    [`await 1;`, "uses await"],
    [`export type Later = Promise<void>;`, "uses Promise"],
    [`export const now = () => Date.now();`, "uses Date"],
  ];

  test("check_layers fails a tree with violations, and names file, line and rule of each", async () => {
    const text = VIOLATIONS.map(([line]) => line).join("\n");
    const { code, lines } = await check({ "mod.ts": "", "src/errors.ts": "", "src/wire/reader.ts": text });
    assertEquals(code, 1);
    for (const [index, [line, complaint]] of VIOLATIONS.entries()) {
      const found = lines.split("\n").filter((line) => line.startsWith(`src/wire/reader.ts:${index + 1}: `));
      assertEquals(found.length, 1, `${line}\n${lines}`);
      assertStringIncludes(found[0]!, complaint);
      assertMatch(found[0]!, /: (wire|the library) /);
    }
  });
}
