/**
 * Metrics of a server in the text format of [Prometheus](https://prometheus.io/docs/instrumenting/exposition_formats/),
 * without a package of it.
 *
 * ```ts
 * import { accept, serve } from "@kilter/milter";
 * import { prometheus } from "@kilter/milter/prometheus";
 *
 * const metrics = prometheus();
 * await using server = await serve(() => accept(), { listen: "inet:0@127.0.0.1", observer: metrics });
 * const answer = () => new Response(metrics.text(), { headers: { "content-type": metrics.contentType } });
 * ```
 *
 * @module
 */

import { MilterError } from "../errors.ts";
import type { Observer } from "../session/observer.ts";
import { Metric, type MetricDefinition } from "./metric.ts";

export { sumMetrics, type SumMetricsOptions } from "./sum_metrics.ts";

/** How metrics are kept. */
export interface PrometheusOptions {
  /** What the names of the metrics begin with; `"kilter"` by default. */
  readonly prefix?: string;
  /** The upper bounds of the buckets of times, in seconds; from 1 ms to 5 min by default. */
  readonly buckets?: readonly number[];
}

/** Metrics that are kept as a server is observed. */
export interface PrometheusMetrics extends Observer {
  /** All metrics, as Prometheus reads them. */
  text(): string;
  /** The type of that text. */
  readonly contentType: string;
}

/** From a filter that looks at nothing to one that an MTA gives up. */
const BUCKETS: readonly number[] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

const METRICS = {
  connections: { type: "gauge", help: "Connections from MTAs that are open" },
  connections_total: { type: "counter", help: "Connections from MTAs" },
  connection_failures_total: {
    type: "counter",
    help: "Connections that did not end in peace, by error code",
    labels: ["code"],
  },
  connections_denied_total: { type: "counter", help: "Connections of peers that may not connect" },
  messages: { type: "gauge", help: "Messages that are being judged" },
  messages_total: {
    type: "counter",
    help: "Messages that have ended, by verdict and by the filter that gave it",
    labels: ["verdict", "filter"],
  },
  message_seconds: { type: "histogram", help: "Time from MAIL to the verdict" },
  filter_seconds: { type: "histogram", help: "Part of that time in which the MTA waited for the filters" },
  event_seconds: { type: "summary", help: "Time that the filters held an event", labels: ["event"] },
  recipients_total: {
    type: "counter",
    help: "Recipients, by whether and how a filter refused them",
    labels: ["refusal"],
  },
  body_bytes_total: { type: "counter", help: "Bytes of bodies that the filters were shown" },
  edits_total: { type: "counter", help: "Edits, by type", labels: ["type"] },
  filter_failures_total: {
    type: "counter",
    help: "Failures of filters, by filter and error code",
    labels: ["filter", "code"],
  },
  loop_blocked_seconds: { type: "summary", help: "Times in which the process was busy, and served nobody" },
  limits_total: {
    type: "counter",
    help: "Limits that were hit, and what became of it",
    labels: ["limit", "outcome"],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/**
 * Metrics for Prometheus: an observer that counts.
 *
 * @throws {TypeError} if the prefix cannot begin the name of a metric.
 *
 * @example
 * ```ts
 * import { prometheus } from "@kilter/milter/prometheus";
 * import { assertStringIncludes } from "@std/assert";
 *
 * assertStringIncludes(prometheus().text(), "# TYPE kilter_connections gauge\nkilter_connections 0\n");
 * ```
 */
export function prometheus(
  { prefix = "kilter", buckets = BUCKETS }: PrometheusOptions = {},
): PrometheusMetrics {
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(prefix)) {
    throw new TypeError(`Cannot name metrics: ${JSON.stringify(prefix)} cannot begin a name`);
  }
  const metrics = Object.fromEntries(
    Object.entries(METRICS).map(([name, row]) => [name, new Metric(`${prefix}_${name}`, row, buckets)]),
  ) as Record<keyof typeof METRICS, Metric>;
  return {
    contentType: "text/plain; version=0.0.4; charset=utf-8",
    text: () => Object.values(metrics).map(String).join(""),
    connectionOpened() {
      metrics.connections.add(1);
      metrics.connections_total.add(1);
    },
    connectionClosed({ error }) {
      metrics.connections.add(-1);
      if (error !== undefined) metrics.connection_failures_total.add(1, codeOf(error));
    },
    connectionDenied() {
      metrics.connections_denied_total.add(1);
    },
    messageBegan() {
      metrics.messages.add(1);
    },
    eventAnswered({ type, duration }) {
      metrics.event_seconds.add(duration / 1000, type);
    },
    messageEnded({ verdict, filter = "", duration, filterTime, recipients, bodyBytes, edits }) {
      metrics.messages.add(-1);
      metrics.messages_total.add(1, verdict?.type ?? "none", filter);
      metrics.message_seconds.add(duration / 1000);
      metrics.filter_seconds.add(filterTime / 1000);
      metrics.body_bytes_total.add(bodyBytes);
      for (const { refusal } of recipients) {
        metrics.recipients_total.add(1, refusal?.type ?? "none");
      }
      for (const { reply } of edits) metrics.edits_total.add(1, reply.type);
    },
    filterFailed({ filter = "", error }) {
      metrics.filter_failures_total.add(1, filter, codeOf(error));
    },
    loopBlocked({ duration }) {
      metrics.loop_blocked_seconds.add(duration / 1000);
    },
    limitReached({ limit, outcome }) {
      metrics.limits_total.add(1, limit, outcome);
    },
  };
}

/** An error in a word; those that are none of this library's are all one, lest there be a metric for each text. */
function codeOf(error: unknown): string {
  return error instanceof MilterError ? error.code : "OTHER";
}
