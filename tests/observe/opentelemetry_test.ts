import {
  type Attributes,
  type Meter,
  metrics,
  type Span,
  type SpanOptions,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import { openTelemetry, type OpenTelemetryOptions } from "../../src/opentelemetry/mod.ts";
import { assert, assertEquals, test } from "../harness.ts";
import { playMails } from "./mails.ts";

interface SpanNotes {
  readonly options: SpanOptions;
  readonly attributes: Attributes;
  readonly events: string[];
  readonly exceptions: unknown[];
  status?: number;
  end?: number;
}

/** Plays the mails, and gives what an SDK is given. */
async function record(options: OpenTelemetryOptions = {}) {
  const spans: SpanNotes[] = [];
  const sums = new Map<string, number>();
  const tracer: Partial<Tracer> = {
    startSpan(_name: string, options: SpanOptions = {}): Span {
      const notes: SpanNotes = { options, attributes: {}, events: [], exceptions: [] };
      spans.push(notes);
      return {
        addEvent: (name: string) => notes.events.push(name),
        setAttributes: (attributes: Attributes) => Object.assign(notes.attributes, attributes),
        recordException: (error: unknown) => notes.exceptions.push(error),
        setStatus: ({ code }: { readonly code: number }) => notes.status = code,
        end: (time: number) => void (notes.end = time),
      } as unknown as Span;
    },
  };
  const instrument = (name: string) => {
    const add = (value: number, labels: Attributes = {}) => {
      const key = `${name} ${Object.values(labels).join(" ")}`.trim();
      sums.set(key, (sums.get(key) ?? 0) + value);
    };
    return { add, record: (_: number, labels?: Attributes) => add(1, labels) };
  };
  const meter = { createCounter: instrument, createUpDownCounter: instrument, createHistogram: instrument };
  trace.setGlobalTracerProvider({ getTracer: () => tracer as Tracer });
  metrics.setGlobalMeterProvider({ getMeter: () => meter as unknown as Meter });
  try {
    await playMails(openTelemetry(options));
  } finally {
    trace.disable();
    metrics.disable();
  }
  return { spans, sums };
}

test("openTelemetry gives a span for each message, with what is known of it", async () => {
  const before = performance.timeOrigin + performance.now();
  const { spans } = await record();
  const after = performance.timeOrigin + performance.now();
  assertEquals(spans.map(({ attributes }) => attributes["milter.verdict"]), [
    ...["accept", "quarantine", "reject", "tempfail", "none"],
  ]);
  const [good, , , broken, gone] = spans;
  assertEquals(good!.options.attributes, { "client.address": "192.0.2.1" });
  const { "milter.edits": edits, ...attributes } = good!.attributes;
  assertEquals(edits, ["insertHeader"]);
  assertEquals(attributes, {
    "milter.queue_id": "4bXyZ12345",
    "milter.helo": "client.example",
    "milter.verdict": "accept",
    "milter.filter": "judge",
    "milter.recipients": 2,
    "milter.recipients.refused": 1,
    "milter.headers": 1,
    "milter.body.size": 7,
    "milter.stage": "endOfMessage",
  });
  assertEquals(good!.events, [
    ...["mail", "rcpt", "rcpt", "data", "header", "endOfHeaders", "body", "verdict", "endOfMessage"],
  ]);
  for (const { options: { startTime }, end } of spans) {
    assert(typeof startTime === "number" && startTime >= before && end! >= startTime && end! <= after + 1);
  }
  assertEquals([broken!.status, (broken!.exceptions[0] as Error).message], [2, "boom"]);
  assertEquals([gone!.attributes["error.type"], gone!.status], ["ABORTED", undefined]);
});

test("openTelemetry counts messages, failures and connections", async () => {
  const { sums } = await record();
  assertEquals(Object.fromEntries(sums), {
    "milter.connections": 0,
    "milter.messages accept judge": 1,
    "milter.messages quarantine judge": 1,
    "milter.messages reject judge": 1,
    "milter.messages tempfail judge": 1,
    "milter.messages none": 1,
    "milter.message.duration accept judge": 1,
    "milter.message.duration quarantine judge": 1,
    "milter.message.duration reject judge": 1,
    "milter.message.duration tempfail judge": 1,
    "milter.message.duration none": 1,
    "milter.filter.duration accept judge": 1,
    "milter.filter.duration quarantine judge": 1,
    "milter.filter.duration reject judge": 1,
    "milter.filter.duration tempfail judge": 1,
    "milter.filter.duration none": 1,
    "milter.filter.failures judge Error": 1,
  });
});

test("openTelemetry tells addresses only if it is told to", async () => {
  for (const addresses of [false, true]) {
    const { spans } = await record({ addresses });
    assertEquals(JSON.stringify(spans).includes("good@example.com"), addresses);
  }
});

test("openTelemetry does nothing, and harms nothing, where no SDK is set up", async () => {
  await playMails(openTelemetry());
});
