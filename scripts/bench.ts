/** Measures the speed and the memory of filters on every runtime: `deno task bench`. */

import { parseArgs } from "node:util";
import { line, progress } from "./bench/figures.ts";
import { measureMemory, MEMORY_GOAL, type MemoryResult } from "./bench/memory.ts";
import { keepAwake, pinning, type Place, prepare } from "./bench/process.ts";
import { measurePlans, PLAN_GOAL, type PlanResult } from "./bench/plans.ts";
import { buildLoadgen, measureSpeed, SPEED_GOAL, type SpeedResult } from "./bench/speed.ts";
import { paint } from "./demo/paper.ts";
import { locate, RUNTIMES } from "./runtimes.ts";

const HELP = `Measures how fast filters are, and how much memory they take, on every runtime.

  deno task bench [options] [speed] [memory] [plan]

  --runtime a,b    only on these: ${RUNTIMES.map(({ name }) => name).join(", ")}
  --messages n     how many messages each run of the speed test sends (default 1000)
  --rounds n       how often each figure is taken (default 21 for speed, 5 for memory)
  --awake          keeps the processors from halting while speed is measured: see below
  --json           prints the results as JSON, and nothing else to the standard output
  --help           this text

Speed: messages a second of one process, beside a bare responder of the same runtime that was measured in
turns with it; 16 connections, a message each. The goal is ${SPEED_GOAL} of the bare responder. Needs a C compiler.
A virtual machine's processor that has nothing to do halts, and takes long to wake: with --awake the ratio is that
of the servers' work alone. Needs Linux, \`setsid\` and \`chrt\`.
Memory: what a large body adds to the process of a filter that reads it. The goal is less than ${
  MEMORY_GOAL / 1e6
} MB. Linux only.
Plan: milliseconds to plan the edits of half the headers of a message. The goal is ${PLAN_GOAL} ms for 1,000 headers,
and a growth like n log n.

Other work on the machine spoils the figures. Exits with 1 if a goal was not met.`;

const SPEED_WIDTHS: readonly number[] = [14, 24, 8, 8, 6, 10, 6, 6, 6];
const MEMORY_WIDTHS: readonly number[] = [14, 32, 10, 10, 12];
const PLAN_WIDTHS: readonly number[] = [14, 30, 10, 10, 8, 8];

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      runtime: { type: "string" },
      messages: { type: "string", default: "1000" },
      rounds: { type: "string" },
      awake: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const refuse = (why: string) => {
    console.error(`${why}\n\n${HELP}`);
    return 2;
  };
  const names = values.runtime?.split(",") ?? RUNTIMES.map(({ name }) => name);
  const unknown = names.find((name) => !RUNTIMES.some((runtime) => runtime.name === name));
  if (unknown !== undefined) return refuse(`There is no runtime "${unknown}".`);
  const strange = positionals.find((name) => !["speed", "memory", "plan"].includes(name));
  if (strange !== undefined) return refuse(`There is no benchmark "${strange}".`);
  const messages = Number(values.messages);
  const roundsOf = (byDefault: number) => Number(values.rounds ?? byDefault);
  const rounds = roundsOf(21);
  for (const [name, count] of [["messages", messages], ["rounds", rounds]] as const) {
    if (!(Number.isInteger(count) && count > 0)) return refuse(`--${name} must be a number from 1.`);
  }
  const wants = (benchmark: string) => positionals.length === 0 || positionals.includes(benchmark);
  const say = values.json ? () => {} : (text: string) => {
    progress("");
    console.log(text);
  };

  const scratch = await Deno.makeTempDir({ prefix: "kilter-bench-" });
  const speed: SpeedResult[] = [];
  const memory: MemoryResult[] = [];
  const plans: PlanResult[] = [];
  try {
    const places = await locateAll(names, scratch);
    if (wants("speed")) {
      progress("compiling the load generator");
      const loadgen = await buildLoadgen(scratch);
      progress("");
      if (loadgen === undefined) {
        console.error("Cannot measure speed: the load generator is in C, and `cc` could not compile it.");
        return 1;
      }
      await using _awake = values.awake ? keepAwake() : undefined;
      await sayConditions(say, { messages, rounds, awake: values.awake });
      for (const { place, title } of places) {
        const results = await measureSpeed(place, { loadgen, messages, rounds, onProgress: progress });
        results.forEach((result, at) => say(speedLine(at === 0 ? title : "", result)));
        speed.push(...results);
      }
    }
    if (wants("memory")) {
      if (Deno.build.os === "linux") {
        say(memoryTitle(roundsOf(5)));
        for (const { place, title } of places) {
          const results = await measureMemory(place, { rounds: roundsOf(5), onProgress: progress });
          results.forEach((result, at) => say(memoryLine(at === 0 ? title : "", result)));
          memory.push(...results);
        }
      } else console.error("Cannot measure memory: only Linux tells a process's peak.");
    }
    if (wants("plan")) {
      say(planTitle());
      for (const { place, title } of places) {
        progress(`${place.runtime.name}: plans`);
        const results = await measurePlans(place);
        results.forEach((result, at) => say(planLine(at === 0 ? title : "", result)));
        plans.push(...results);
      }
    }
  } finally {
    progress("");
    await Deno.remove(scratch, { recursive: true });
  }
  if (values.json) console.log(JSON.stringify({ speed, memory, plans }, null, 2));
  const missed = [
    ...speed.filter((result) => meets(result) === false),
    ...memory.filter(missesMemory),
    ...plans.filter(({ met }) => !met),
  ];
  say(missed.length === 0 ? "\nAll goals are met." : `\n${missed.length} of the goals are not met.`);
  return missed.length === 0 ? 0 : 1;
}

async function locateAll(
  names: readonly string[],
  scratch: string,
): Promise<{ readonly place: Place; readonly title: string }[]> {
  const found = [];
  for (const runtime of RUNTIMES.filter(({ name }) => names.includes(name))) {
    progress(`looking for ${runtime.name}`);
    const program = await locate(runtime);
    progress("");
    if (program === undefined) console.error(`${runtime.name} is left out: it could not be had.`);
    else {
      const place = await prepare(runtime, program, scratch);
      found.push({ place, title: `${runtime.kind} ${program.version}` });
    }
  }
  return found;
}

interface Conditions {
  readonly messages: number;
  readonly rounds: number;
  readonly awake: boolean;
}

async function sayConditions(
  say: (text: string) => void,
  { messages, rounds, awake }: Conditions,
): Promise<void> {
  const pinned = await pinning() !== undefined
    ? "The server has processor 1, the load generator processor 0."
    : "Server and load generator share the processors: there is no `taskset`, or only one processor.";
  say(`${paint("bold", "Speed")}: messages a second, and processor time of the server for each

  ${messages} messages a run, over 16 connections; the median of ${rounds} ${
    rounds === 1 ? "round" : "rounds"
  }.
  ${pinned}${awake ? " Both are kept awake." : ""}
  The load on the machine before: ${Deno.loadavg().map((load) => load.toFixed(1)).join(", ")}.
`);
  say(paint("dim", `${" ".repeat(42)}${"messages a second".padEnd(38)}µs a message`));
  const heads = ["runtime", "the filter", "bare", "ours", "ratio", "of rounds", "bare", "ours", "ratio"];
  say(paint("bold", line(SPEED_WIDTHS, heads)));
}

function speedLine(title: string, result: SpeedResult): string {
  const { messagesPerSecond: pace, microsecondsPerMessage: time } = result;
  const text = line(SPEED_WIDTHS, [
    title,
    result.title,
    pace.bare.toFixed(0),
    pace.ours.toFixed(0),
    pace.ratio.toFixed(2),
    `${pace.lowest.toFixed(2)}–${pace.highest.toFixed(2)}`,
    ...time === undefined ? [] : [time.bare.toFixed(0), time.ours.toFixed(0), time.ratio.toFixed(2)],
  ]);
  return text + verdict(meets(result));
}

function memoryTitle(rounds: number): string {
  return `\n${paint("bold", "Memory")}: what a body adds to the process at its peak

  The median of ${rounds} ${
    rounds === 1 ? "process" : "processes"
  }, each warmed up by 10 small mails. Chunks of 65,535 bytes.

${paint("bold", line(MEMORY_WIDTHS, ["runtime", "the filter", "before", "added", "of rounds"]))}`;
}

function memoryLine(title: string, result: MemoryResult): string {
  const mb = (bytes: number) => (bytes / 1e6).toFixed(1);
  const text = line(MEMORY_WIDTHS, [
    title,
    result.title,
    `${mb(result.before)} MB`,
    `${mb(result.added)} MB`,
    `${mb(result.lowest)}–${mb(result.highest)}`,
  ]);
  return text + verdict(result.goal === undefined ? undefined : !missesMemory(result));
}

function planTitle(): string {
  const heads = ["runtime", "the message", "median", "slowest", "growth", "n log n"];
  return `\n${paint("bold", "Plan")}: milliseconds from the first edit to the plan\n\n${
    paint("bold", line(PLAN_WIDTHS, heads))
  }`;
}

function planLine(title: string, { size, median, slowest, growth, linearithmic, met }: PlanResult): string {
  const text = line(PLAN_WIDTHS, [
    title,
    `${size} headers, ${size / 2} edits`,
    median.toFixed(2),
    slowest.toFixed(2),
    growth?.toFixed(1) ?? "",
    linearithmic?.toFixed(1) ?? "",
  ]);
  return text + verdict(met);
}

function meets({ messagesPerSecond, goal }: SpeedResult): boolean | undefined {
  return goal === undefined ? undefined : messagesPerSecond.ratio >= goal;
}

function missesMemory({ added, goal }: MemoryResult): boolean {
  return goal !== undefined && added >= goal;
}

function verdict(met: boolean | undefined): string {
  if (met === undefined) return "";
  return met ? paint("green", "  ✓ goal met") : paint("red", "  ✗ goal not met");
}

if (import.meta.main) Deno.exit(await main());
