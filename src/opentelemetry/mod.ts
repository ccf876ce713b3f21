/**
 * Traces and metrics of a server by [OpenTelemetry](https://opentelemetry.io): a span for each message, with an event
 * for each stage of it, and metrics of messages, filters and connections.
 *
 * It stands on [@opentelemetry/api](https://www.npmjs.com/package/@opentelemetry/api), an optional peer of this package
 * on npm: install it beside it. Where the data goes is set up with OpenTelemetry's own SDK, before the server starts.
 *
 * ```ts
 * import { accept, serve } from "@kilter/milter";
 * import { openTelemetry } from "@kilter/milter/opentelemetry";
 *
 * await using server = await serve(() => accept(), { listen: "inet:0@127.0.0.1", observer: openTelemetry() });
 * ```
 *
 * @module
 */

import {
  type Attributes,
  type Meter,
  metrics,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { MilterError } from "../errors.ts";
import type { ObservedMessage, Observer } from "../session/observer.ts";

/** What is told. */
export interface OpenTelemetryOptions {
  /** Whether the addresses of senders and recipients are attributes; `false` by default. */
  readonly addresses?: boolean;
}

/** The name by which the SDK knows where the data comes from. */
const NAME = "@kilter/milter";

/** An observer that gives what it sees to the SDK of OpenTelemetry that is set up by then; without one, to nobody. */
export function openTelemetry({ addresses = false }: OpenTelemetryOptions = {}): Observer {
  const tracer = trace.getTracer(NAME);
  const instruments = instrumentsOf(metrics.getMeter(NAME));
  const spans = new WeakMap<ObservedMessage, Span>();
  return {
    connectionOpened: () => instruments.connections.add(1),
    connectionClosed: () => instruments.connections.add(-1),
    messageBegan(message) {
      const { connection, client } = message;
      const startTime = epoch(message.startTime);
      const attributes = present({
        "network.peer.address": connection.peer,
        "client.address": client.address,
      });
      spans.set(message, tracer.startSpan("message", { kind: SpanKind.SERVER, startTime, attributes }));
    },
    eventAnswered({ message, type, startTime, duration }) {
      spans.get(message)?.addEvent(type, { "milter.filter.duration": duration / 1000 }, epoch(startTime));
    },
    verdictReached(message) {
      spans.get(message)?.addEvent("verdict", present({ "milter.verdict": message.verdict?.type }));
    },
    filterFailed({ message, filter, error, watched }) {
      instruments.failures.add(1, present({ "milter.filter": filter, "error.type": typeOf(error) }));
      const span = spans.get(message);
      span?.recordException(error instanceof Error ? error : String(error));
      if (!watched) span?.setStatus({ code: SpanStatusCode.ERROR, message: "the filter failed" });
    },
    limitReached({ limit, outcome }) {
      instruments.limits.add(1, { "milter.limit": limit, "milter.outcome": outcome });
    },
    messageEnded(message) {
      const { verdict, filter, duration, filterTime, startTime } = message;
      const labels = present({ "milter.verdict": verdict?.type ?? "none", "milter.filter": filter });
      instruments.messages.add(1, labels);
      instruments.duration.record(duration / 1000, labels);
      instruments.filterTime.record(filterTime / 1000, labels);
      const span = spans.get(message);
      span?.setAttributes(attributesOf(message, addresses));
      span?.end(epoch(startTime + duration));
      spans.delete(message);
    },
  };
}

function instrumentsOf(meter: Meter) {
  return {
    connections: meter.createUpDownCounter("milter.connections", {
      description: "Connections from MTAs that are open",
      unit: "{connection}",
    }),
    messages: meter.createCounter("milter.messages", {
      description: "Messages that have ended",
      unit: "{message}",
    }),
    duration: meter.createHistogram("milter.message.duration", {
      description: "Time from MAIL to the verdict",
      unit: "s",
    }),
    filterTime: meter.createHistogram("milter.filter.duration", {
      description: "Part of that time in which the MTA waited for the filters",
      unit: "s",
    }),
    failures: meter.createCounter("milter.filter.failures", {
      description: "Failures of filters",
      unit: "{failure}",
    }),
    limits: meter.createCounter("milter.limits", { description: "Limits that were hit", unit: "{hit}" }),
  };
}

/** What is known of a message when it has ended. */
function attributesOf(message: ObservedMessage, addresses: boolean): Attributes {
  const { queueId, helo, sender, recipients, verdict, filter, edits, error } = message;
  return present({
    "milter.queue_id": queueId,
    "milter.helo": helo,
    "milter.verdict": verdict?.type ?? "none",
    "milter.filter": filter,
    "milter.recipients": recipients.length,
    "milter.recipients.refused": recipients.filter(({ refusal }) => refusal !== undefined).length,
    "milter.headers": message.headers,
    "milter.body.size": message.bodyBytes,
    "milter.edits": edits.map(({ reply }) => reply.type),
    "milter.stage": message.stage,
    "milter.mta": message.connection.mta.name,
    "error.type": error === undefined ? undefined : typeOf(error),
    "milter.sender": addresses ? sender?.address : undefined,
    "milter.recipient_addresses": addresses ? recipients.map(({ address }) => address) : undefined,
  });
}

/** Attributes without those that have no value. */
function present(attributes: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).filter(([, value]) => value !== undefined && value !== ""),
  );
}

/** An error in a word. */
function typeOf(error: unknown): string {
  if (error instanceof MilterError) return error.code;
  return error instanceof Error ? error.name : typeof error;
}

/** A time of the library, in milliseconds since 1970. */
function epoch(time: number): number {
  return performance.timeOrigin + time;
}
