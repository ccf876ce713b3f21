/**
 * Builds npm's package from the sources: `deno run -A scripts/build_npm.ts [directory]`, by default `npm/`.
 *
 * dnt builds it. On a machine that JSR does not answer dnt cannot be loaded, and `typescript` takes its place:
 * the sources need no shims and import other packages by name only, so that lowering them file by file is all
 * there is to do. Both give ES modules for ES2022 with declarations beside them, under the same entry points.
 *
 * The way through dnt was written by its sources, and has not run yet: it wants a machine that reaches JSR.
 * scripts/check_npm.ts judges what either way gives.
 */

import ts from "typescript";
import manifest from "../deno.json" with { type: "json" };
import { PEERS, specifierOf } from "./peers.ts";

const ROOT: string = new URL("..", import.meta.url).pathname;

/** What package.json says beyond the entry points. */
const ABOUT = {
  name: manifest.name,
  version: manifest.version,
  description: "Mail filters (milters) for Postfix and Sendmail, as async functions, on Deno, Bun and Node",
  keywords: ["milter", "mail", "email", "smtp", "postfix", "sendmail", "filter", "spam", "deno", "bun"],
  license: manifest.license,
  engines: { node: ">=20", bun: ">=1.4", deno: ">=2.9" },
  sideEffects: false,
  peerDependencies: PEERS,
  peerDependenciesMeta: Object.fromEntries(Object.keys(PEERS).map((name) => [name, { optional: true }])),
};

/** Copied as they are. */
const PAPERS: readonly string[] = ["README.md", "LICENSE", "CHANGELOG.md"];

/** The part of dnt's options that is used here, as of 0.43. */
interface DntOptions {
  readonly entryPoints: readonly { readonly kind: "export"; readonly name: string; readonly path: string }[];
  readonly outDir: string;
  readonly shims: Readonly<Record<string, never>>;
  readonly scriptModule: false;
  readonly declaration: "inline";
  readonly skipSourceOutput: boolean;
  readonly typeCheck: "single";
  readonly test: false;
  readonly compilerOptions: { readonly target: "ES2022"; readonly lib: readonly string[] };
  readonly mappings: Readonly<Record<string, DntMapping>>;
  readonly package: Readonly<Record<string, unknown>>;
}

/** How dnt takes a module from elsewhere for one of npm's. */
interface DntMapping {
  readonly name: string;
  readonly version: string;
  readonly peerDependency: boolean;
}

/** dnt, as far as it is used here. */
interface Dnt {
  build(options: DntOptions): Promise<void>;
}

/** Builds the package into a directory, which need not exist. */
export async function buildNpm(directory: string): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  const dnt = await loadDnt();
  await (dnt === undefined ? withTypeScript(directory) : withDnt(dnt, directory));
  for (const paper of PAPERS) await Deno.copyFile(ROOT + paper, `${directory}/${paper}`);
}

async function loadDnt(): Promise<Dnt | undefined> {
  const name = "@deno/dnt"; // Resolved while running: a plain import would stop us where JSR does not answer.
  try {
    return await import(name);
  } catch {
    console.warn("@deno/dnt does not load; typescript builds the package instead.");
    return undefined;
  }
}

async function withDnt(dnt: Dnt, directory: string): Promise<void> {
  await dnt.build({
    entryPoints: Object.entries(manifest.exports).map(([name, path]) => ({
      kind: "export",
      name,
      path: ROOT + path,
    })),
    outDir: directory,
    shims: {}, // A shim of `Deno` would have the adapters take Node for Deno.
    scriptModule: false,
    declaration: "inline",
    skipSourceOutput: true,
    typeCheck: "single",
    test: false,
    compilerOptions: {
      target: "ES2022",
      lib: ["ES2023", "DOM", "DOM.Iterable", "DOM.AsyncIterable", "ESNext.Disposable"],
    },
    mappings: Object.fromEntries(
      Object.entries(PEERS).map(([name, version]) => [
        specifierOf(name),
        { name, version, peerDependency: true },
      ]),
    ),
    // dnt's own entry points answer `import` alone. The types of Node are for its type check.
    package: {
      ...ABOUT,
      exports: entryPoints("./esm/"),
      devDependencies: { "@types/node": "^20", ...PEERS },
    },
  });
}

async function withTypeScript(directory: string): Promise<void> {
  for (const path of ["mod.ts", ...await sources("src")]) {
    const { script, declaration } = lower(await Deno.readTextFile(ROOT + path), path);
    const target = `${directory}/${path.replace(/\.ts$/, "")}`;
    await Deno.mkdir(target.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${target}.js`, script);
    await Deno.writeTextFile(`${target}.d.ts`, declaration);
  }
  const json = JSON.stringify({ ...ABOUT, type: "module", exports: entryPoints("./") }, null, 2);
  await Deno.writeTextFile(`${directory}/package.json`, `${json}\n`);
}

/** package.json's `exports`, for `import` and `require` alike, from below a folder of the package. */
function entryPoints(folder: string): Record<string, { readonly types: string; readonly default: string }> {
  return Object.fromEntries(
    Object.entries(manifest.exports).map(([name, path]) => {
      const bare = path.replace("./", folder).replace(/\.ts$/, "");
      return [name, { types: `${bare}.d.ts`, default: `${bare}.js` }];
    }),
  );
}

/** All TypeScript below a directory of the root. */
async function sources(directory: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(ROOT + directory)) {
    if (isDirectory) found.push(...await sources(`${directory}/${name}`));
    else if (name.endsWith(".ts")) found.push(`${directory}/${name}`);
  }
  return found;
}

function lower(text: string, fileName: string): { script: string; declaration: string } {
  const compilerOptions: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
    rewriteRelativeImportExtensions: true,
    isolatedDeclarations: true,
    declaration: true,
  };
  const script = ts.transpileModule(text, { fileName, compilerOptions }).outputText;
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(text, { fileName, compilerOptions });
  if (diagnostics.length > 0) {
    const host: ts.FormatDiagnosticsHost = {
      getCurrentDirectory: () => ROOT,
      getCanonicalFileName: (name) => name,
      getNewLine: () => "\n",
    };
    throw new Error(`Cannot declare the types of ${fileName}:\n${ts.formatDiagnostics(diagnostics, host)}`);
  }
  // TypeScript rewrites the extensions of imports in scripts only.
  const declaration = outputText.replaceAll(/((?:from|import) ?\(?")(\.{1,2}\/[^"]*)\.ts"/g, '$1$2.js"');
  return { script, declaration };
}

if (import.meta.main) {
  const directory = Deno.args[0] ?? `${ROOT}npm`;
  await buildNpm(directory);
  console.log(`Built ${ABOUT.name} ${ABOUT.version} in ${directory}`);
}
