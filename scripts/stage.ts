/**
 * Copies of the project for the runtimes that cannot take it as it stands. Bun and Node learn the package's
 * own name, `@kilter/milter`, from a package.json, which the project itself does not have, and npm installs
 * there what Deno gets by itself: the packages that `./mime` and the tests import. Node 20 and 22 also get
 * the TypeScript lowered to ES2022, in place: names and lines stay, so that
 * `new URL("./x.ts", import.meta.url)` and stack traces hold; tests/runtimes/node_ts.mjs has them load it.
 */

import ts from "typescript";
import manifest from "../deno.json" with { type: "json" };
import { npm } from "./npm.ts";
import { PEERS, versionOf } from "./peers.ts";
import type { Runtime } from "./runtimes.ts";

const ROOT: URL = new URL("../", import.meta.url);

/** Never copied: what is hidden, built or installed. */
const LEFT_OUT: ReadonlySet<string> = new Set(["node_modules", "npm", "coverage"]);

/** What is installed: for `./mime`, and for tests and examples. */
const PACKAGES: Readonly<Record<string, string>> = {
  ...PEERS,
  ...Object.fromEntries(["mailauth", "smtp-server"].map((name) => [name, versionOf(name)])),
};

/** Copies the project to `target`, an empty directory, in the language that the runtime reads. */
export async function stage(target: string, reads: Runtime["reads"]): Promise<void> {
  await copy(ROOT, new URL(`file://${target}/`), reads === "es2022" ? lower : (text) => text);
  const { name, version, exports } = manifest;
  const json = JSON.stringify({ name, version, type: "module", exports, dependencies: PACKAGES }, null, 2);
  await Deno.writeTextFile(`${target}/package.json`, json);
  try {
    await npm(["install", "--prefer-offline", "--no-audit", "--no-fund", "--no-package-lock"], target);
  } catch (error) {
    // All other tests can do without.
    console.warn(
      `${Object.keys(PACKAGES).join(", ")} cannot be installed; tests that need them fail.\n${error}`,
    );
  }
}

async function copy(from: URL, to: URL, translate: (text: string, file: string) => string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory, isFile } of Deno.readDir(from)) {
    if (name.startsWith(".") || LEFT_OUT.has(name)) continue;
    const [source, target] = [new URL(name, from), new URL(name, to)];
    if (isDirectory) await copy(new URL(`${source}/`), new URL(`${target}/`), translate);
    else if (isFile && name.endsWith(".ts")) {
      await Deno.writeTextFile(target, translate(await Deno.readTextFile(source), name));
    } else if (isFile) await Deno.copyFile(source, target);
  }
}

function lower(text: string, fileName: string): string {
  return ts.transpileModule(text, {
    fileName,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      inlineSourceMap: true,
      inlineSources: true,
    },
  }).outputText;
}
