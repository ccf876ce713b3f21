import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import type { SharedSocket } from "../adapters/shared_socket.ts";
import type { ShutdownOptions } from "../server/server.ts";
import { Link, type Started } from "./link.ts";
import { runtimeCommand } from "./runtime_command.ts";

/** What all workers have in common. */
export interface WorkerProgram {
  /** The program that they run, by its URL. */
  readonly program: string;
  /** What it is told at the start. */
  readonly data: unknown;
  readonly sockets: readonly SharedSocket[];
  /** What the runtime is told instead of what it would be. */
  readonly runtimeArguments: readonly string[] | undefined;
  /** Takes what a worker tells. */
  readonly onTell: ((data: unknown) => void) | undefined;
  /** Is told that one has ended, whyever. */
  readonly onEnd: (worker: WorkerProcess) => void;
}

/** The variable that tells a worker which sockets it has, by their descriptors. */
export const SOCKETS: string = "KILTER_SOCKETS";

/** The first descriptor that a process is given beside the standard streams. */
const FIRST = 3;

/** How much longer than it was told a worker may take to end, in milliseconds. */
const GRACE = 5_000;

/** A process that serves. */
export class WorkerProcess {
  /** What it is doing. */
  state: "starting" | "serving" | "draining" = "starting";
  /** How many connections it had when it last answered. */
  connections = 0;
  /** Its metrics when it was last asked for them. */
  metrics = "";
  /** How many looks at it have been in vain, one after the other. */
  missed = 0;
  /** When it began to serve. */
  since = 0;
  /** How it ended: by a code, or by a signal. */
  readonly ended: Promise<number | string>;
  readonly #child: ChildProcess;
  readonly #link: Link;
  readonly #data: unknown;
  #shutdown: Promise<number> | undefined;
  #late = 0;
  #killAt: { readonly at: number; readonly timer: ReturnType<typeof setTimeout> | undefined } = {
    at: Infinity,
    timer: undefined,
  };

  constructor({ program, data, sockets, runtimeArguments, onTell, onEnd }: WorkerProgram) {
    const [command = "", ...args] = runtimeCommand(program, runtimeArguments);
    const given = sockets.filter(({ everywhere }) => !everywhere);
    const fds = sockets.map((socket) => socket.everywhere ? socket.fd : FIRST + given.indexOf(socket));
    const child = spawn(command, args, {
      stdio: ["ignore", "inherit", "inherit", ...given.map(({ fd }) => fd), "ipc"],
      env: { ...process.env, [SOCKETS]: fds.join() },
    });
    this.#child = child;
    this.#data = data;
    this.#link = new Link({
      send: (text) => {
        // A process that is gone is told of by its end.
        if (child.connected) child.send(text, () => {});
      },
      ...onTell && { onTell },
    });
    child.on("message", (text) => this.#link.receive(String(text)));
    this.ended = new Promise((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("exit", (code, signal) => resolve(code ?? signal ?? ""));
    });
    void this.ended.then(() => {
      this.#link.close();
      clearTimeout(this.#killAt.timer);
      onEnd(this);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get link(): Link {
    return this.#link;
  }

  /**
   * Has it serve.
   *
   * @throws {Error} if it cannot.
   */
  async start(): Promise<Started> {
    try {
      const started = await this.#link.ask("start", this.#data);
      this.state = "serving";
      this.since = performance.now();
      return started;
    } catch (error) {
      this.kill();
      const by = await this.ended;
      throw error instanceof Error && "code" in error && error.code === "CONNECTION"
        ? new Error(`Cannot start a worker: it ended by ${typeof by === "number" ? `code ${by}` : by}`)
        : error;
    }
  }

  /** Ends it as {@linkcode Server.shutdown} does. One that does not come to its end is ended. */
  shutdown(options: ShutdownOptions): Promise<number> {
    this.state = "draining";
    const { timeout = 10_000, linger = 0 } = options;
    this.#killBy(performance.now() + linger + timeout + GRACE);
    const answer = this.#link.ask("shutdown", options).then(({ late, metrics }) => {
      this.#late = late;
      this.metrics = metrics;
      if (this.#child.connected) this.#child.disconnect();
    }, () => {
      // It has ended without an answer.
      this.#late = this.connections;
    });
    return this.#shutdown ??= Promise.all([answer, this.ended]).then(() => this.#late);
  }

  /** Waits until it has done, as far as that is done at once, what it was told before; for so long at most. */
  async hears(timeout: number): Promise<void> {
    await this.#link.ask("state", undefined, timeout).catch(() => {
      // It is busy, or has ended.
    });
  }

  #killBy(at: number): void {
    if (at >= this.#killAt.at) return;
    clearTimeout(this.#killAt.timer);
    const wait = Math.min(at - performance.now(), 2 ** 31 - 1);
    this.#killAt = { at, timer: setTimeout(() => this.kill(), wait) };
  }

  /** Ends it at once. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
