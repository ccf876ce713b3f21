/**
 * Checks npm's package as its users meet it: builds and packs it, installs it from its tarball into an empty
 * project, and there compiles, bundles and runs what a user would write, on each runtime:
 * `deno run -A scripts/check_npm.ts`.
 */

import { buildNpm } from "./build_npm.ts";
import { npm, run } from "./npm.ts";
import { binOf } from "./package/bin.ts";
import { importName, type Manifest, readManifest } from "./package/manifest.ts";
import { bundleForNode, runAsInBrowser, writePrograms } from "./package/programs.ts";
import { install, installed, makeProject } from "./package/project.ts";
import { packNpm } from "./package/tarball.ts";
import { installTools, type Tools } from "./package/tools.ts";
import { checkTypes } from "./package/type_checks.ts";
import { OPTIONAL_ENTRY_POINTS, PEERS } from "./peers.ts";
import { locate, type Program, type Runtime, RUNTIMES } from "./runtimes.ts";

const ROOT: string = new URL("..", import.meta.url).pathname.replace(/\/$/, "");

/** A runtime that is there. */
interface Found extends Runtime, Program {}

/** What the checks work with. */
interface Bench {
  readonly manifest: Manifest;
  /** A directory for what they write. */
  readonly scratch: string;
  readonly tarball: string;
  /** A project that has the package and its peers. */
  readonly project: string;
  readonly tools: Tools;
  readonly runtimes: readonly Found[];
}

/** Each throws if it fails, and returns what it has to tell. */
const CHECKS: Readonly<Record<string, (bench: Bench) => Promise<string>>> = {
  alone: checkAlone,
  "publint, attw": lint,
  types: async ({ manifest, project, tools }) => (await checkTypes(manifest, project, tools)).join(", "),
  runtimes: runEverywhere,
  "bundle for Node": runBundle,
  "protocol in a browser": async ({ project, tools }) => {
    await runAsInBrowser(project, tools);
    return "without any module of Node";
  },
  command: runCommand,
  "start-up": startUp,
};

async function main(): Promise<void> {
  const scratch = await Deno.makeTempDir({ prefix: "kilter-npm-" });
  try {
    const bench = await prepare(scratch);
    for (const [name, check] of Object.entries(CHECKS)) {
      const started = performance.now();
      const told = await check(bench);
      console.log(`${name}: ${told} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
    }
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function prepare(scratch: string): Promise<Bench> {
  const manifest = await readManifest(ROOT);
  const builder = await buildNpm(`${scratch}/built`);
  const tarball = await packNpm(`${scratch}/built`, scratch, manifest);
  const kilobytes = (bytes: number): string => `${Math.round(bytes / 1000)} kB`;
  console.log(
    `${manifest.name} ${manifest.version} by ${builder}: ${kilobytes(tarball.size)} packed, ` +
      `${kilobytes(tarball.unpacked)} installed (${
        kilobytes(tarball.maps)
      } of it source maps), ${tarball.files} files`,
  );
  const runtimes = await findRuntimes();
  const node = runtimes.find(({ kind }) => kind === "node");
  if (node === undefined) throw new Error("There is no Node to run the tools on");
  const project = await makeProject(`${scratch}/project`);
  const peers = Object.entries(PEERS).map(([name, version]) => `${name}@${version}`);
  const [tools] = await Promise.all([
    installTools(`${scratch}/tools`, node.path),
    install(project, [tarball.path, ...peers, "@types/node@20"]),
  ]);
  await writePrograms(project, tools);
  return { manifest, scratch, tarball: tarball.path, project, tools, runtimes };
}

/** The runtimes that can be had: all of them where CI=true is in the environment. */
async function findRuntimes(): Promise<Found[]> {
  const all = await Promise.all(
    RUNTIMES.map(async (runtime) => ({ runtime, program: await locate(runtime) })),
  );
  return all.flatMap(({ runtime, program }) => {
    if (program !== undefined) return [{ ...runtime, ...program }];
    if (Deno.env.get("CI") === "true") throw new Error(`There is no ${runtime.name} to run the package on`);
    console.warn(`${runtime.name}: NOT TESTED: it is neither here nor to be had from npm.`);
    return [];
  });
}

/** The package brings no other along, and all entry points that need none load without: one runtime tells. */
async function checkAlone({ manifest, scratch, tarball, project, runtimes }: Bench): Promise<string> {
  const alone = await makeProject(`${scratch}/alone`);
  await install(alone, [tarball]);
  const others = (await installed(alone)).filter((name) => name !== manifest.name);
  if (others.length > 0) throw new Error(`The package installs others: ${others.join(", ")}`);
  await Deno.copyFile(`${project}/entry_points.mjs`, `${alone}/entry_points.mjs`);
  const names = entryPoints(manifest, (name) => !OPTIONAL_ENTRY_POINTS.includes(name));
  for (const runtime of runtimes.slice(0, 1)) await runOn(runtime, ["entry_points.mjs", ...names], alone);
  return `brings no other package; works without ${Object.keys(PEERS).join(" and ")}`;
}

async function lint({ scratch, tarball, tools }: Bench): Promise<string> {
  await tools("publint", ["--strict", tarball], scratch);
  await tools("attw", ["--profile", "esm-only", tarball], scratch);
  return "find nothing";
}

async function runEverywhere({ manifest, project, runtimes }: Bench): Promise<string> {
  for (const runtime of runtimes) {
    await runOn(runtime, ["entry_points.mjs", ...entryPoints(manifest)], project);
    for (const file of ["serve_and_send.mjs", "serve_and_send.cjs"]) await runOn(runtime, [file], project);
    if (runtime.kind !== "deno") continue;
    const names = entryPoints(manifest).map((name) => `npm:${name}`);
    await runOn(runtime, ["entry_points.mjs", ...names], project);
  }
  return runtimes.map(({ kind, version }) => `${kind} ${version}`).join(", ");
}

async function runBundle({ scratch, project, tools, runtimes }: Bench): Promise<string> {
  const directory = `${scratch}/bundled`;
  await Deno.mkdir(directory);
  const file = await bundleForNode(project, directory, tools);
  for (const runtime of runtimes) if (runtime.kind === "node") await runOn(runtime, [file], directory);
  return `${Math.round((await Deno.stat(file)).size / 1000)} kB, runs alone`;
}

/** The command, as it is called in a project that has the package. */
async function runCommand({ manifest, project, runtimes }: Bench): Promise<string> {
  const bin = binOf(manifest);
  if (bin === undefined) return "none, as deno.json has no entry point ./cli";
  const help = await npm(["exec", "--no", "--", bin.name, "--help"], project);
  if (!help.includes(bin.name)) throw new Error(`${bin.name} --help does not name itself:\n${help}`);
  const bun = runtimes.find(({ kind }) => kind === "bun");
  const helps = bun === undefined ? [] : await Promise.all([
    run(bun.path, ["x", bin.name, "--help"], project),
    run(bun.path, ["x", "--bun", bin.name, "--help"], project),
  ]);
  if (helps.some((other) => other !== help)) {
    throw new Error(`${bin.name} says another help by bunx:\n${helps}`);
  }
  return `npx and bunx ${bin.name} --help`;
}

/** How long the library takes to load: the best of five. */
async function startUp({ project, runtimes }: Bench): Promise<string> {
  const told: string[] = [];
  for (const runtime of runtimes) {
    const times: number[] = [];
    for (let round = 0; round < 5; round++) times.push(Number(await runOn(runtime, ["start.mjs"], project)));
    told.push(`${runtime.name} ${Math.min(...times).toFixed(0)} ms`);
  }
  return told.join(", ");
}

function runOn({ kind, path }: Found, args: readonly string[], cwd: string): Promise<string> {
  return run(path, kind === "deno" ? ["run", "-A", ...args] : args, cwd);
}

/** What the entry points are imported by, or those of them that are wanted. */
function entryPoints(manifest: Manifest, wanted: (name: string) => boolean = () => true): string[] {
  return Object.keys(manifest.exports).filter(wanted).map((name) => importName(manifest, name));
}

if (import.meta.main) await main();
