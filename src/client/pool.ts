import type { Address } from "../adapters/address.ts";
import { MilterError } from "../errors.ts";
import { callMilters } from "./connect.ts";
import type { MessageSource } from "./mail_source.ts";
import type { MtaSession } from "./mta_session.ts";
import { type CallOptions, checkCall, checkMilters, checkSending, type SendOptions } from "./options.ts";
import type { SendResult } from "./result.ts";

/** How a pool is used. */
export interface PoolOptions extends CallOptions {
  /** The most sessions that are open at once; who comes when all are busy waits. 8 by default. */
  readonly size?: number;
  /** How long a session may wait for its next message, in milliseconds, before it is closed; 30,000 by default. */
  readonly idle?: number;
}

/** A session that waits for its next message. */
interface Resting {
  readonly session: MtaSession;
  readonly timer: ReturnType<typeof setTimeout>;
}

/**
 * Sessions with the same milters, for one SMTP client, each used for one message after the other: as from a program
 * that sends mail of its own.
 *
 * @example
 * ```ts
 * import { accept, serve } from "@kilter/milter";
 * import { MilterPool } from "@kilter/milter/client";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve(() => accept(), { listen: "inet:0@127.0.0.1" });
 * await using pool = new MilterPool(server.address, { size: 2 });
 * const from = "web@client.example";
 * const results = await Promise.all(
 *   ["a@mx.example", "b@mx.example", "c@mx.example"].map((to) => pool.send("Subject: Hello\n\n", { from, to })),
 * );
 * assertEquals(results.map(({ outcome }) => outcome), ["accepted", "accepted", "accepted"]);
 * assertEquals(pool.open, 2);
 * ```
 */
export class MilterPool implements AsyncDisposable {
  readonly #milters: readonly (string | Address)[];
  readonly #options: PoolOptions;
  readonly #size: number;
  readonly #idle: number;
  readonly #resting: Resting[] = [];
  readonly #waiting: (() => void)[] = [];
  #open = 0;
  #closed = false;

  /**
   * A pool with no session yet: the first message opens one.
   *
   * @throws {TypeError} if an option is none.
   */
  constructor(milters: string | Address | readonly (string | Address)[], options: PoolOptions = {}) {
    const { size = 8, idle = 30_000 } = options;
    if (!Number.isInteger(size) || size < 1) {
      throw new TypeError("Cannot make a pool: size is no whole number from 1 on");
    }
    if (!(idle > 0)) throw new TypeError("Cannot make a pool: idle is no positive number");
    checkCall(options);
    this.#milters = checkMilters(milters);
    this.#options = options;
    this.#size = size;
    this.#idle = idle;
  }

  /** How many sessions are open. */
  get open(): number {
    return this.#open;
  }

  /**
   * Sends a message over a session that is free, or a new one.
   *
   * @throws {TypeError | MilterError} as {@linkcode send} does; `CONNECTION` if the pool is closed.
   */
  async send(message: MessageSource, options: SendOptions): Promise<SendResult> {
    checkSending(options);
    const session = await this.#take();
    try {
      const result = await session.send(message, options);
      // A milter that has failed may work again by the next message.
      await this.#give(session, result.milters.every(({ failure }) => failure === undefined));
      return result;
    } catch (error) {
      await this.#give(session, false);
      throw error;
    }
  }

  /** Closes the sessions that are free now, and the others when their message has its verdict. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const wake of this.#waiting.splice(0)) wake();
    await Promise.all(
      this.#resting.splice(0).map(({ session, timer }) => {
        clearTimeout(timer);
        return this.#end(session);
      }),
    );
  }

  /** As {@linkcode MilterPool.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #take(): Promise<MtaSession> {
    for (;;) {
      if (this.#closed) throw new MilterError("CONNECTION", "Cannot send: the pool is closed");
      const resting = this.#resting.pop();
      if (resting !== undefined) {
        clearTimeout(resting.timer);
        return resting.session;
      }
      if (this.#open < this.#size) break;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#open++;
    try {
      return await callMilters(this.#milters, this.#options);
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  async #give(session: MtaSession, healthy: boolean): Promise<void> {
    if (!healthy || !session.open || this.#closed) return await this.#end(session);
    const resting: Resting = {
      session,
      timer: setTimeout(() => {
        this.#resting.splice(this.#resting.indexOf(resting), 1);
        this.#end(session);
      }, this.#idle),
    };
    this.#resting.push(resting);
    this.#waiting.shift()?.();
  }

  /** Ends a session; what its milters say to that no longer matters. */
  async #end(session: MtaSession): Promise<void> {
    try {
      await session[Symbol.asyncDispose]();
    } catch (error) {
      if (!(error instanceof MilterError)) throw error;
    } finally {
      this.#leave();
    }
  }

  #leave(): void {
    this.#open--;
    this.#waiting.shift()?.();
  }
}
