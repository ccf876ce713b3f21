/** What a metric is. */
export interface MetricDefinition {
  /** A counter and a gauge have a sum, a summary also a count, a histogram also a count for each bucket. */
  readonly type: "counter" | "gauge" | "summary" | "histogram";
  /** What it tells, on one line. */
  readonly help: string;
  /** By what it is told apart; by nothing by default. */
  readonly labels?: readonly string[];
}

/** The numbers of one set of labels. */
interface Series {
  readonly labels: string;
  sum: number;
  count: number;
  /** For each bucket, how many values are not above its bound. */
  readonly buckets: number[];
}

/** A metric as Prometheus has it, with a series for each set of labels. */
export class Metric {
  readonly #name: string;
  readonly #definition: MetricDefinition;
  readonly #bounds: readonly number[];
  readonly #series: Map<string, Series> = new Map();

  constructor(name: string, definition: MetricDefinition, bounds: readonly number[]) {
    this.#name = name;
    this.#definition = definition;
    this.#bounds = definition.type === "histogram" ? [...bounds].sort((one, other) => one - other) : [];
  }

  /** Adds a value, with a value for each label. */
  add(value: number, ...labels: readonly string[]): void {
    const series = this.#of(labels);
    series.sum += value;
    series.count++;
    for (const [at, bound] of this.#bounds.entries()) if (value <= bound) series.buckets[at]!++;
  }

  #of(values: readonly string[]): Series {
    const { labels = [] } = this.#definition;
    const text = labels.map((name, at) => `${name}="${escape(values[at]!)}"`).join(",");
    let series = this.#series.get(text);
    if (series === undefined) {
      series = { labels: text, sum: 0, count: 0, buckets: this.#bounds.map(() => 0) };
      this.#series.set(text, series);
    }
    return series;
  }

  /** The metric as Prometheus reads it. One that has counted nothing yet is 0, if it has no labels. */
  toString(): string {
    const { type, help, labels } = this.#definition;
    if (labels === undefined) this.#of([]);
    const lines = [...this.#series.values()].flatMap((series) => this.#lines(series));
    return [`# HELP ${this.#name} ${help}`, `# TYPE ${this.#name} ${type}`, ...lines, ""].join("\n");
  }

  #lines({ labels, sum, count, buckets }: Series): string[] {
    const { type } = this.#definition;
    if (type === "counter" || type === "gauge") return [this.#line("", labels, sum)];
    const bounded = [
      ...this.#bounds.map((bound, at) => [bound, buckets[at]!] as const),
      ["+Inf", count] as const,
    ];
    const all = type === "histogram" ? bounded : [];
    return [
      ...all.map(([bound, value]) =>
        this.#line("_bucket", [labels, `le="${bound}"`].filter((label) => label !== "").join(","), value)
      ),
      this.#line("_sum", labels, sum),
      this.#line("_count", labels, count),
    ];
  }

  #line(suffix: string, labels: string, value: number): string {
    return `${this.#name}${suffix}${labels === "" ? "" : `{${labels}}`} ${value}`;
  }
}

/** A label's value within its quotes. */
function escape(value: string): string {
  return value.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n");
}
