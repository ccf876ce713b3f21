/**
 * Made-up names for real ones: the same for the same, numbered in the order in which they come. A made-up name stands
 * for itself, so that what was redacted stays as it is when it is played and redacted again.
 */
export class Pseudonyms {
  readonly #before: string;
  readonly #after: string;
  readonly #numbers = new Map<string, number>();
  #last = 0;

  /** A made-up name is a number between these two. */
  constructor(before: string, after = "") {
    this.#before = before;
    this.#after = after;
  }

  /** The made-up name for a real one, whose case does not matter. */
  of(real: string): string {
    const own = this.#numberOf(real);
    if (own !== undefined) {
      this.#last = Math.max(this.#last, own);
      return real;
    }
    const key = real.toLowerCase();
    const number = this.#numbers.get(key) ?? ++this.#last;
    this.#numbers.set(key, number);
    return `${this.#before}${number}${this.#after}`;
  }

  #numberOf(name: string): number | undefined {
    if (!name.startsWith(this.#before) || !name.endsWith(this.#after)) return undefined;
    const middle = name.slice(this.#before.length, name.length - this.#after.length);
    return /^[1-9]\d{0,8}$/.test(middle) ? Number(middle) : undefined;
  }
}
