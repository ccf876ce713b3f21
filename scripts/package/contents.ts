/** What a built package must hold, and what it must not. */

import { binOf } from "./bin.ts";
import type { Manifest } from "./manifest.ts";
import type { EntryPoint } from "./package_json.ts";

/** The files of a package: their texts by their paths from its folder. */
export type Contents = ReadonlyMap<string, string>;

/** Files that each package has. */
const PAPERS: readonly string[] = ["package.json", "README.md", "LICENSE", "CHANGELOG.md"];

/** What a user's program is not to be told: tests, sources that types would be taken from, a stand-in for Deno. */
const UNWANTED: readonly { readonly what: string; readonly path?: RegExp; readonly text?: RegExp }[] = [
  { what: "a test", path: /(^|\/)tests?\/|[._]test\.|^test_runner/ },
  { what: "a source beside its types", path: /(?<!\.d)\.ts$/ },
  {
    what: "a path of the machine that built it",
    path: /\.(js|ts|map|json)$/,
    text: /file:\/\/\/(?!\$)|"\/(work|home|root|tmp|Users)\//,
  },
  { what: "a shim of Deno", text: /@deno\/shim|_dnt\.shims/ },
];

/** The lines that say what is wrong with a package; none if all is well. */
export function packageProblems(contents: Contents, manifest: Manifest): string[] {
  const missing = PAPERS.filter((paper) => !contents.has(paper));
  if (missing.length > 0) return missing.map((paper) => `${paper} is missing`);
  return [
    ...aboutProblems(contents, manifest),
    ...importProblems(contents),
    ...[...contents].flatMap(([path, text]) =>
      UNWANTED.filter((unwanted) =>
        (unwanted.path?.test(path) ?? true) && (unwanted.text?.test(text) ?? true)
      )
        .map(({ what }) => `${path} is or holds ${what}`)
    ),
  ];
}

/** What is wrong with package.json. */
function aboutProblems(contents: Contents, manifest: Manifest): string[] {
  const about: Record<string, unknown> = JSON.parse(contents.get("package.json")!);
  const expect = (what: string, actual: unknown, expected: unknown): string[] =>
    actual === expected
      ? []
      : [`package.json: ${what} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`];
  const has = (what: string, path: string | undefined): string[] =>
    path !== undefined && contents.has(path.replace("./", ""))
      ? []
      : [`package.json: ${what} leads nowhere: ${path}`];
  const exports = about["exports"] as Readonly<Record<string, EntryPoint | undefined>>;
  const bin = about["bin"] as Readonly<Record<string, string>> | undefined;
  const command = binOf(manifest);
  return [
    ...(["name", "version", "license"] as const).flatMap((key) => expect(key, about[key], manifest[key])),
    ...["dependencies", "scripts"].flatMap((key) => expect(key, about[key], undefined)),
    ...["description", "keywords", "engines"].flatMap((key) => about[key] ? [] : [`package.json: no ${key}`]),
    ...Object.keys(manifest.exports).flatMap((name) => [
      ...has(`the script of "${name}"`, exports[name]?.default),
      ...has(`the types of "${name}"`, exports[name]?.types),
    ]),
    ...(command === undefined
      ? expect("bin", bin, undefined)
      : has(`the command ${command.name}`, bin?.[command.name])),
  ];
}

/** Relative imports that lead to no module, or from types to a module without any. */
function importProblems(contents: Contents): string[] {
  return [...contents].flatMap(([path, text]) => {
    if (!/\.(js|d\.ts)$/.test(path)) return [];
    const code = text.replaceAll(/\/\*.*?\*\//gs, ""); // Examples in comments import as they like.
    return [...code.matchAll(/\b(?:from|import) ?\(?"(\.{1,2}\/[^"]+)"/g)].flatMap(
      ([, specifier]) => {
        const target = new URL(specifier!, `file:///${path}`).pathname.slice(1);
        const wanted = path.endsWith(".d.ts") ? target.replace(/\.js$/, ".d.ts") : target;
        return contents.has(wanted) ? [] : [`${path} imports "${specifier}", and there is no ${wanted}`];
      },
    );
  });
}
