/** What npm is told of the package: all of it comes from deno.json, its peers and the few lines here. */

import type { Manifest } from "./manifest.ts";
import { binOf } from "./bin.ts";

/** What deno.json has no place for. */
const ABOUT = {
  description: "Mail filters (milters) for Postfix and Sendmail, as async functions, on Deno, Bun and Node",
  keywords: ["milter", "mail", "email", "smtp", "postfix", "sendmail", "filter", "spam", "deno", "bun"],
  engines: { node: ">=20.19", bun: ">=1.4", deno: ">=2.9" },
  sideEffects: false,
} as const;

/** An entry point of package.json: for `import` and `require` alike. */
export interface EntryPoint {
  readonly types: string;
  readonly default: string;
}

/** What package.json says. */
export interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly keywords: readonly string[];
  readonly license: string;
  readonly repository?: { readonly type: "git"; readonly url: string };
  readonly type: "module";
  readonly sideEffects: boolean;
  readonly engines: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, EntryPoint | string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional: true }>>;
}

/** Where a builder puts what, and which packages of others the result imports. */
export interface PackageOptions {
  /** The folder of the modules, from the package's own: `"./"`, `"./esm/"`. */
  readonly folder: string;
  /** Packages of others, each with its range of versions: optional peers. */
  readonly peers: Readonly<Record<string, string>>;
  /** Where the sources are kept, if that is known. */
  readonly repository?: string | undefined;
}

/** The package.json of a manifest. */
export function packageJson(manifest: Manifest, { folder, peers, repository }: PackageOptions): PackageJson {
  const { name, version, license } = manifest;
  const bin = binOf(manifest);
  return {
    name,
    version,
    description: ABOUT.description,
    keywords: ABOUT.keywords,
    license,
    ...(repository === undefined ? {} : { repository: { type: "git", url: repository } }),
    type: "module",
    sideEffects: ABOUT.sideEffects,
    engines: ABOUT.engines,
    exports: { ...entryPoints(manifest, folder), "./package.json": "./package.json" },
    ...(bin === undefined ? {} : { bin: { [bin.name]: bin.path } }),
    ...(Object.keys(peers).length === 0 ? {} : {
      peerDependencies: peers,
      peerDependenciesMeta: Object.fromEntries(Object.keys(peers).map((peer) => [peer, { optional: true }])),
    }),
  };
}

function entryPoints({ exports }: Manifest, folder: string): Record<string, EntryPoint> {
  return Object.fromEntries(
    Object.entries(exports).map(([name, path]) => {
      const bare = path.replace("./", folder).replace(/\.ts$/, "");
      return [name, { types: `${bare}.d.ts`, default: `${bare}.js` }];
    }),
  );
}
