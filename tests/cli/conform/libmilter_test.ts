/**
 * `kilter conform` against libmilter, which we did not write: what it finds there is known, and is no fault of the
 * tester. Where libmilter is not there, the tests are skipped.
 */

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CASES } from "../../../src/cli/conform/cases.ts";
import { assertEquals, delay, tempDir, test } from "../../harness.ts";
import { LeashedProcess } from "../../mta/leash.ts";
import { socketWire } from "../../wires.ts";
import { kilter } from "../captured.ts";

const SOURCE = fileURLToPath(new URL("./libmilter.c", import.meta.url));

/** Why there is nothing to play against. */
function whyNot(): string | undefined {
  if (!existsSync("/usr/include/libmilter/mfapi.h")) {
    return "libmilter-dev is not installed: see tests/mta/install.sh";
  }
  try {
    execFileSync("cc", ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "there is no C compiler: see tests/mta/install.sh";
  }
}

/** Waits until a program takes connections: its socket is there a little earlier. */
async function listening(path: string): Promise<void> {
  for (let tries = 0;; tries++) {
    try {
      return await (await socketWire({ path })).close();
    } catch (error) {
      if (tries === 500) throw error;
      await delay(10);
    }
  }
}

/** What libmilter 8.17 does wrong, by the case that finds it. */
const FAULTS = {
  // From most states its engine does not know K, and passes it over: it does not answer the CONNECT that follows.
  ...{ "new-connection": /does not answer connect/, "new-connection-in-mail": /does not answer connect/ },
  // The function for HELO fails in a way that the engine neither answers nor closes for.
  "no-nul": /hangs at a HELO without its NUL/,
  // Packets are of 64 KB at most, unless larger chunks of body were agreed.
  "longest-header": /closes instead of answering/,
  // What inet_aton does not read ends the connection.
  "client-unknown": /closes instead of answering/,
  // The last chunk is given to the function for the body, and what that does not answer, nobody does.
  "last-chunk": /does not answer end of message/,
} as const;

/** A program over libmilter, and which of these faults it has. */
const PROGRAMS: Readonly<Record<string, readonly (keyof typeof FAULTS)[]>> = {
  edits: ["new-connection", "new-connection-in-mail", "no-nul", "longest-header", "client-unknown"],
  quiet: ["no-nul", "longest-header", "client-unknown", "last-chunk"],
};

for (const [way, faulty] of Object.entries(PROGRAMS)) {
  test(`conform finds the faults of libmilter that are known, in a milter that ${way}, and no other`, {
    ignore: whyNot() ?? false,
    timeout: 120_000,
  }, async () => {
    await using dir = await tempDir();
    execFileSync("cc", ["-o", dir.file("milter"), SOURCE, "-lmilter", "-lpthread"]);
    const address = `unix:${dir.file("socket")}`;
    const milter = new LeashedProcess([dir.file("milter"), address, way], dir.file("log"));
    try {
      await listening(dir.file("socket"));
      const run = async (names: readonly string[], timeout: string) => {
        const { out, err } = await kilter(
          ...["conform", address, "--json", "--timeout", timeout, "--only", names.join(",")],
        );
        assertEquals(err, "");
        return JSON.parse(out).cases as { name: string; outcome: string; why?: string }[];
      };
      const others = CASES.map(({ name }) => name).filter((name) => !faulty.some((fault) => fault === name));
      assertEquals((await run(others, "10")).filter(({ outcome }) => outcome === "fault"), []);
      const found = await run(faulty, "0.5");
      assertEquals(
        found.map((
          { name, outcome, why = "" },
        ) => [name, outcome, FAULTS[name as keyof typeof FAULTS].test(why)]),
        CASES.filter(({ name }) => faulty.some((fault) => fault === name)).map((
          { name },
        ) => [name, "fault", true]),
      );
    } finally {
      await milter.end();
    }
  });
}
