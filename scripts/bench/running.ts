/** A contender at work, and what the system tells of it. */

import { setTimeout as delay } from "node:timers/promises";
import { type Pin, unpinned } from "./processors.ts";

/** The first thing that an MTA says, and the last. */
const NEGOTIATE = Uint8Array.of(0, 0, 0, 13, 0x4f, 0, 0, 0, 6, 0, 0, 1, 0xff, 0, 0x1f, 0xff, 0xff);
const QUIT = Uint8Array.of(0, 0, 0, 1, 0x51);

/** How long it may take to listen, in milliseconds. */
const PATIENCE = 20_000;

/** Those that live. They end with this process, if that ends before their time. */
const alive = new Set<Deno.ChildProcess>();
globalThis.addEventListener("unload", () => alive.forEach((child) => child.kill("SIGKILL")));

/** How a contender is started. */
export interface Start {
  readonly command: (address: string) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly socket?: "tcp" | "unix";
  /** Gives it a processor of its own. Default: all. */
  readonly pin?: Pin;
}

/** A filter, in a process of its own and perhaps children of that; it ends when it is disposed of. */
export class Running implements AsyncDisposable {
  /** Where it listens: `127.0.0.1:40001`, or the path of a Unix socket. */
  readonly address: string;
  /** Milliseconds from its start to its first answer. */
  readonly startUp: number;
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, address: string, startUp: number) {
    this.#child = child;
    this.address = address;
    this.startUp = startUp;
  }

  /** Starts it, and waits until it answers a negotiation. */
  static async start({ command, env = {}, socket = "tcp", pin = unpinned }: Start): Promise<Running> {
    const address = socket === "unix" ? await freePath() : freeAddress();
    const [program, ...args] = pin(1, command(address));
    const started = performance.now();
    const child = new Deno.Command(program!, {
      args,
      env,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const complaint = lastWords(child.stderr);
    alive.add(child);
    child.status.then(() => alive.delete(child));
    while (!await answers(address)) {
      if (!alive.has(child)) throw new Error(`it ended instead of listening: ${await complaint}`);
      if (performance.now() - started > PATIENCE) {
        child.kill("SIGKILL");
        throw new Error(`it did not answer within ${PATIENCE / 1000} s`);
      }
      await delay(1);
    }
    return new Running(child, address, performance.now() - started);
  }

  /** The processor time that it has used so far, in seconds; `undefined` where the system does not tell. */
  async processorTime(): Promise<number | undefined> {
    const times = await this.#ask("stat", (stat) => {
      // The second field is the program's name, which may hold anything. Linux counts in hundredths of a second.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return (Number(fields[11]) + Number(fields[12])) / 100;
    });
    return times.length === 0 ? undefined : sum(times);
  }

  /** The memory that it has in use, and the most that it had since {@linkcode forgetPeak}, in bytes. */
  async memory(): Promise<{ readonly now: number; readonly peak: number }> {
    const fields = await this.#ask("status", (status) => {
      const field = (name: string) =>
        1024 * Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, "m").exec(status)?.[1] ?? 0);
      return { now: field("VmRSS"), peak: field("VmHWM") };
    });
    return { now: sum(fields.map(({ now }) => now)), peak: sum(fields.map(({ peak }) => peak)) };
  }

  /** Starts the peak of the memory anew; where the system refuses, it stays that of the whole life. */
  async forgetPeak(): Promise<void> {
    for (const pid of await family(this.#child.pid)) {
      await Deno.writeTextFile(`/proc/${pid}/clear_refs`, "5").catch(() => {
        // Then what is measured is an upper bound.
      });
    }
  }

  async #ask<T>(file: string, read: (text: string) => T): Promise<T[]> {
    const texts = (await family(this.#child.pid)).map((pid) =>
      Deno.readTextFile(`/proc/${pid}/${file}`).then((text) => [read(text)], () => [])
    );
    return (await Promise.all(texts)).flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of await family(this.#child.pid)) {
      try {
        // What is milder takes libmilter seconds.
        Deno.kill(pid, "SIGKILL");
      } catch {
        // It has ended.
      }
    }
    await this.#child.status;
    if (this.address.startsWith("/")) await Deno.remove(this.address).catch(() => {/* It did so itself. */});
  }
}

/** A process and all its descendants. */
async function family(pid: number): Promise<number[]> {
  const children: number[] = [];
  try {
    for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
      const text = await Deno.readTextFile(`/proc/${pid}/task/${name}/children`);
      for (const child of text.split(" ").filter(Boolean)) children.push(...await family(Number(child)));
    }
  } catch {
    // It ends just now, or this is not Linux.
  }
  return [pid, ...children];
}

/** Whether a filter answers there. */
async function answers(address: string): Promise<boolean> {
  try {
    using connection = await connect(address);
    await connection.write(NEGOTIATE);
    const size = await connection.read(new Uint8Array(64));
    await connection.write(QUIT);
    return size !== null;
  } catch {
    return false; // Nobody listens there yet.
  }
}

function connect(address: string): Promise<Deno.Conn> {
  if (address.startsWith("/")) return Deno.connect({ transport: "unix", path: address });
  const [hostname, port] = address.split(":");
  return Deno.connect({ hostname: hostname!, port: Number(port) });
}

function freeAddress(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `127.0.0.1:${listener.addr.port}`;
}

async function freePath(): Promise<string> {
  const path = await Deno.makeTempFile({ prefix: "kilter-bench-", suffix: ".sock" });
  await Deno.remove(path);
  return path;
}

/** The end of what a process complains of. */
async function lastWords(stderr: ReadableStream<Uint8Array>): Promise<string> {
  let words = "";
  for await (const text of stderr.pipeThrough(new TextDecoderStream())) words = (words + text).slice(-2_000);
  return words.trim();
}

function sum(figures: readonly number[]): number {
  return figures.reduce((total, figure) => total + figure, 0);
}
