/** What a probe gives while its answer has not come. */
export const PENDING: unique symbol = Symbol("pending");

/** Looks whether what was asked for is there; throws if it can no longer come. */
export type Probe<T> = () => T | typeof PENDING;

/** Somebody who waits: the probe, and the promise that its finding settles. */
interface Waiter {
  readonly promise: Promise<unknown>;
  /** Looks, and settles the promise if there is something to settle it by. */
  readonly look: () => Finding;
  readonly reject: (error: unknown) => void;
}

/** What a look found: nothing yet, an answer, or an item of a loop that goes on. */
type Finding = "nothing" | "answer" | "item";

/** Those who wait for events of a message. */
export class Waiting {
  #waiters: Waiter[] = [];

  /** Whether nobody waits. */
  get empty(): boolean {
    return this.#waiters.length === 0;
  }

  /** A promise for what the probe will find; its failure, if nobody looks at it, disturbs nobody. */
  add<T>(probe: Probe<T>): Promise<T> {
    let settle: { resolve(value: T): void; reject(error: unknown): void };
    const promise = new Promise<T>((resolve, reject) => settle = { resolve, reject });
    const reject = (error: unknown) => {
      handled(promise);
      settle.reject(error);
    };
    const look = (): Finding => {
      try {
        const found = probe();
        if (found === PENDING) return "nothing";
        settle.resolve(found);
        return isItem(found) ? "item" : "answer";
      } catch (error) {
        reject(error);
        return "answer";
      }
    };
    this.#waiters.push({ promise, look, reject });
    return promise;
  }

  /**
   * Lets all look at what has come, and tells whether the event is to be held for one of them.
   *
   * An event is not held if somebody waits for a later one, who has asked on already; but a loop keeps its
   * item until it asks for the next.
   */
  wake(): boolean {
    if (this.#waiters.length === 0) return false;
    const waiters = this.#waiters;
    this.#waiters = [];
    let answers = 0;
    let items = 0;
    for (const waiter of waiters) {
      const finding = waiter.look();
      if (finding === "nothing") this.#waiters.push(waiter);
      else if (finding === "item") items++;
      else answers++;
    }
    return items > 0 || (answers > 0 && this.#waiters.length === 0);
  }

  /** All who wait get the error. */
  fail(error: unknown): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(error);
  }
}

function isItem(found: unknown): boolean {
  return typeof found === "object" && found !== null && "done" in found && found.done === false;
}

/** A promise whose failure is nobody's surprise: it is there for who asks, and is no unhandled rejection. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {
    // Whoever awaits the promise gets the error; for the rest it was never said.
  });
  return promise;
}

/** A promise that failed, and is no unhandled rejection. */
export function failed<T>(error: unknown): Promise<T> {
  return handled(Promise.reject(error));
}
