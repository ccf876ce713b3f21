/** Every check that a change must pass: `deno task ok`. CI runs the same. */

import { parseArgs } from "node:util";
import manifest from "../deno.json" with { type: "json" };

/** One check: a call of Deno that succeeds or not. */
interface Step {
  readonly name: string;
  /** What it makes sure of. */
  readonly about: string;
  readonly args: readonly string[];
  /** Shows its output while it runs, because it runs long or measures. Otherwise only a failure's is shown. */
  readonly live?: boolean;
}

const ENTRY_POINTS: readonly string[] = Object.values(manifest.exports);

/**
 * Where the names in examples lead: our own to this tree, npm's to npm, and `@std/assert` to the tests'
 * stand-ins for it, so that examples run where JSR does not answer.
 */
const IMPORT_MAP: string = (() => {
  const here = (path: string): string => new URL(`../${path}`, import.meta.url).href;
  const ours = Object.entries(manifest.exports).map((
    [name, path],
  ) => [manifest.name + name.slice(1), here(path)]);
  const others = Object.entries(manifest.imports).filter(([, specifier]) => specifier.startsWith("npm:"));
  const imports = Object.fromEntries([...ours, ...others, [
    "@std/assert",
    here("tests/harness/stand_ins.ts"),
  ]]);
  return `--import-map=data:application/json,${encodeURIComponent(JSON.stringify({ imports }))}`;
})();

/** The pages of the documentation. */
const PAGES: readonly string[] = [...Deno.readDirSync(new URL("../docs", import.meta.url))]
  .map(({ name }) => `docs/${name}`).filter((path) => path.endsWith(".md")).sort();

const STEPS: readonly Step[] = [
  { name: "format", about: "deno fmt would change nothing", args: ["fmt", "--check"] },
  { name: "lint", about: "deno lint finds nothing", args: ["lint"] },
  { name: "types", about: "all files pass the type check", args: ["check", "--quiet"] },
  {
    name: "layers",
    about: "imports in src point one way",
    args: ["run", "--allow-read", "--allow-env", "scripts/check_layers.ts"],
  },
  {
    name: "docs",
    about: "every public symbol is documented, its types included",
    args: ["doc", "--lint", ...ENTRY_POINTS],
  },
  {
    name: "examples in docs",
    about: "the examples in doc comments run",
    args: ["test", "-A", "--quiet", "--doc", IMPORT_MAP, "mod.ts", "src"],
  },
  {
    name: "readme",
    about: "the examples in README.md and docs/ pass the type check",
    args: ["check", "--quiet", "--doc-only", IMPORT_MAP, "README.md", ...PAGES],
  },
  {
    name: "publish",
    about: "JSR would take the package",
    args: ["publish", "--quiet", "--dry-run", "--allow-dirty"],
  },
  {
    name: "package",
    about: "npm's package installs, compiles, bundles and runs as its users would have it",
    args: ["run", "-A", "scripts/check_npm.ts"],
    live: true,
  },
  {
    name: "tests",
    about: "the tests pass on each runtime",
    args: ["run", "-A", "scripts/run_tests.ts"],
    live: true,
  },
];

const WIDTH: number = Math.max(...STEPS.map(({ name }) => name.length));

const HELP = `Runs every check that a change must pass, and tells which failed.

  deno task ok [--skip step] [step …]

Without the name of a step it runs all of them:

${STEPS.map(({ name, about }) => `  ${name.padEnd(WIDTH)}  ${about}`).join("\n")}`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      skip: { type: "string", multiple: true, default: [] },
      help: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const unknown = [...positionals, ...values.skip].find((asked) => !STEPS.some(({ name }) => name === asked));
  if (unknown !== undefined) {
    console.error(`There is no step "${unknown}".\n\n${HELP}`);
    return 2;
  }
  const wanted = STEPS.filter(({ name }) =>
    (positionals.length === 0 || positionals.includes(name)) && !values.skip.includes(name)
  );
  const failed: string[] = [];
  for (const step of wanted) {
    if (!await pass(step)) failed.push(step.name);
  }
  console.log(failed.length === 0 ? "\nAll is well." : `\nFailed: ${failed.join(", ")}`);
  return failed.length === 0 ? 0 : 1;
}

/** Runs a step and prints its line, and its output if that tells more. */
async function pass({ name, args, live = false }: Step): Promise<boolean> {
  const started = performance.now();
  const stdio = live ? "inherit" : "piped";
  const env: Record<string, string> = Deno.stdout.isTerminal() ? {} : { NO_COLOR: "1" };
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    env,
    stdin: "null",
    stdout: stdio,
    stderr: stdio,
  });
  const { success, output } = live
    ? { success: (await child.spawn().status).success, output: "" }
    : await child.output().then(({ success, stdout, stderr }) => {
      const decoder = new TextDecoder();
      return { success, output: decoder.decode(stdout) + decoder.decode(stderr) };
    });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${success ? "✓" : "✗"} ${name.padEnd(WIDTH)} ${seconds.padStart(6)} s`);
  if (!success && output !== "") console.log(`\n${output}`);
  return success;
}

if (import.meta.main) Deno.exit(await main());
