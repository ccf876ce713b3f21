/** What a probe gives while its answer has not come. */
export const PENDING: unique symbol = Symbol("pending");

/** Looks whether what was asked for is there; throws if it can no longer come. */
export type Probe<T> = () => T | typeof PENDING;

/** What a look found: nothing yet, an answer, or an item of a loop that goes on. */
type Finding = "nothing" | "answer" | "item";

/** What settles the promise that was made last. */
const kept: { resolve: (value: never) => void; reject: (error: unknown) => void } = {
  resolve: () => {},
  reject: () => {},
};

/** Makes a promise that is settled from outside. The same for all: a closure for each would be garbage at each event. */
function keep(resolve: (value: never) => void, reject: (error: unknown) => void): void {
  kept.resolve = resolve;
  kept.reject = reject;
}

/** Somebody who waits: the probe, and the promise that its finding settles. */
class Waiter<T> {
  readonly promise: Promise<T>;
  readonly #probe: Probe<T>;
  readonly #resolve: (value: never) => void;
  readonly #reject: (error: unknown) => void;

  constructor(probe: Probe<T>) {
    this.#probe = probe;
    this.promise = new Promise<T>(keep);
    this.#resolve = kept.resolve;
    this.#reject = kept.reject;
  }

  /** Looks, and settles the promise if there is something to settle it by. */
  look(): Finding {
    let found: T | typeof PENDING;
    try {
      found = this.#probe();
    } catch (error) {
      this.fail(error);
      return "answer";
    }
    if (found === PENDING) return "nothing";
    this.#resolve(found as never);
    return isItem(found) ? "item" : "answer";
  }

  /** Its failure, if nobody looks at it, disturbs nobody. */
  fail(error: unknown): void {
    handled(this.promise);
    this.#reject(error);
  }
}

/** Those who wait for events of a message. */
export class Waiting {
  #waiters: Pick<Waiter<unknown>, "look" | "fail">[] = [];

  /** Whether nobody waits. */
  get empty(): boolean {
    return this.#waiters.length === 0;
  }

  /** A promise for what the probe will find. */
  add<T>(probe: Probe<T>): Promise<T> {
    const waiter = new Waiter(probe);
    this.#waiters.push(waiter);
    return waiter.promise;
  }

  /**
   * Lets all look at what has come, and tells whether the event is to be held for one of them.
   *
   * An event is not held if somebody waits for a later one, who has asked on already; but a loop keeps its
   * item until it asks for the next.
   */
  wake(): boolean {
    const waiters = this.#waiters;
    let waiting = 0;
    let items = 0;
    for (let at = 0; at < waiters.length; at++) {
      const waiter = waiters[at]!;
      const finding = waiter.look();
      if (finding === "nothing") waiters[waiting++] = waiter;
      if (finding === "item") items++;
    }
    const woken = waiters.length - waiting;
    // To set an array's length is slow.
    while (waiters.length > waiting) waiters.pop();
    return items > 0 || (woken > 0 && waiting === 0);
  }

  /** All who wait get the error. */
  fail(error: unknown): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.fail(error);
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
