import type { Terminal } from "./terminal.ts";

/** How long something may take before it shows that it goes on, and between two looks, in milliseconds. */
const [FIRST, NEXT] = [500, 100];

/** A bar that shows how far something is, to a person who waits, and only if it takes a while. */
export class Progress implements Disposable {
  readonly #terminal: Terminal;
  readonly #total: number;
  #done = 0;
  #due: number = performance.now() + FIRST;
  #shown = false;

  /** @param total How many steps there will be. */
  constructor(terminal: Terminal, total: number) {
    this.#terminal = terminal;
    this.#total = total;
  }

  /** One more step is done. */
  step(): void {
    this.#done++;
    const now = performance.now();
    if (!this.#terminal.interactive || now < this.#due) return;
    this.#due = now + NEXT;
    this.#shown = true;
    const count = ` ${this.#done} of ${this.#total}`;
    const width = Math.max(Math.min(this.#terminal.columns, 80) - count.length - 3, 10);
    const filled = Math.round(width * this.#done / this.#total);
    this.#draw(`\r[${"=".repeat(filled)}${" ".repeat(width - filled)}]${count}`);
  }

  /** Takes the bar away, so that something can be printed. */
  clear(): void {
    if (this.#shown) this.#draw(`\r${" ".repeat(Math.min(this.#terminal.columns, 80) - 1)}\r`);
    this.#shown = false;
  }

  #draw(text: string): void {
    if (this.#terminal.draw === undefined) this.#terminal.note(text);
    else this.#terminal.draw(text);
  }

  /** As {@linkcode Progress.clear}. */
  [Symbol.dispose](): void {
    this.clear();
  }
}
