import type { Report } from "../../tests/load/soaked_filter.ts";
import { commandFor, type Place } from "../places.ts";

/** The filter of the soak in a process of its own, which ends when it is disposed of. */
export class SoakServer implements AsyncDisposable {
  readonly port: number;
  readonly #child: Deno.ChildProcess;
  readonly #questions: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: AsyncIterator<string>;
  /** One question after the other. */
  #asked: Promise<unknown> = Promise.resolve();

  private constructor(child: Deno.ChildProcess, answers: AsyncIterator<string>, port: number) {
    this.#child = child;
    this.#questions = child.stdin.getWriter();
    this.#answers = answers;
    this.port = port;
  }

  /** Starts it on a runtime; with a number a packet may take so many milliseconds. */
  static async start(place: Place, options: readonly string[] = []): Promise<SoakServer> {
    const [command, ...args] = commandFor(place, ["tests/load/soaked_filter.ts", ...options]);
    const child = new Deno.Command(command!, { args, stdin: "piped", stdout: "piped", stderr: "inherit" })
      .spawn();
    const answers = linesOf(child.stdout);
    return new SoakServer(child, answers, Number(await nextOf(answers)));
  }

  /** What it has on its heap, and how its messages have ended. */
  report(): Promise<Report> {
    return this.#ask("report");
  }

  /** How many things of each class are on its heap. */
  objects(): Promise<Readonly<Record<string, number>>> {
    return this.#ask("objects");
  }

  /** The memory that it has in use, in bytes. */
  async rss(): Promise<number> {
    const status = await Deno.readTextFile(`/proc/${this.#child.pid}/status`);
    return 1024 * Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]);
  }

  /** How many files and sockets it has open. */
  async descriptors(): Promise<number> {
    return (await Array.fromAsync(Deno.readDir(`/proc/${this.#child.pid}/fd`))).length;
  }

  /** Waits until none of its connections is open. */
  async rests(): Promise<void> {
    const patience = performance.now() + 60_000;
    for (;;) {
      const { connections } = await this.report();
      if (connections === 0) return;
      if (performance.now() > patience) {
        throw new Error(`The filter's process is left with ${connections} connections`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  #ask<Answer>(question: string): Promise<Answer> {
    const answer = this.#asked.then(async () => {
      await this.#questions.write(new TextEncoder().encode(`${question}\n`));
      return JSON.parse(await nextOf(this.#answers)) as Answer;
    });
    this.#asked = answer.catch(() => {
      // Told to who has asked.
    });
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#child.status;
    await this.#questions.close().catch(() => {
      // It has not ended in peace.
    });
    await this.#answers.return?.();
  }
}

async function nextOf(lines: AsyncIterator<string>): Promise<string> {
  const { done, value } = await lines.next();
  if (done) throw new Error("Cannot measure: the filter's process has ended");
  return value;
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let text = "";
  for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (text + piece).split("\n");
    text = lines.pop()!;
    yield* lines;
  }
}
