/**
 * The targets of tests/fuzz under a fuzzer that is guided by the coverage of our code: Jazzer.js, on Node. It is no
 * dependency of the project, and comes from npm when it is asked for.
 */

import { parseArgs } from "node:util";
import { SEEDS } from "../../tests/fuzz/seeds.ts";
import { type TargetName, TARGETS } from "../../tests/fuzz/targets.ts";
import { npm } from "../npm.ts";
import { PEERS } from "../peers.ts";

const NAMES = Object.keys(TARGETS) as TargetName[];

const HELP =
  `Lets Jazzer.js look for input by which a target fails, in what tests/transcripts has and from there on.

  deno run -A scripts/fuzz/guided.ts [--seconds n] [--directory path] [target …]

${NAMES.map((name) => `  ${name.padEnd(9)}  ${TARGETS[name].about}`).join("\n")}

  --seconds n        for each target. Default: 600
  --directory path   where the packages, the programs and what was found are kept, to go on from there another
                     time. Default: a new temporary directory`;

/** What is needed beside the library's own peers. The prebuilt program of Jazzer.js wants a glibc of 2.38. */
const PACKAGES: readonly string[] = [
  "@jazzer.js/core@4",
  "esbuild@0.28",
  ...Object.entries(PEERS).map(([name, range]) => `${name}@${range}`),
];

/** Longer input is slower, and finds no more. */
const LONGEST = 8192;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      seconds: { type: "string", default: "600" },
      directory: { type: "string" },
      help: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const unknown = positionals.find((name) => !Object.hasOwn(TARGETS, name));
  if (unknown !== undefined) {
    console.error(`There is no target "${unknown}".\n\n${HELP}`);
    return 2;
  }
  const directory = values.directory ?? await Deno.makeTempDir({ prefix: "kilter-fuzz-" });
  await prepare(directory);
  const failed: string[] = [];
  for (const name of NAMES) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    console.log(`${name}: ${values.seconds} s, in ${directory}`);
    if (!await fuzz(name, directory, values.seconds)) failed.push(name);
  }
  console.log(failed.length === 0 ? "Nothing was found." : `Found something: ${failed.join(", ")}`);
  return failed.length === 0 ? 0 : 1;
}

/** Installs the packages unless they are there, and makes one module of ours out of all, which Node 20 can read. */
async function prepare(directory: string): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  try {
    await Deno.stat(`${directory}/node_modules/@jazzer.js/core`);
  } catch {
    await npm(["install", "--no-save", "--prefix", directory, ...PACKAGES], directory);
  }
  const here = (path: string): string => JSON.stringify(new URL(`../../${path}`, import.meta.url).pathname);
  await Deno.writeTextFile(
    `${directory}/entry.ts`,
    `import process from "node:process";
import { Random } from ${here("tests/harness.ts")};
import { TARGETS, type TargetName } from ${here("tests/fuzz/targets.ts")};

const { check } = TARGETS[process.env["KILTER_TARGET"] as TargetName];

/** The first four bytes are the seed of all that is random, and the rest is the input. */
export function fuzz(data: Uint8Array): void | Promise<void> {
  const bytes = Uint8Array.from(data);
  if (bytes.length < 4) return;
  const done = check(bytes.subarray(4), new Random(new DataView(bytes.buffer).getUint32(0)));
  if (typeof done !== "number") return done.then(() => {});
}
`,
  );
  await npm(["exec", "--prefix", directory, "--", ...BUNDLE], directory);
}

/** Packages stay outside: the coverage of their code would only lead astray. */
const BUNDLE: readonly string[] = [
  ...["esbuild", "entry.ts", "--outfile=targets.mjs", "--bundle", "--packages=external"],
  ...["--platform=node", "--format=esm", "--target=node20", "--log-level=error"],
];

/** Runs one target. Returns whether nothing was found. */
async function fuzz(name: TargetName, directory: string, seconds: string): Promise<boolean> {
  const corpus = `${directory}/corpus/${name}`;
  await Deno.mkdir(corpus, { recursive: true });
  for (const [at, bytes] of SEEDS[name].entries()) {
    if (bytes.length > LONGEST) continue;
    const input = new Uint8Array(4 + bytes.length);
    new DataView(input.buffer).setUint32(0, at);
    input.set(bytes, 4);
    await Deno.writeFile(`${corpus}/seed-${at}`, input);
  }
  const { success } = await new Deno.Command("npx", {
    args: [
      ...["jazzer", "targets.mjs", corpus, "-i", "targets.mjs", "--timeout", "30000"],
      ...TARGETS[name].atOnce ? ["--sync"] : [],
      ...["--", `-max_total_time=${seconds}`, `-max_len=${LONGEST}`, "-print_final_stats=1"],
    ],
    cwd: directory,
    env: { KILTER_TARGET: name },
  }).spawn().status;
  return success;
}

Deno.exit(await main());
