/** A process that cannot outlive this one. */

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";

/**
 * Runs a command until the standard input ends: it does when it is told to, and with this process, whatever
 * becomes of that. The command is a process group of its own, of which nothing is left behind.
 */
const LEASH = `
exec 3<&0
signal=$1; shift
setsid "$@" & leader=$!
{ read -r _ <&3; kill -s "$signal" $leader; } 2>/dev/null &
wait $leader; status=$?
kill -s KILL -- -$leader 2>/dev/null
exit $status
`;

/** Runs a command; what it says goes to the end of the log. A signal ends it: TERM by default. */
export class LeashedProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  constructor(command: readonly string[], log: string, signal: "TERM" | "KILL" = "TERM") {
    const file = openSync(log, "a");
    this.#child = spawn("sh", ["-c", LEASH, "sh", signal, ...command], { stdio: ["pipe", file, file] });
    closeSync(file);
    this.#ended = new Promise((done) => this.#child.once("exit", () => done()));
  }

  /** The process that holds the leash, and begets all others. */
  get pid(): number {
    return this.#child.pid!;
  }

  /** The exit code, once it has ended by itself. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** Ends it, and waits until it has. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
  }
}
