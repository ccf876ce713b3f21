/**
 * The packages that the library imports where scripts/layers.ts lets it. No entry point but theirs needs
 * them, so on npm they are optional peers: whoever wants that entry point installs them.
 */

import manifest from "../deno.json" with { type: "json" };
import { ROOMS } from "./layers.ts";

/** The entry points that need peers. */
export const OPTIONAL_ENTRY_POINTS: readonly string[] = Object.entries(manifest.exports)
  .filter(([, path]) =>
    Object.entries(ROOMS).some(([room, { packages }]) => packages && path.startsWith(`./src/${room}/`))
  )
  .map(([name]) => name);

/** Each with the range of versions that deno.json gives: `{ libmime: "^5.6" }`. */
export const PEERS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.values(ROOMS).flatMap(({ packages = [] }) => packages).map((name) => [name, versionOf(name)]),
);

/** The specifiers by which Deno has them: `npm:libmime@^5.6`. */
export function specifierOf(name: string): string {
  return Object.entries<string>(manifest.imports).find(([key]) => key === name)?.[1] ?? "";
}

/** The range of versions in which deno.json has a package of npm. */
export function versionOf(name: string): string {
  const version = specifierOf(name).match(/^npm:.+@(.+)$/)?.[1];
  if (version === undefined) {
    throw new Error(`Cannot tell the version of ${name}: deno.json does not import it from npm`);
  }
  return version;
}
