/** Measures the speed and the memory of filters, ours beside others': `deno task bench`. */

import { parseArgs } from "node:util";
import { type Chart, charts } from "./bench/charts.ts";
import { CONTENDERS } from "./bench/contenders.ts";
import { COURSES, coursesNamed } from "./bench/courses.ts";
import { durationOf, minutes } from "./bench/duration.ts";
import { enter } from "./bench/entrant.ts";
import { buildLoadgen } from "./bench/loadgen.ts";
import { machineFacts } from "./bench/machine.ts";
import { markdown } from "./bench/markdown.ts";
import { measure } from "./bench/measure.ts";
import { MICRO } from "./bench/micro.ts";
import { keepAwake, pinning } from "./bench/processors.ts";
import { listed, type Report } from "./bench/report.ts";
import { judge, missed } from "./bench/targets.ts";
import { workerEntrants } from "./bench/workers.ts";
import { run } from "./npm.ts";

const ROOT: string = new URL("../", import.meta.url).pathname;

/** The part of the time that a quick measurement gives to each round. */
const QUICK_PACE = 0.5;

const WIDTH: number = Math.max(...COURSES.map(({ group }) => group.length));

const HELP =
  `Measures how fast filters are, and how much memory they take: Kilter on every runtime, the libraries
of others, and bare responders, the least that answers at all.

  deno task bench [options] [course …]
  deno task bench micro                 only the parts of Kilter, by \`deno bench\`
  bun scripts/bench/cold.ts             what each event costs with cold caches, on any runtime

  --quick            fewer courses and shorter rounds: some three minutes. With courses, these in short
  --contenders a,b   only these
  --output dir       writes results.md, results.json and the charts there; otherwise nothing is kept
  --cache dir        where contenders are installed (default: kilter-bench in the user's cache)
  --pace n           how long rounds are, as a part of their usual time
  --awake            keeps the processors from halting meanwhile: see below
  --list             the courses and contenders, and how long all of it would take; measures nothing
  --help             this text

A course is asked for by its name or its group's:

${
    [...Map.groupBy(COURSES, ({ group }) => group)].map(([group, courses]) =>
      `  ${group.padEnd(WIDTH)}  ${courses.map(({ name }) => name).join(" ")}`
    ).join("\n")
  }

Contenders run in turn, each in a process of its own, and get the same messages by the load generator, which checks
their answers. Filter and load generator have a processor each, except on the unpinned courses. What can't be
installed is named as missing. Needs a C compiler, and for figures of processors and memory Linux.

A virtual machine's processor that has nothing to do halts, and takes long to wake: with --awake a ratio is that
of the servers' work alone. That needs \`setsid\` and \`chrt\`.

Other work on the machine spoils the figures. Exits with 1 if a target was not met.`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      contenders: { type: "string" },
      output: { type: "string" },
      cache: { type: "string", default: defaultCache() },
      pace: { type: "string" },
      awake: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
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
  const { quick, awake } = values;
  const courses = coursesNamed(positionals, quick);
  if (courses === undefined) return refuse("There is no such course.");
  const names = values.contenders?.split(",");
  const strange = names?.find((name) => !CONTENDERS.some((contender) => contender.name === name));
  if (strange !== undefined) return refuse(`There is no contender "${strange}".`);
  const contenders = CONTENDERS.filter(({ name }) => names?.includes(name) ?? true);
  const pace = Number(values.pace ?? (quick ? QUICK_PACE : 1));
  if (!(pace > 0)) return refuse("--pace must be a number above 0.");
  const duration = minutes(durationOf(courses, contenders, { quick, pace }));
  if (values.list) {
    for (const { name, group, title } of courses) {
      console.log(`${name.padEnd(16)}${group.padEnd(14)}${title}`);
    }
    console.log();
    for (const { name, kind, title } of contenders) {
      console.log(`${name.padEnd(22)}${kind.padEnd(8)}${title}`);
    }
    console.log(`\nIt takes some ${duration}, and to install them first.`);
    return 0;
  }
  if (courses.every(({ kind }) => kind === "micro") && values.output === undefined) return await micro();

  const machine = await machineFacts();
  const began = new Date();
  const scratch = await Deno.makeTempDir({ prefix: "kilter-bench-" });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      Deno.removeSync(scratch, { recursive: true });
      Deno.exit(130);
    });
  }
  try {
    progress("compiling the load generator");
    const loadgen = await buildLoadgen(scratch);
    if (loadgen === undefined) {
      console.error("Cannot measure: the load generator is in C, and `cc` could not compile it.");
      return 1;
    }
    await Deno.mkdir(values.cache, { recursive: true });
    const field = await enter(contenders, values.cache, progress);
    const asksForWorkers = courses.some((course) => course.kind === "race" && course.field === "workers");
    const workers = asksForWorkers ? await workerEntrants(field.entrants, values.cache) : [];
    progress("");
    for (const { contender, why } of field.absent) console.error(`${contender.title} is missing: ${why}`);
    console.error(`It takes some ${duration} from now.`);

    const pin = await pinning();
    await using _awake = awake ? keepAwake() : undefined;
    const results = await measure(courses, field.entrants, {
      ...{ loadgen, pin, quick, pace, workers: workers ?? [] },
      onProgress: progress,
    });
    progress("");
    const report: Report = {
      began: began.toISOString(),
      seconds: (Date.now() - began.getTime()) / 1000,
      mode: quick ? "quick" : "full",
      awake,
      pinned: pin !== undefined,
      commit: await commit(),
      machine,
      contenders: [
        ...listed(contenders, field),
        ...listed((workers ?? []).map(({ contender }) => contender), { entrants: workers ?? [], absent: [] }),
      ],
      leftOut: workers === undefined ? ["Workers were not measured: `kilter serve` has no `--workers`."] : [],
      targets: judge(results),
      results,
    };
    const drawn = charts(report);
    const text = markdown(report, values.output === undefined ? [] : drawn);
    console.log(text);
    if (values.output !== undefined) await write(values.output, report, text, drawn);
    const complaints = report.targets.map(missed).filter((complaint) => complaint !== undefined);
    for (const complaint of complaints) console.error(`Not met: ${complaint}`);
    return complaints.length === 0 ? 0 : 1;
  } finally {
    progress("");
    await Deno.remove(scratch, { recursive: true });
  }
}

/** Shows what `deno bench` says of the parts. */
async function micro(): Promise<number> {
  const { code } = await new Deno.Command(Deno.execPath(), { args: ["bench", "-A", "--no-check", MICRO] })
    .spawn()
    .status;
  return code;
}

async function write(
  directory: string,
  report: Report,
  text: string,
  drawn: readonly Chart[],
): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(`${directory}/results.md`, text);
  await Deno.writeTextFile(`${directory}/results.json`, JSON.stringify(report) + "\n");
  for (const { file, svg } of drawn) await Deno.writeTextFile(`${directory}/${file}`, svg);
  console.error(
    `Written to ${directory}: results.md, results.json, ${drawn.map(({ file }) => file).join(", ")}`,
  );
}

/** The commit that is measured, and whether something is changed in it. */
async function commit(): Promise<string> {
  return (await run("git", ["describe", "--always", "--dirty"], ROOT).catch(() => "an unknown commit"))
    .trim();
}

function defaultCache(): string {
  const { XDG_CACHE_HOME, HOME = "/tmp" } = Deno.env.toObject();
  return `${XDG_CACHE_HOME ?? `${HOME}/.cache`}/kilter-bench`;
}

/** Says what is going on: on a terminal, on a line that the next thing said overwrites; elsewhere not at all. */
function progress(text: string): void {
  if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}

if (import.meta.main) Deno.exit(await main());
