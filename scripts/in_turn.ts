/** One of several who speak at the same time, and are heard one after the other. */
export interface Voice {
  /** Says something: at once if it is its turn, else when it is. */
  say(bytes: Uint8Array): void;
  /** Says no more. */
  end(): void;
}

/** So many voices; `print` is given what they say, all of the first before any of the second. */
export function inTurn(count: number, print: (bytes: Uint8Array) => void): Voice[] {
  const waiting: Uint8Array[][] = Array.from({ length: count }, () => []);
  const ended = new Set<number>();
  let turn = 0;
  return waiting.map((said, at) => ({
    say(bytes) {
      if (at === turn) print(bytes);
      else said.push(bytes);
    },
    end() {
      ended.add(at);
      while (ended.has(turn)) for (const bytes of waiting[++turn] ?? []) print(bytes);
    },
  }));
}
