import type { Address, InheritedSocket } from "../../adapters/address.ts";
import { Ending } from "../../server/ending.ts";
import { serve } from "../../server/serve.ts";
import type { ServeOptions, Server, ShutdownOptions } from "../../server/server.ts";
import type { WorkerState } from "../../workers/crew.ts";
import { filesOf, type FilterModules, loadFilter } from "./filter_modules.ts";

/** Where, and how, modules are served. */
export interface ServingOptions extends Omit<ServeOptions, "listen"> {
  readonly listen: readonly (Address | InheritedSocket)[];
}

/** What is served, by whomever. */
export interface Served {
  /** Where it listens. */
  readonly addresses: readonly Address[];
  /** How many connections are open, as far as is known. */
  readonly connections: number;
  /** Whether somebody takes connections. */
  readonly ready: boolean;
  /** Who serves, if it is not this process. */
  readonly workers?: readonly WorkerState[];
  /** Why the latest reload failed, if it did. */
  readonly reloadFailure: unknown;
  /** Learns how many connections are open. */
  look(): Promise<void>;
  /** Loads the modules anew. */
  reload(): Promise<void>;
  /** Ends; tells how many connections had not when the time was up. */
  shutdown(options: ShutdownOptions): Promise<number>;
}

/** Modules that are served, at one address or several, and can be loaded anew. */
export class Serving implements Served {
  readonly ready = true;
  readonly #modules: FilterModules;
  readonly #servers: readonly Server[];
  readonly #ending: Ending;
  readonly #onFiles: (files: readonly string[]) => Promise<void>;
  #reloadFailure: unknown;
  #generation = 0;
  #reloading: Promise<unknown> = Promise.resolve();

  private constructor(
    modules: FilterModules,
    servers: readonly Server[],
    onFiles: (files: readonly string[]) => Promise<void>,
  ) {
    this.#modules = modules;
    this.#servers = servers;
    this.#ending = new Ending(servers);
    this.#onFiles = onFiles;
  }

  /**
   * Loads the modules and listens.
   *
   * @param onFiles Is told the files that the modules are made of, each time before they are loaded.
   * @throws {Error} if a module cannot be loaded.
   * @throws {MilterError} `LISTEN` if an address is in use or not permitted: then nothing listens.
   */
  static async start(
    modules: FilterModules,
    { listen, ...options }: ServingOptions,
    onFiles: (files: readonly string[]) => Promise<void>,
  ): Promise<Serving> {
    const files = await filesOf(modules);
    await onFiles(files);
    const filter = await loadFilter(modules, 0, files);
    const servers: Server[] = [];
    try {
      for (const address of listen) servers.push(await serve(filter, { ...options, listen: address }));
    } catch (error) {
      await Promise.all(servers.map((server) => server.shutdown()));
      throw error;
    }
    return new Serving(modules, servers, onFiles);
  }

  /** Where it listens. */
  get addresses(): Address[] {
    return this.#servers.map(({ address }) => address);
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#servers.reduce((sum, { connections }) => sum + connections, 0);
  }

  /** Why the latest reload failed, if it did. */
  get reloadFailure(): unknown {
    return this.#reloadFailure;
  }

  /** It is known at any time. */
  look(): Promise<void> {
    return Promise.resolve();
  }

  /**
   * Loads the modules as their files now are, for the connections that come from then on. One reload waits for the
   * other.
   *
   * @throws {Error} if one cannot be loaded: what was served before goes on.
   */
  reload(): Promise<void> {
    const reloading = this.#reloading.then(() => this.#load());
    this.#reloading = reloading.then(
      () => this.#reloadFailure = undefined,
      (error) => this.#reloadFailure = error,
    );
    return reloading;
  }

  async #load(): Promise<void> {
    const files = await filesOf(this.#modules);
    await this.#onFiles(files);
    const filter = await loadFilter(this.#modules, ++this.#generation, files);
    for (const server of this.#servers) server.replace(filter);
  }

  /** Takes no more connections, and waits until the open ones have ended: see {@linkcode Ending}. */
  shutdown(options: ShutdownOptions): Promise<number> {
    return this.#ending.come(options);
  }
}
