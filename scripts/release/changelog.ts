/** The changelog: a heading of the second level for each version, `## 1.2.3 (2026-01-31)`, newest first. */

/** What stands behind a version's number until it is released. */
const NOT_RELEASED = "(not released)";

/** One version's part. */
export interface Section {
  readonly version: string;
  /** What the heading says behind the version: a date, or that it is not released. */
  readonly note: string;
  /** What is written below the heading. */
  readonly text: string;
}

/** The parts of a changelog, in its order. */
export function sections(changelog: string): Section[] {
  const [, ...parts] = changelog.split(/^## /m);
  return parts.map((part) => {
    const [heading = "", ...lines] = part.split("\n");
    const [version = "", ...note] = heading.split(" ");
    return { version, note: note.join(" "), text: lines.join("\n").trim() };
  });
}

/** The changelog with the date of a version in place of the words that it is not released. */
export function date(changelog: string, version: string, day: string): string {
  return changelog.replace(`## ${version} ${NOT_RELEASED}`, `## ${version} (${day})`);
}
