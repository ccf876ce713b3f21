/** Versions, as [Semantic Versioning](https://semver.org) orders them. */

const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/;

/** Whether a text is a version that can be released: `1.2.3`, `1.2.3-rc.1`. */
export function isVersion(text: string): boolean {
  return VERSION.test(text);
}

/** Below 0 if the first of two versions comes before the second, above 0 if after, 0 if they are one. */
export function compareVersions(a: string, b: string): number {
  const [, ...ours] = VERSION.exec(a) ?? [];
  const [, ...theirs] = VERSION.exec(b) ?? [];
  for (let place = 0; place < 3; place++) {
    const difference = Number(ours[place]) - Number(theirs[place]);
    if (difference !== 0) return difference;
  }
  const [before, after] = [ours[3], theirs[3]];
  if (before === undefined || after === undefined) {
    return Number(before === undefined) - Number(after === undefined);
  }
  return comparePreReleases(before.split("."), after.split("."));
}

/** Numbers come before words, and count by their value; of two that start alike the shorter comes first. */
function comparePreReleases(ours: readonly string[], theirs: readonly string[]): number {
  for (const [index, one] of ours.entries()) {
    const other = theirs[index];
    if (other === undefined) return 1;
    if (one === other) continue;
    const [isNumber, otherIsNumber] = [/^\d+$/.test(one), /^\d+$/.test(other)];
    if (isNumber && otherIsNumber) return Number(one) - Number(other);
    if (isNumber !== otherIsNumber) return isNumber ? -1 : 1;
    return one < other ? -1 : 1;
  }
  return ours.length - theirs.length;
}
