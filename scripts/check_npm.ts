/**
 * Checks npm's package as its users meet it: builds it, packs it, installs it into an empty project, type-checks
 * a program there that knows no runtime, and runs one on each runtime: `deno run -A scripts/check_npm.ts`.
 */

import ts from "typescript";
import manifest from "../deno.json" with { type: "json" };
import { buildNpm } from "./build_npm.ts";
import { locate, RUNTIMES } from "./runtimes.ts";

const NAMES: readonly string[] = Object.keys(manifest.exports).map((name) => manifest.name + name.slice(1));

/** Every entry point loads on every runtime, also by `require`; a server starts and stops. */
const PROGRAM = `import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
for (const name of ${JSON.stringify(NAMES)}) {
  const names = Object.keys(await import(name));
  if (names.length === 0) throw new Error(name + " exports nothing");
  if (!names.every((one) => one in require(name))) throw new Error(name + " is another by require()");
}
const { accept, serve } = await import(${JSON.stringify(manifest.name)});
const server = await serve(() => accept(), { listen: "inet:0@127.0.0.1" });
await server.shutdown();
`;

/** All that an entry point declares has its types, in a project without any runtime's. */
const TYPED_PROGRAM: string = NAMES.map((name, index) => `import * as _${index} from "${name}";`).join("\n") +
  `\nimport { accept, type Filter, serve } from "${manifest.name}";
const filter: Filter = async (session) => ((await session.envelopeFrom()).address === "" ? accept() : accept());
await (await serve(filter, { listen: "inet:0@127.0.0.1" })).shutdown();
${NAMES.map((_, index) => `_${index};`).join(" ")}
`;

async function main(): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "kilter-npm-" });
  try {
    await buildNpm(`${directory}/build`);
    const project = `${directory}/project`;
    await Deno.mkdir(project);
    await Deno.writeTextFile(`${project}/package.json`, `{ "private": true, "type": "module" }`);
    await Deno.writeTextFile(`${project}/program.js`, PROGRAM);
    await Deno.writeTextFile(`${project}/typed_program.ts`, TYPED_PROGRAM);

    await npm(["pack", "--pack-destination", directory], `${directory}/build`);
    const [packed] = await Array.fromAsync(Deno.readDir(directory)).then((entries) =>
      entries.filter(({ name }) => name.endsWith(".tgz"))
    );
    await npm(["install", "--no-audit", "--no-fund", `../${packed!.name}`], project);
    checkTypes(`${project}/typed_program.ts`);
    await runEverywhere(project);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** npm as it is installed, or else by Deno. */
async function npm(args: readonly string[], cwd: string): Promise<void> {
  try {
    await run("npm", args, cwd);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await run(Deno.execPath(), ["x", "-y", "npm:npm@11", ...args], cwd);
  }
}

function checkTypes(file: string): void {
  const program = ts.createProgram([file], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ["es2023", "dom", "dom.iterable", "dom.asynciterable", "esnext.disposable"].map((lib) =>
      `lib.${lib}.d.ts`
    ),
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
  });
  const diagnostics = ts.getPreEmitDiagnostics(program);
  if (diagnostics.length === 0) return console.log("types: pass");
  const host = ts.createCompilerHost({});
  throw new Error(`The package's types do not pass:\n${ts.formatDiagnostics(diagnostics, host)}`);
}

async function runEverywhere(project: string): Promise<void> {
  for (const runtime of RUNTIMES) {
    const program = await locate(runtime);
    if (program === undefined) {
      if (Deno.env.get("CI") === "true") throw new Error(`There is no ${runtime.name} to run the package on`);
      console.log(`${runtime.name}: NOT TESTED: it is neither here nor to be had from npm.`);
      continue;
    }
    await run(program.path, runtime.kind === "deno" ? ["run", "-A", "program.js"] : ["program.js"], project);
    console.log(`${runtime.kind} ${program.version}: runs`);
  }
}

async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args], cwd }).output();
  if (success) return;
  const decoder = new TextDecoder();
  throw new Error(`${command} ${args.join(" ")}\n${decoder.decode(stdout)}${decoder.decode(stderr)}`);
}

if (import.meta.main) await main();
