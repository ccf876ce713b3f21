/** A line of a table: two cells on the left, the others, figures, on the right of their columns. */
export function line(widths: readonly number[], cells: readonly string[]): string {
  return cells.map((cell, at) => at < 2 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)).join("  ")
    .trimEnd();
}

/** Says what is going on: on a terminal, on a line that the next thing said overwrites; elsewhere not at all. */
export function progress(text: string): void {
  if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}
