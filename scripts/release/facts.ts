/** What must be true before a version is released. */

import { sections } from "./changelog.ts";
import { compareVersions, isVersion } from "./version.ts";

/** What is known before a release. */
export interface Facts {
  /** The version that is asked for. */
  readonly version: string;
  /** The version in deno.json. */
  readonly current: string;
  readonly changelog: string;
  /** What git says is changed, or not in it: a line for each file. */
  readonly changes: readonly string[];
  /** All tags: a release's is its version after a `v`. */
  readonly tags: readonly string[];
}

/** The tag of a version. */
export function tagOf(version: string): string {
  return `v${version}`;
}

/** The lines that say why the version cannot be released; none if it can. */
export function releaseProblems({ version, current, changelog, changes, tags }: Facts): string[] {
  if (!isVersion(version)) return [`"${version}" is no version: it must be like 1.2.3 or 1.2.3-rc.1`];
  const released = tags.filter((tag) => tag.startsWith("v")).map((tag) => tag.slice(1)).filter(isVersion);
  const [newest] = sections(changelog);
  const later = [current, ...released].filter((other) => compareVersions(other, version) > 0);
  return [
    ...changes.map((line) => `the tree is not clean: ${line}`),
    ...(tags.includes(tagOf(version)) ? [`the tag ${tagOf(version)} is there already`] : []),
    ...(later.length === 0 ? [] : [`${version} comes before ${later.join(" and ")}, which is there already`]),
    ...(newest?.version !== version
      ? [`CHANGELOG.md starts with ${newest?.version ?? "no version"}, not with ${version}`]
      : newest.text === ""
      ? [`CHANGELOG.md says nothing about ${version}`]
      : []),
  ];
}
