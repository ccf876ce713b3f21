/** Makes a release: `deno task release X.Y.Z`. Nothing leaves this machine without `--publish`. */

import { parseArgs } from "node:util";
import { buildNpm } from "./build_npm.ts";
import { run } from "./npm.ts";
import { readManifest } from "./package/manifest.ts";
import { packNpm } from "./package/tarball.ts";
import { date } from "./release/changelog.ts";
import { releaseProblems, tagOf } from "./release/facts.ts";

const HELP = `Makes a release of the project in the working directory.

  deno task release [--publish] X.Y.Z

It checks that nothing is left to commit, that CHANGELOG.md starts with the version and that there is no such tag;
sets the version and the day of it; runs "deno task ok"; builds npm's package in npm/, packs it
and looks into the tarball; commits and tags. If anything fails, all is as before.

  --publish   pushes commit and tag to "origin". There .github/workflows/release.yml publishes to npm and to JSR,
              with the provenance that only it can give.`;

/** Where the version stands: in deno.json, which all else is made from, and in what the command says of itself. */
const VERSIONS: readonly { readonly file: string; readonly text: (version: string) => string }[] = [
  { file: "deno.json", text: (version) => `"version": "${version}"` },
  { file: "src/cli/version.ts", text: (version) => `VERSION = "${version}"` },
];

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { publish: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  const [version] = positionals;
  if (values.help || version === undefined || positionals.length > 1) {
    console.log(HELP);
    return values.help ? 0 : 2;
  }
  const root = Deno.cwd();
  const problems = await problemsAt(root, version);
  if (problems.length > 0) {
    console.error(`Cannot release ${version}:\n${problems.map((line) => `  ${line}`).join("\n")}`);
    return 1;
  }
  try {
    await setVersion(root, version);
    await prove(root);
    const { path, size } = await build(root);
    console.log(`${path}: ${size} bytes`);
    if (await changed(root) !== "") {
      await git(["commit", "--quiet", "--all", "--message", `Release ${version}`], root);
    }
  } catch (error) {
    await git(["checkout", "--quiet", "--", "."], root); // The tree was clean.
    console.error(`Cannot release ${version}: ${error instanceof Error ? error.message : error}`);
    return 1;
  }
  await git(["tag", "--annotate", tagOf(version), "--message", `Release ${version}`], root);
  if (values.publish) await git(["push", "--atomic", "origin", "HEAD", `refs/tags/${tagOf(version)}`], root);
  console.log(
    values.publish
      ? `${tagOf(version)} is pushed; the workflow "release" publishes it.`
      : `${tagOf(version)} is tagged here, and nothing is published. That does:\n` +
        `  git push --atomic origin HEAD refs/tags/${tagOf(version)}`,
  );
  return 0;
}

async function problemsAt(root: string, version: string): Promise<string[]> {
  return releaseProblems({
    version,
    current: (await readManifest(root)).version,
    changelog: await Deno.readTextFile(`${root}/CHANGELOG.md`),
    changes: (await changed(root)).split("\n").filter((line) => line !== ""),
    tags: (await git(["tag", "--list"], root)).split("\n"),
  });
}

/** Sets the version and the day of it. */
async function setVersion(root: string, version: string): Promise<void> {
  const { version: current } = await readManifest(root);
  for (const { file, text } of VERSIONS) {
    await edit(`${root}/${file}`, (content) => content.replace(text(current), text(version)));
  }
  const [day = ""] = new Date().toISOString().split("T");
  await edit(`${root}/CHANGELOG.md`, (changelog) => date(changelog, version, day));
}

async function edit(path: string, change: (text: string) => string): Promise<void> {
  await Deno.writeTextFile(path, change(await Deno.readTextFile(path)));
}

/** Runs every check. */
async function prove(root: string): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), { args: ["task", "ok"], cwd: root }).spawn()
    .status;
  if (!success) throw new Error(`"deno task ok" failed`);
}

async function build(root: string): Promise<{ readonly path: string; readonly size: number }> {
  const directory = `${root}/npm`;
  const builder = await buildNpm(directory, root);
  console.log(`Built by ${builder}`);
  return await packNpm(directory, root, await readManifest(root));
}

function changed(root: string): Promise<string> {
  return git(["status", "--porcelain"], root);
}

function git(args: readonly string[], root: string): Promise<string> {
  return run("git", args, root);
}

if (import.meta.main) Deno.exit(await main());
