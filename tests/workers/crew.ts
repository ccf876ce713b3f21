/** Workers that serve a module of a test. */

import { writeFile } from "node:fs/promises";
import {
  serveWorkers,
  type ServeWorkersOptions,
  type WorkerEvent,
  type Workers,
} from "../../src/workers/mod.ts";
import { type TempDir, tempDir } from "../harness.ts";
import { GREETING, mail } from "../mta_commands.ts";
import { MtaPlayer } from "../mta_player.ts";
import { socketWire } from "../wires.ts";

/** The library, as a module in another directory imports it. */
export const LIBRARY: string = JSON.stringify(new URL("../../mod.ts", import.meta.url).href);

/** A filter that refuses each sender, and tells which process it is in, and its version. */
export const teller = (version = "1"): string => `
import process from "node:process";
import { reject } from ${LIBRARY};
export default async (session) => {
  await session.envelopeFrom();
  return reject("550 5.7.1 " + process.pid + " " + ${JSON.stringify(version)});
};
`;

/** Workers, their module, and what has happened to them. */
export class TestCrew implements AsyncDisposable {
  readonly workers: Workers;
  readonly directory: TempDir;
  readonly events: WorkerEvent[];
  readonly #mtas: MtaPlayer[] = [];
  readonly #wakers: Set<() => void>;

  private constructor(workers: Workers, directory: TempDir, events: WorkerEvent[], wakers: Set<() => void>) {
    this.workers = workers;
    this.directory = directory;
    this.events = events;
    this.#wakers = wakers;
  }

  static async start(text: string, options: Partial<ServeWorkersOptions> = {}): Promise<TestCrew> {
    const directory = await tempDir();
    const events: WorkerEvent[] = [];
    const wakers = new Set<() => void>();
    try {
      await writeFile(directory.file("filter.mjs"), text);
      const workers = await serveWorkers(directory.file("filter.mjs"), {
        listen: `unix:${directory.file("s")}`,
        workers: 2,
        log: () => {},
        onEvent(event) {
          events.push(event);
          for (const wake of wakers) wake();
        },
        ...options,
      });
      return new TestCrew(workers, directory, events, wakers);
    } catch (error) {
      await directory[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The processes that serve. */
  get pids(): number[] {
    return this.workers.workers.filter(({ state }) => state === "serving").map(({ pid }) => pid);
  }

  /** Writes the module anew. */
  async write(text: string): Promise<void> {
    await writeFile(this.directory.file("filter.mjs"), text);
  }

  /** Waits until so many events of this kind have happened, and returns them. */
  async sees<Type extends WorkerEvent["type"]>(
    type: Type,
    times = 1,
  ): Promise<Extract<WorkerEvent, { type: Type }>[]> {
    const isOne = (event: WorkerEvent): event is Extract<WorkerEvent, { type: Type }> => event.type === type;
    while (this.events.filter(isOne).length < times) {
      await new Promise<void>((resolve) => {
        const wake = () => (this.#wakers.delete(wake), resolve());
        this.#wakers.add(wake);
      });
    }
    return this.events.filter(isOne);
  }

  /** An MTA that has connected, and has said nothing yet. */
  async dial(): Promise<MtaPlayer> {
    const mta = new MtaPlayer(await socketWire(this.workers.address));
    this.#mtas.push(mta);
    return mta;
  }

  /** An MTA whose client has greeted. */
  async connect(): Promise<MtaPlayer> {
    const mta = await this.dial();
    await mta.negotiate();
    await mta.play(GREETING);
    return mta;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.workers.shutdown({ timeout: 0 });
    for (const mta of this.#mtas) await mta.wire.close();
    await this.directory[Symbol.asyncDispose]();
  }
}

/** What the teller tells of a message: its process, and its version. */
export async function told(mta: MtaPlayer): Promise<{ readonly pid: number; readonly version: string }> {
  const answers = await mta.play([mail("<a@example.com>")]);
  const [, pid, version] = /^mail: replyCode "550 5\.7\.1 (\d+) (.*)"$/.exec(answers.at(-1) ?? "") ?? [];
  if (version === undefined) throw new Error(`the filter said ${answers}`);
  return { pid: Number(pid), version };
}
