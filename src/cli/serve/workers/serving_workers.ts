import type { Address } from "../../../adapters/address.ts";
import { openToAll, type ShutdownOptions } from "../../../server/server.ts";
import { Crew, type WorkerState } from "../../../workers/crew.ts";
import { LINGER, SILENT_AFTER } from "../../../workers/serve_workers.ts";
import type { Terminal } from "../../terminal.ts";
import { filesOf } from "../filter_modules.ts";
import * as happenings from "../happenings.ts";
import type { ReporterOptions } from "../reporter.ts";
import type { ServeHereOptions } from "../serve_here.ts";
import type { Served } from "../serving.ts";
import { print, type Printed } from "./link_terminal.ts";
import { WORKER, type WorkerData } from "./worker.ts";

/** How workers serve modules. */
export interface WorkersOptions {
  /** How many there are. */
  readonly count: number;
  /** How long one may not answer before it is ended, in milliseconds. */
  readonly killAfter: number;
  /** Where they print, */
  readonly terminal: Terminal;
  /** and how. */
  readonly report: ReporterOptions;
}

/** What is served by workers. */
export interface ServingWorkersOptions extends Omit<ServeHereOptions, "onError" | "observers"> {
  readonly onError: WorkerData["onError"];
  readonly workers: WorkersOptions;
  /** Whether they keep metrics. */
  readonly metrics: boolean;
}

/** How long is waited for what workers tell, in milliseconds. */
const PATIENCE = 250;

/** Modules that are served by workers, which load them. */
export class ServingWorkers implements Served {
  readonly #crew: Crew;
  readonly #files: () => Promise<void>;
  /** Why the latest reload failed, if it did. */
  reloadFailure: unknown;

  private constructor(crew: Crew, files: () => Promise<void>) {
    this.#crew = crew;
    this.#files = files;
  }

  /** As {@linkcode Serving.start}. */
  static async start(
    { modules, shadows, listen, onError, told, tell, workers, metrics }: ServingWorkersOptions,
    onFiles: (files: readonly string[]) => Promise<void>,
  ): Promise<ServingWorkers> {
    const files = async () => await onFiles(await filesOf({ filters: modules, shadows }));
    await files();
    const { count, killAfter, terminal, report } = workers;
    const { coloured } = terminal;
    const data: WorkerData = {
      metrics,
      modules,
      shadows,
      told,
      onError,

      report,
      coloured,
    };
    const crew = await Crew.start({
      program: WORKER,
      data,
      listen,
      workers: count,
      silentAfter: SILENT_AFTER,
      killAfter,
      onEvent: (event) => tell(happenings.ofWorker(event)),
      // Workers are of this version, and tell nothing else.
      onTell: (printed) => print(printed as Printed, terminal),
    });
    for (const [at, asked] of listen.entries()) {
      const open = "fd" in asked ? undefined : openToAll(crew.addresses[at]!, undefined);
      if (open !== undefined) tell(happenings.logged({ level: "warning", message: open }));
    }
    return new ServingWorkers(crew, files);
  }

  get addresses(): readonly Address[] {
    return this.#crew.addresses;
  }

  get workers(): readonly WorkerState[] {
    return this.#crew.workers;
  }

  /** One is enough. */
  get ready(): boolean {
    return this.workers.some(({ state }) => state === "serving");
  }

  get connections(): number {
    return this.workers.reduce((sum, { connections }) => sum + connections, 0);
  }

  /** The metrics of all workers as those of one. */
  metrics(): Promise<string> {
    return this.#crew.metrics(PATIENCE);
  }

  async look(): Promise<void> {
    await this.#crew.look(PATIENCE);
  }

  /** Replaces the workers one by one: those of before go on with the connections that they have. */
  async reload(): Promise<void> {
    try {
      await this.#files();
      await this.#crew.reload({ linger: LINGER });
      this.reloadFailure = undefined;
    } catch (error) {
      throw this.reloadFailure = error;
    }
  }

  shutdown(options: ShutdownOptions): Promise<number> {
    return this.#crew.shutdown(options);
  }
}
