import type { Server, ShutdownOptions } from "./server.ts";

/** The end of servers that are shut down together. */
export class Ending {
  readonly #servers: readonly Server[];
  #late = 0;

  constructor(servers: readonly Server[]) {
    this.#servers = servers;
  }

  /**
   * Shuts them down. A later call can only shorten the time.
   *
   * @returns how many connections had not ended when the time was up.
   */
  async come(options: ShutdownOptions): Promise<number> {
    const { timeout = 10_000, linger = 0 } = options;
    const count = () => this.#late = this.#servers.reduce((sum, { connections }) => sum + connections, 0);
    // A moment before what is left is cut.
    const timer = setTimeout(count, Math.max(linger + timeout - 1, 0));
    await Promise.all(this.#servers.map((server) => server.shutdown(options)));
    clearTimeout(timer);
    return this.#late;
  }
}
