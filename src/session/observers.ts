import type { ObservedMessage, Observer } from "./observer.ts";

/** One observer or several. */
export type OneOrMore<T> = T | readonly T[];

type Fact<E extends keyof Observer> = Parameters<NonNullable<Observer[E]>>[0];

/** The observers of a server, and how they are told. */
export class Observers {
  readonly #all: readonly Observer[];
  readonly #onFailure: (event: keyof Observer, error: unknown) => void;

  /** When the next look at the clock is due that does not depend on anybody. */
  #due = Infinity;
  #blocker: ObservedMessage | undefined;

  constructor(all: readonly Observer[], onFailure: (event: keyof Observer, error: unknown) => void) {
    this.#all = all;
    this.#onFailure = onFailure;
  }

  /** Whether anybody wants to be told. */
  hear(event: keyof Observer): boolean {
    return this.#all.some((observer) => observer[event] !== undefined);
  }

  /** Notes that something happens: at a message, if it is a filter that goes on. */
  heard(now: number, message?: ObservedMessage): void {
    if (now <= this.#due) return;
    this.#due = Infinity;
    this.#blocker = message;
  }

  /** What went on first after the last look was `due`, if that is past; the next is due at `next`. */
  blocker(next: number): ObservedMessage | undefined {
    const blocker = this.#blocker;
    this.#due = next;
    this.#blocker = undefined;
    return blocker;
  }

  /** Tells all; whoever fails harms nobody. */
  tell<E extends keyof Observer>(event: E, fact: Fact<E>): void {
    for (const observer of this.#all) {
      // What stands under a name takes the fact of that name: the signature above says so.
      const method: ((fact: never) => unknown) | undefined = observer[event];
      if (method === undefined) continue;
      try {
        const outcome = method.call(observer, fact as never);
        if (outcome instanceof Promise) outcome.catch((error) => this.#onFailure(event, error));
      } catch (error) {
        this.#onFailure(event, error);
      }
    }
  }
}

/**
 * The observers that an option names; none for none.
 *
 * @throws {TypeError} if it is neither an observer nor a list of them.
 */
export function observersOf(observer: OneOrMore<Observer> | undefined): readonly Observer[] {
  const all: readonly unknown[] = observer === undefined
    ? []
    : Array.isArray(observer)
    ? observer
    : [observer];
  if (all.every((one) => typeof one === "object" && one !== null)) return all as readonly Observer[];
  throw new TypeError("Cannot serve: observer must be an object, or a list of them");
}
