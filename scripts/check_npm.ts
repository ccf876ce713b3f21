/**
 * Checks npm's package as its users meet it: builds it, packs it, installs it into an empty project, type-checks
 * a program there that knows no runtime, and runs one on each runtime: `deno run -A scripts/check_npm.ts`.
 */

import ts from "typescript";
import manifest from "../deno.json" with { type: "json" };
import { buildNpm } from "./build_npm.ts";
import { npm, run } from "./npm.ts";
import { OPTIONAL_ENTRY_POINTS, PEERS } from "./peers.ts";
import { locate, RUNTIMES } from "./runtimes.ts";

const ENTRY_POINTS: readonly string[] = Object.keys(manifest.exports);

/** What an entry point is imported by. */
function nameOf(entryPoint: string): string {
  return manifest.name + entryPoint.slice(1);
}

const NAMES: readonly string[] = ENTRY_POINTS.map(nameOf);

/** Entry points load, also by `require`; a server starts and stops. */
const programOf = (entryPoints: readonly string[]): string =>
  `import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
for (const name of ${JSON.stringify(entryPoints.map(nameOf))}) {
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
    await Deno.writeTextFile(`${project}/program.js`, programOf(ENTRY_POINTS));
    await Deno.writeTextFile(`${project}/typed_program.ts`, TYPED_PROGRAM);

    await npm(["pack", "--pack-destination", directory], `${directory}/build`);
    const [packed] = await Array.fromAsync(Deno.readDir(directory)).then((entries) =>
      entries.filter(({ name }) => name.endsWith(".tgz"))
    );
    const install = ["install", "--no-audit", "--no-fund"];
    await npm([...install, `../${packed!.name}`], project);
    await checkWithoutPeers(project);
    await npm([...install, ...Object.entries(PEERS).map(([name, version]) => `${name}@${version}`)], project);
    checkTypes(`${project}/typed_program.ts`);
    await runEverywhere(project);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** The package brings no other along, and all entry points that need none work without: one runtime tells. */
async function checkWithoutPeers(project: string): Promise<void> {
  const installed = await Array.fromAsync(Deno.readDir(`${project}/node_modules`));
  const others = installed.map(({ name }) => name).filter((name) =>
    !name.startsWith(".") && name !== "@kilter"
  );
  if (others.length > 0) throw new Error(`The package installs others: ${others.join(", ")}`);
  const program = programOf(ENTRY_POINTS.filter((name) => !OPTIONAL_ENTRY_POINTS.includes(name)));
  await Deno.writeTextFile(`${project}/program_without_peers.js`, program);
  await run(Deno.execPath(), ["run", "-A", "program_without_peers.js"], project);
  console.log(`without ${Object.keys(PEERS).join(" and ")}: runs`);
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

if (import.meta.main) await main();
