/** Processes that tests start. */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";

/** What a process is started with. */
export interface ChildOptions {
  /** Variables of its environment, beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A process, which ends with the block that it is used in. Its standard input is open until then. */
export class Child implements AsyncDisposable {
  /** What it has said, on its standard output and on the other. */
  out = "";
  err = "";
  /** How it ended: by a code, or by a signal. */
  readonly ended: Promise<number | string>;
  #ending: number | string | undefined;
  readonly #child: ChildProcess;
  #wake: () => void = () => {};

  constructor([program = "", ...args]: readonly string[], { env, cwd }: ChildOptions = {}) {
    this.#child = spawn(program, args, { cwd, env: { ...process.env, NO_COLOR: "1", ...env } });
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => (this.out += text, this.#wake()));
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.err += text, this.#wake()));
    this.ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      const end = (code: number | null, signal: string | null) =>
        resolve(this.#ending = code ?? signal ?? "");
      // What it has said comes before its end, unless nobody reads it.
      this.#child.once("close", end).once("exit", (code, signal) => {
        if (this.#child.stdout!.destroyed) end(code, signal);
      });
    });
    this.ended.finally(() => this.#wake()).catch(() => {
      // Told to whoever awaits it.
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Waits until it has said this on its standard output, or on the other. */
  async says(pattern: RegExp, where: "out" | "err" = "err"): Promise<RegExpExecArray> {
    while (true) {
      const found = pattern.exec(this[where]);
      if (found !== null) return found;
      if (this.#ending !== undefined) {
        throw new Error(`It has ended by ${this.#ending} and never said ${pattern}:\n${this.out}${this.err}`);
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** Says something to its standard input. */
  tell(text: string): void {
    this.#child.stdin!.write(text);
  }

  signal(name: "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    // Deno would take the signal that its own `kill` sends for the one that ended the process.
    process.kill(this.pid, name);
  }

  /** Reads nothing more of what it says. */
  stopReading(): void {
    this.#child.stdout!.destroy();
    this.#child.stderr!.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin!.destroy();
    if (this.#ending === undefined) this.#child.kill("SIGKILL");
    await this.ended;
  }
}
