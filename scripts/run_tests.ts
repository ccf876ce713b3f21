/**
 * Runs the tests on every runtime, several at a time: `deno task test`. The last line is the sum, `615 passed, 0 failed`; any
 * failure makes the exit code 1.
 */

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { inTurn, type Voice } from "./in_turn.ts";
import { parseJUnit, type TestResult } from "./junit.ts";
import { locate, type Program, type Runtime, RUNTIMES } from "./runtimes.ts";
import { stage } from "./stage.ts";
import { type Outcome, summarize } from "./summary.ts";

/** Tests wait half of their time: for deadlines, for processes that start, for mail servers. */
const JOBS = Math.min(3, availableParallelism() + 1);

const HELP = `Runs the tests on every runtime.

  deno task test [options] [file or directory …]

  --runtime a,b    only on these: ${RUNTIMES.map(({ name }) => name).join(", ")}
  --filter text    only tests with the text in their name
  --minutes n      how long one runtime may take (default 20)
  --jobs n         how many runtimes at a time (default ${JOBS} here: one more than there are processors, 3 at most)
  --help           this text

A runtime that is not installed is fetched from npm. One that cannot be had is left out, which is a failure
only where CI=true is in the environment.`;

const ROOT: string = new URL("../", import.meta.url).pathname;

interface Run {
  readonly runtime: Runtime;
  readonly program: Program;
  /** A directory for what the run needs, deleted later. */
  readonly scratch: string;
  /** Test files, relative to the root. */
  readonly files: readonly string[];
  readonly filter: string | undefined;
  readonly minutes: number;
  /** Where it prints. */
  readonly voice: Voice;
}

/** How a runner is called, by kind of runtime: dots for the eye, JUnit for the sum. */
const COMMANDS: Record<
  Runtime["kind"],
  (report: string, options: Pick<Run, "filter" | "minutes">) => string[]
> = {
  deno: (report, { filter }) => [
    ...["test", "-A", "--no-check", "--quiet", "--reporter=dot", `--junit-path=${report}`],
    ...(filter === undefined ? [] : [`--filter=${filter}`]),
  ],
  bun: (report, { filter }) => [
    ...["test", "--dots", "--reporter=junit", `--reporter-outfile=${report}`],
    ...(filter === undefined ? [] : [`--test-name-pattern=${escape(filter)}`]),
  ],
  node: (report, { filter, minutes }) => [
    ...["--test", "--test-concurrency=1"],
    // This is for a file that leaves something open, which keeps Node 20 and 22 from ending. 24 heeds it not.
    `--test-timeout=${minutes * 60_000 / 2}`,
    ...["--test-reporter=./tests/runtimes/node_dots.mjs", "--test-reporter-destination=stdout"],
    ...["--test-reporter=junit", `--test-reporter-destination=${report}`],
    ...(filter === undefined ? [] : [`--test-name-pattern=${escape(filter)}`]),
  ],
};

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      runtime: { type: "string" },
      filter: { type: "string" },
      minutes: { type: "string", default: "20" },
      jobs: { type: "string", default: String(JOBS) },
      help: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const names = values.runtime?.split(",") ?? RUNTIMES.map(({ name }) => name);
  const unknown = names.find((name) => !RUNTIMES.some((runtime) => runtime.name === name));
  if (unknown !== undefined) {
    console.error(`There is no runtime "${unknown}".\n\n${HELP}`);
    return 2;
  }
  const files = await testFiles(positionals.length === 0 ? ["tests"] : positionals);
  if (files.length === 0) {
    console.error(`There is no *_test.ts in ${positionals.join(" ")}.`);
    return 2;
  }

  // Its module says so if the tests must do without @std; in the dots of a run that would be lost.
  if (names.includes("deno")) await import("../tests/harness/std.ts");

  const scratch = await Deno.makeTempDir({ prefix: "kilter-test-" });
  const { filter } = values;
  const minutes = Number(values.minutes);
  const chosen = RUNTIMES.filter(({ name }) => names.includes(name));
  const voices = inTurn(chosen.length, printAll);
  const outcomes: (Outcome | undefined)[] = [];
  const missing: string[] = [];
  let next = 0;
  const work = async () => {
    for (let at = next++; at < chosen.length; at = next++) {
      const [runtime, voice] = [chosen[at]!, voices[at]!];
      const program = await locate(runtime);
      if (program === undefined) missing.push(runtime.name);
      else outcomes[at] = await run({ runtime, program, scratch, files, filter, minutes, voice });
      voice.end();
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs)) }, work));
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
  const { text, passed } = summarize(outcomes.filter((outcome) => outcome !== undefined), missing, {
    filtered: values.filter !== undefined,
    strict: Deno.env.get("CI") === "true",
  });
  console.log(`\n${text}`);
  return passed ? 0 : 1;
}

/** All test files in and below the given paths, in order. */
async function testFiles(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    if ((await Deno.stat(ROOT + path)).isFile) {
      found.push(path);
      continue;
    }
    const names = (await Array.fromAsync(Deno.readDir(ROOT + path))).sort((a, b) => a.name < b.name ? -1 : 1);
    for (const { name, isDirectory } of names) {
      const child = `${path.replace(/\/$/, "")}/${name}`;
      if (isDirectory) found.push(...await testFiles([child]));
      else if (name.endsWith("_test.ts")) found.push(child);
    }
  }
  return found;
}

async function run(options: Run): Promise<Outcome> {
  const { runtime, program, scratch, files, minutes, voice } = options;
  const started = performance.now();
  const title = `${runtime.kind} ${program.version}`;
  voice.say(new TextEncoder().encode(`\n── ${title} ${"─".repeat(60 - title.length)}\n`));
  if (runtime.kind !== "deno") await staged(`${scratch}/${runtime.reads}`, runtime.reads);
  const signal = AbortSignal.timeout(minutes * 60_000);
  const results: TestResult[] = [];
  for (const part of partsOf(runtime, files)) {
    results.push(...await runPart({ ...options, files: part }, signal));
  }
  return { title, seconds: (performance.now() - started) / 1000, results };
}

/**
 * The files that are run in one process. Node has one for each, Deno stops what has timed out. In Bun a test that has
 * timed out goes on beside those that come after it, and makes them slow: there each directory has a process of its own.
 */
function partsOf({ kind }: Runtime, files: readonly string[]): readonly (readonly string[])[] {
  if (kind !== "bun") return [files];
  const parts = new Map<string, string[]>();
  for (const file of files) {
    const directory = file.slice(0, file.lastIndexOf("/"));
    parts.set(directory, [...parts.get(directory) ?? [], file]);
  }
  return [...parts.values()];
}

/** Runs files in one process, unless the time is up. */
async function runPart(
  { runtime, program, scratch, files, filter, minutes, voice }: Run,
  signal: AbortSignal,
): Promise<readonly TestResult[]> {
  const cwd = runtime.kind === "deno" ? ROOT : `${scratch}/${runtime.reads}`;
  const report = `${scratch}/${runtime.name}.xml`;
  const lowered = `--enable-source-maps --import=${cwd}/tests/runtimes/node_ts.mjs`;
  const late = { name: `the run took longer than ${minutes} minutes`, outcome: "failed" } as const;
  if (signal.aborted) return [late];
  await Deno.remove(report).catch(() => {
    // There is none of a part before.
  });
  const child = new Deno.Command(program.path, {
    args: [...COMMANDS[runtime.kind](report, { filter, minutes }), ...files.map((file) => `./${file}`)],
    cwd,
    env: {
      ...runtime.reads === "es2022" ? { NODE_OPTIONS: lowered } : {},
      ...Deno.stdout.isTerminal() ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" },
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal,
  }).spawn();
  await print(child, voice, runtime.kind === "deno");
  const { success } = await child.status;

  // Node 20 tells the file that broke off by its whole path.
  const results = (await exists(report) ? parseJUnit(await Deno.readTextFile(report)) : [])
    .map(({ name, outcome }) => ({ name: name.replace(`${cwd}/`, ""), outcome }));
  // Where tests were chosen by name, a part may have none, which some runners take for a failure.
  const none = filter !== undefined && results.length === 0;
  if (!success && !none && !results.some(({ outcome }) => outcome === "failed")) {
    results.push(signal.aborted ? late : { name: "the run broke off: see above", outcome: "failed" });
  }
  return results;
}

function printAll(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

/** The copies of the project for the other runtimes, each made once. */
const copies = new Map<string, Promise<void>>();

function staged(directory: string, reads: Runtime["reads"]): Promise<void> {
  const copy = copies.get(directory) ?? stage(directory, reads);
  copies.set(directory, copy);
  return copy;
}

/**
 * Prints what a run prints; the dots of Deno side by side, which sets each on a line of its own. Stops a second after the
 * run has ended, whoever else may still hold its output open: a daemon that a test left behind.
 */
async function print(
  { stdout, stderr, status }: Deno.ChildProcess,
  voice: Voice,
  joined: boolean,
): Promise<void> {
  const late = new AbortController();
  const join = new TransformStream<string, string>({
    transform: (text, controller) =>
      controller.enqueue(joined ? text.replaceAll(/^([.,!])\n/gm, "$1") : text),
  });
  const output = stdout.pipeThrough(new TextDecoderStream()).pipeThrough(join).pipeThrough(
    new TextEncoderStream(),
  );
  const printed = Promise.all(
    [output, stderr].map((stream) =>
      stream.pipeTo(new WritableStream({ write: (bytes) => voice.say(bytes) }), { signal: late.signal })
        .catch((error) => console.error(`Its output was cut off: ${error}`))
    ),
  );
  await status;
  const timer = setTimeout(() => late.abort(), 1000);
  await printed;
  clearTimeout(timer);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false; // Whatever keeps us from it, it can't be used.
  }
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

if (import.meta.main) Deno.exit(await main());
