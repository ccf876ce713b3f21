/** Commands that run until they are told to stop. */

import { main } from "../../src/cli/mod.ts";
import { deferred } from "../deferred.ts";
import { type Captured, CapturedTerminal } from "./captured.ts";

/** A terminal whose text can be waited for. */
export class WatchedTerminal extends CapturedTerminal {
  #changed = deferred();

  override tell(text: string): void {
    super.tell(text);
    this.#change();
  }

  override note(text: string): void {
    super.note(text);
    this.#change();
  }

  /** What matches in all that is printed, once it is. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    while (true) {
      const found = pattern.exec(this.out) ?? pattern.exec(this.err);
      if (found !== null) return found;
      await this.#changed.promise;
    }
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = deferred();
  }
}

/** A command that runs in this process. */
export class RunningCommand implements AsyncDisposable {
  readonly terminal: WatchedTerminal;
  readonly #stop = new AbortController();
  readonly #ended: Promise<number>;

  constructor(args: readonly string[], terminal: WatchedTerminal = new WatchedTerminal()) {
    this.terminal = terminal;
    this.#ended = main(args, this.terminal, { signal: this.#stop.signal });
  }

  /** Tells it to stop, and waits until it has. */
  async stop(): Promise<Captured> {
    this.#stop.abort();
    return await this.ended();
  }

  /** Waits until it ends by itself. */
  async ended(): Promise<Captured> {
    return { code: await this.#ended, out: this.terminal.out, err: this.terminal.err };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
