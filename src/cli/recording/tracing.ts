import type { Terminal } from "../terminal.ts";
import type { Deed, Side } from "./entry.ts";
import type { Audience } from "./proxy.ts";
import type { Recorder } from "./recorder.ts";
import { Redactor } from "./redactor.ts";
import type { View } from "./views.ts";

/** What is done with what passes. */
export interface TracingOptions {
  readonly terminal: Terminal;
  readonly view: View;
  readonly recorder: Recorder | undefined;
  /** Whether what tells of people is left out, of what is shown and recorded. */
  readonly redact: boolean;
}

/** How much has passed. */
export interface Counts {
  readonly connections: number;
  /** Connections that the filter did not take. */
  readonly failed: number;
  /** Packets of MTAs and of filters, and pieces that are no packet. */
  readonly mta: number;
  readonly filter: number;
  readonly raw: number;
}

/** Shows, records and counts what passes through a proxy. */
export class Tracing implements Audience {
  readonly #options: TracingOptions;
  readonly #redactors = new Map<number, Redactor>();
  readonly #started: number = performance.now();
  readonly #counts: { -readonly [What in keyof Counts]: number } = {
    connections: 0,
    failed: 0,
    mta: 0,
    filter: 0,
    raw: 0,
  };

  constructor(options: TracingOptions) {
    this.#options = options;
  }

  get counts(): Counts {
    return this.#counts;
  }

  /** The counts for a person. */
  summary(): string {
    const { connections, failed, mta, filter, raw } = this.#counts;
    const parts = [
      count(connections, "connection"),
      `${count(mta, "packet")} from the MTA, ${filter} from the filter`,
      ...failed === 0 ? [] : [`${count(failed, "connection")} could not be forwarded`],
      ...raw === 0 ? [] : [`${count(raw, "piece")} that ${raw === 1 ? "is" : "are"} no packet`],
    ];
    return parts.join("; ");
  }

  opened(connection: number, peer: string): void {
    this.#counts.connections++;
    if (this.#options.redact) this.#redactors.set(connection, new Redactor());
    this.#options.view.happening({ connection, event: "opened", about: peer });
  }

  saw(connection: number, side: Side, deed: Deed): void {
    if (deed.what === "packet") this.#counts[side]++;
    if (deed.what === "raw") this.#counts.raw++;
    const shown = this.#redactors.get(connection)?.redact(side, deed) ?? deed;
    const t = Math.round(performance.now() - this.#started);
    const entry = { t, connection, side, ...shown };
    this.#options.recorder?.take(entry);
    this.#options.view.entry(entry);
  }

  failed(connection: number, error: Error): void {
    this.#counts.failed++;
    this.#options.view.happening({ connection, event: "failed", about: error.message });
  }

  closed(connection: number): void {
    this.#redactors.delete(connection);
    this.#options.view.happening({ connection, event: "closed" });
  }

  room(): Promise<void> | undefined {
    return this.#options.terminal.room?.() ?? this.#options.recorder?.room();
  }
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
