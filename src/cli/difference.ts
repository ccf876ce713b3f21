/** An item of one list, of the other, or of both. */
export interface Change<Item> {
  readonly sign: "-" | "+" | " ";
  readonly item: Item;
}

/** The most comparisons for which the fewest changes are looked for. */
const PATIENCE = 4_000_000;

/** How one list becomes another: what is gone (`-`), what is new (`+`) and what stays (` `), in order. */
export function difference<Item>(
  before: readonly Item[],
  after: readonly Item[],
  same: (one: Item, other: Item) => boolean,
): Change<Item>[] {
  let start = 0;
  while (start < before.length && start < after.length && same(before[start]!, after[start]!)) start++;
  let end = 0;
  const shorter = Math.min(before.length, after.length) - start;
  while (end < shorter && same(before[before.length - 1 - end]!, after[after.length - 1 - end]!)) end++;

  const kept = (item: Item): Change<Item> => ({ sign: " ", item });
  return [
    ...after.slice(0, start).map(kept),
    ...changes(
      before.slice(start, before.length - end),
      after.slice(start, after.length - end),
      same,
    ),
    ...after.slice(after.length - end).map(kept),
  ];
}

/** By the longest list that both hold in order. */
function changes<Item>(
  before: readonly Item[],
  after: readonly Item[],
  same: (one: Item, other: Item) => boolean,
): Change<Item>[] {
  const gone = (item: Item): Change<Item> => ({ sign: "-", item });
  const fresh = (item: Item): Change<Item> => ({ sign: "+", item });
  if (before.length * after.length > PATIENCE) return [...before.map(gone), ...after.map(fresh)];

  // How many items both have in common from here on.
  const width = after.length + 1;
  const common = new Uint32Array((before.length + 1) * width);
  for (let row = before.length - 1; row >= 0; row--) {
    for (let column = after.length - 1; column >= 0; column--) {
      common[row * width + column] = same(before[row]!, after[column]!)
        ? common[(row + 1) * width + column + 1]! + 1
        : Math.max(common[(row + 1) * width + column]!, common[row * width + column + 1]!);
    }
  }
  const found: Change<Item>[] = [];
  let [row, column] = [0, 0];
  while (row < before.length && column < after.length) {
    if (same(before[row]!, after[column]!)) {
      found.push({ sign: " ", item: after[column++]! });
      row++;
    } else if (common[(row + 1) * width + column]! >= common[row * width + column + 1]!) {
      found.push(gone(before[row++]!));
    } else found.push(fresh(after[column++]!));
  }
  return [...found, ...before.slice(row).map(gone), ...after.slice(column).map(fresh)];
}
