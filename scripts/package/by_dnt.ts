/** npm's package by dnt, which is on JSR. */

import type { Manifest } from "./manifest.ts";
import type { PackageJson } from "./package_json.ts";

/** Where the modules lie in the package. */
export const DNT_FOLDER = "./esm/";

/** The part of dnt's options that is used here, as of 0.43. */
interface DntOptions {
  readonly entryPoints: readonly { readonly kind: "export"; readonly name: string; readonly path: string }[];
  readonly outDir: string;
  readonly shims: Readonly<Record<string, never>>;
  readonly polyfills: false;
  readonly scriptModule: false;
  readonly declaration: "inline";
  readonly skipSourceOutput: boolean;
  readonly typeCheck: "single";
  readonly test: false;
  readonly compilerOptions: {
    readonly target: "ES2022";
    readonly lib: readonly string[];
    readonly sourceMap: true;
    readonly inlineSources: true;
  };
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
export interface Dnt {
  build(options: DntOptions): Promise<void>;
}

/** dnt, if it can be had. */
export async function loadDnt(): Promise<Dnt | undefined> {
  const name = "@deno/dnt"; // Resolved while running: a plain import would stop us where JSR does not answer.
  try {
    return await import(name);
  } catch {
    return undefined; // The caller says so, and takes another builder.
  }
}

/** What dnt builds from. */
export interface DntInput {
  /** The project's directory. */
  readonly root: string;
  readonly manifest: Manifest;
  readonly about: PackageJson;
  /** Packages of others, by the specifiers that deno.json has for them. */
  readonly packages: Readonly<Record<string, { readonly name: string; readonly version: string }>>;
}

/** Builds the modules of a project into a directory. */
export async function buildByDnt(
  dnt: Dnt,
  { root, manifest, about, packages }: DntInput,
  directory: string,
): Promise<void> {
  await dnt.build({
    entryPoints: Object.entries(manifest.exports).map(([name, path]) => ({
      kind: "export",
      name,
      path: `${root}/${path}`,
    })),
    outDir: directory,
    shims: {}, // A shim of `Deno` would have the adapters take Node for Deno.
    polyfills: false, // The runtimes have what the sources use, and a module that patches it is a side effect.
    scriptModule: false,
    declaration: "inline",
    skipSourceOutput: true,
    typeCheck: "single",
    test: false,
    compilerOptions: {
      target: "ES2022",
      lib: ["ES2023", "DOM", "DOM.Iterable", "DOM.AsyncIterable", "ESNext.Disposable"],
      sourceMap: true,
      inlineSources: true,
    },
    mappings: Object.fromEntries(
      Object.entries(packages).map(([specifier, one]) => [specifier, { ...one, peerDependency: true }]),
    ),
    // The types of Node are for its type check: 24 are the first that know `import.meta.main`.
    package: { ...about, devDependencies: { "@types/node": "^24", ...about.peerDependencies } },
  });
}
