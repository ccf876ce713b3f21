import { type ErrorCode, MilterError } from "../errors.ts";
import type { Address } from "../adapters/address.ts";
import type { ShutdownOptions } from "../server/server.ts";

/** What a supervisor asks its workers: each question, what comes with it, and the answer. */
export interface Questions {
  /** To serve; the first that is asked, and once. */
  readonly start: { readonly data: unknown; readonly answer: Started };
  /** How it fares. One that is busy does not answer. */
  readonly state: { readonly data: undefined; readonly answer: WorkerLoad };
  /** Its metrics, as Prometheus reads them; empty if it keeps none. */
  readonly metrics: { readonly data: undefined; readonly answer: string };
  /** To take no more connections, and to end. */
  readonly shutdown: { readonly data: ShutdownOptions; readonly answer: Ended };
}

/** A worker that serves. */
export interface Started {
  /** Where it listens, for each descriptor that it was given. */
  readonly addresses: readonly Address[];
}

/** A worker that has served. */
export interface Ended {
  /** How many connections had not ended when the time was up. */
  readonly late: number;
  /** Its metrics, for the last time. */
  readonly metrics: string;
}

/** What a worker has to do. */
export interface WorkerLoad {
  /** How many connections it has. */
  readonly connections: number;
}

/** How each question is answered. */
export type Answers = {
  readonly [Name in keyof Questions]: (
    data: Questions[Name]["data"],
  ) => Questions[Name]["answer"] | Promise<Questions[Name]["answer"]>;
};

/** What goes from one process to the other. */
type Packet =
  | { readonly type: "ask"; readonly id: number; readonly name: keyof Questions; readonly data: unknown }
  | { readonly type: "answer"; readonly id: number; readonly value?: unknown; readonly error?: Failure }
  | { readonly type: "tell"; readonly data: unknown };

/** An error on its way to another process. */
interface Failure {
  readonly name: string;
  readonly message: string;
  readonly code?: ErrorCode;
}

/** Somebody who waits for an answer. */
interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** What a link is to do with what comes. */
export interface LinkOptions {
  /** Sends a text to the other process, and never fails. */
  readonly send: (text: string) => void;
  /** Answers questions; without it nothing is asked. */
  readonly answers?: Answers;
  /** Takes what was told without a question. */
  readonly onTell?: (data: unknown) => void;
}

/** One end of what connects a supervisor and a worker. Both are of the same version. */
export class Link {
  readonly #options: LinkOptions;
  readonly #waiting: Map<number, Waiting> = new Map();
  #asked = 0;
  #closed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /**
   * Asks the other side.
   *
   * @throws {MilterError} `TIMEOUT` if there is no answer within so many milliseconds, `CONNECTION` if the other side
   * has ended.
   */
  async ask<Name extends keyof Questions>(
    name: Name,
    data: Questions[Name]["data"],
    timeout: number = Infinity,
  ): Promise<Questions[Name]["answer"]> {
    if (this.#closed) throw ended();
    const id = ++this.#asked;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      if (timeout === Infinity) return;
      timer = setTimeout(() => {
        reject(new MilterError("TIMEOUT", `Cannot wait: a worker has not answered for ${timeout} ms`));
      }, timeout);
    });
    this.#send({ type: "ask", id, name, data });
    try {
      // The other side is of this version, and has answered this question.
      return await answer as Questions[Name]["answer"];
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** Tells the other side something that needs no answer. */
  tell(data: unknown): void {
    this.#send({ type: "tell", data });
  }

  /** Takes a text of the other side. */
  receive(text: string): void {
    const packet = JSON.parse(text, revived) as Packet;
    if (packet.type === "tell") this.#options.onTell?.(packet.data);
    else if (packet.type === "ask") void this.#answer(packet.id, packet.name, packet.data);
    else if (packet.error === undefined) this.#waiting.get(packet.id)?.resolve(packet.value);
    else this.#waiting.get(packet.id)?.reject(errorOf(packet.error));
  }

  /** The other side has ended: nobody is kept waiting. */
  close(): void {
    this.#closed = true;
    for (const { reject } of this.#waiting.values()) reject(ended());
  }

  async #answer<Name extends keyof Questions>(id: number, name: Name, data: unknown): Promise<void> {
    try {
      const value = await this.#options.answers?.[name](data as Questions[Name]["data"]);
      this.#send({ type: "answer", id, value });
    } catch (error) {
      this.#send({ type: "answer", id, error: failureOf(error) });
    }
  }

  #send(packet: Packet): void {
    if (!this.#closed) this.#options.send(JSON.stringify(packet, sent));
  }
}

function ended(): MilterError {
  return new MilterError("CONNECTION", "Cannot ask a worker: it has ended");
}

/** JSON has no word for what has no limit. */
const NO_LIMIT = "\u221e";

function sent(_name: string, value: unknown): unknown {
  return value === Infinity ? NO_LIMIT : value;
}

function revived(_name: string, value: unknown): unknown {
  return value === NO_LIMIT ? Infinity : value;
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { name, message } = error;
  return error instanceof MilterError ? { name, message, code: error.code } : { name, message };
}

function errorOf({ name, message, code }: Failure): Error {
  if (code !== undefined) return new MilterError(code, message);
  if (name === "TypeError") return new TypeError(message);
  return name === "RangeError" ? new RangeError(message) : new Error(message);
}
