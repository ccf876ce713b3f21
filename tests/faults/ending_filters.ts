/** Filters that end at any stage of a message, and start again. */

import { writeFileSync } from "node:fs";
import { serve, type Server } from "../../mod.ts";
import type { CommandType } from "../../src/protocol/mod.ts";
import { Child } from "../child.ts";
import { type Deferred, deferred } from "../deferred.ts";
import { programCommand, type TempDir, tempDir } from "../harness.ts";
import type { ServeMtaOptions } from "../mta/on_each_mta.ts";
import { stopping } from "./stopping.ts";

/** When it ends: while it holds a message at a stage, as it reaches the verdict, or after the client was told of that. */
export type Moment = CommandType | "verdict" | "end";

/** The filter of `stopping.ts`, served at one address time and again. */
export interface EndingFilter extends AsyncDisposable {
  /** Starts it, and waits until it serves. */
  start(): Promise<void>;
  /** Has it hold each message that comes to a stage; or end by itself as it reaches a verdict. */
  stopAt(where: Moment): void;
  /** Waits until it holds a message at a stage. */
  stopped(stage: CommandType): Promise<void>;
  /** Ends it. */
  end(): Promise<void>;
  /** Waits until it has ended by itself. */
  ended(): Promise<void>;
}

/** Is killed: a process of its own. */
export class KilledFilter implements EndingFilter {
  readonly #options: ServeMtaOptions;
  readonly #directory: TempDir;
  #child: Child | undefined;

  private constructor(options: ServeMtaOptions, directory: TempDir) {
    this.#options = options;
    this.#directory = directory;
  }

  static async at(options: ServeMtaOptions): Promise<KilledFilter> {
    return new KilledFilter(options, await tempDir());
  }

  async start(): Promise<void> {
    writeFileSync(this.#file, "");
    const program = new URL("./stopping_filter.ts", import.meta.url);
    this.#child = new Child([...programCommand(program), JSON.stringify(this.#options.listen), this.#file]);
    await this.#child.says(/serving\n/, "out");
  }

  stopAt(where: Moment): void {
    writeFileSync(this.#file, where);
  }

  async stopped(stage: CommandType): Promise<void> {
    await this.#child!.says(new RegExp(`stopped at ${stage}\n`), "out");
  }

  async end(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended();
  }

  signal(name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    this.#child!.signal(name);
  }

  async ended(): Promise<void> {
    await this.#child!.ended;
  }

  get #file(): string {
    return this.#directory.file("where");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child?.[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}

/** Closes its connections: a server that is shut down, and given no time. */
export class ClosingFilter implements EndingFilter {
  readonly #options: ServeMtaOptions;
  #server: Server | undefined;
  #where = "";
  #stopped: Deferred<void> = deferred();

  private constructor(options: ServeMtaOptions) {
    this.#options = options;
  }

  static at(options: ServeMtaOptions): Promise<ClosingFilter> {
    return Promise.resolve(new ClosingFilter(options));
  }

  async start(): Promise<void> {
    this.#where = "";
    this.#stopped = deferred();
    this.#server = await serve(stopping(() => this.#where, () => this.#stopped.resolve()), {
      ...this.#options,
      observer: {
        verdictReached: () => {
          if (this.#where === "verdict") this.end();
        },
      },
    });
  }

  stopAt(where: Moment): void {
    this.#where = where;
  }

  async stopped(): Promise<void> {
    await this.#stopped.promise;
  }

  async end(): Promise<void> {
    await this.#server!.shutdown({ timeout: 0 });
  }

  async ended(): Promise<void> {
    await this.#server!.finished;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
