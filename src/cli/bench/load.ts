import type { MtaSession, SendResult } from "../../client/mod.ts";

/** How much is sent. */
export interface LoadSize {
  /** Mails in all. */
  readonly messages: number;
  /** Connections at a time. */
  readonly connections: number;
  /** Mails on each connection. */
  readonly each: number;
}

/** What is sent, and how. */
export interface LoadOptions {
  readonly start: () => Promise<MtaSession>;
  readonly mail: Uint8Array;
  readonly envelope: { readonly from: string; readonly to: readonly string[] };
  /** Is called after each mail. */
  readonly step: () => void;
}

/** What was measured. */
export interface LoadReport {
  readonly seconds: number;
  readonly perSecond: number;
  readonly megabytesPerSecond: number;
  /** How long a mail took, with its share of connecting: half of them no longer than `p50`. */
  readonly milliseconds: {
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly most: number;
  };
  readonly outcomes: Readonly<Partial<Record<SendResult["outcome"], number>>>;
  readonly failed: number;
  readonly firstFailure: string | undefined;
}

/** After so many failures in a row nothing more is tried. */
const HOPELESS = 20;

/** Sends a mail again and again, over several connections at a time. */
export class Load {
  readonly #size: LoadSize;
  readonly #options: LoadOptions;
  readonly #times: number[] = [];
  readonly #outcomes: Partial<Record<SendResult["outcome"], number>> = {};
  #begun = 0;
  #failed = 0;
  #failedInARow = 0;
  #firstFailure: string | undefined;

  constructor(size: LoadSize, options: LoadOptions) {
    this.#size = size;
    this.#options = options;
  }

  /** Sends all. @throws {Error} if the milter cannot be reached at first. */
  async run(): Promise<LoadReport> {
    // Told before many connections fail alike.
    await (await this.#options.start())[Symbol.asyncDispose]();
    const start = performance.now();
    await Promise.all(Array.from({ length: this.#size.connections }, () => this.#work()));
    const seconds = (performance.now() - start) / 1000;
    const times = this.#times.sort((one, other) => one - other);
    const at = (part: number) =>
      rounded(times[Math.min(Math.floor(times.length * part), times.length - 1)] ?? 0, 2);
    return {
      seconds: rounded(seconds, 3),
      perSecond: rounded(times.length / seconds, 1),
      megabytesPerSecond: rounded(times.length * this.#options.mail.length / seconds / 1e6, 2),
      milliseconds: { p50: at(0.5), p90: at(0.9), p99: at(0.99), most: at(1) },
      outcomes: this.#outcomes,
      failed: this.#failed,
      firstFailure: this.#firstFailure,
    };
  }

  async #work(): Promise<void> {
    while (this.#begun < this.#size.messages && this.#failedInARow < HOPELESS) {
      const count = Math.min(this.#size.each, this.#size.messages - this.#begun);
      this.#begun += count;
      await this.#connection(count);
    }
  }

  /** One connection with so many mails. */
  async #connection(count: number): Promise<void> {
    let done = 0;
    try {
      let start = performance.now();
      await using session = await this.#options.start();
      for (; done < count; done++) {
        const { outcome } = await session.send(this.#options.mail, this.#options.envelope);
        const end = performance.now();
        this.#times.push(end - start);
        this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1;
        this.#failedInARow = 0;
        this.#options.step();
        start = end;
      }
    } catch (error) {
      this.#firstFailure ??= error instanceof Error ? error.message : String(error);
      this.#failed += count - done;
      this.#failedInARow++;
    }
  }
}

function rounded(number: number, places: number): number {
  return Math.round(number * 10 ** places) / 10 ** places;
}
