import { MilterError } from "../../mod.ts";
import { prometheus } from "../../src/observe/prometheus.ts";
import { assert, assertEquals, assertThrows, test } from "../harness.ts";
import { playMails } from "./mails.ts";

/** The values in a text of metrics, by name and labels; a line that is none fails. */
function read(text: string): Map<string, number> {
  assert(text.endsWith("\n"));
  const values = new Map<string, number>();
  for (const line of text.slice(0, -1).split("\n")) {
    if (/^# (HELP \w+ \S.*|TYPE \w+ (counter|gauge|summary|histogram))$/.test(line)) continue;
    const [, name, value] = /^(\w+(?:\{(?:\w+="(?:[^"\\\n]|\\.)*",?)+\})?) (\S+)$/.exec(line) ?? [];
    assert(name !== undefined && !values.has(name), line);
    values.set(name, Number(value));
  }
  return values;
}

test("prometheus counts messages, recipients, edits and failures", async () => {
  const metrics = prometheus();
  await playMails(metrics);
  const values = read(metrics.text());
  const expected: Readonly<Record<string, number>> = {
    "kilter_connections": 0,
    "kilter_connections_total": 1,
    "kilter_messages": 0,
    'kilter_messages_total{verdict="accept",filter="judge"}': 1,
    'kilter_messages_total{verdict="quarantine",filter="judge"}': 1,
    'kilter_messages_total{verdict="reject",filter="judge"}': 1,
    'kilter_messages_total{verdict="tempfail",filter="judge"}': 1,
    'kilter_messages_total{verdict="none",filter=""}': 1,
    "kilter_message_seconds_count": 5,
    'kilter_message_seconds_bucket{le="+Inf"}': 5,
    "kilter_filter_seconds_count": 5,
    'kilter_event_seconds_count{event="mail"}': 5,
    'kilter_event_seconds_count{event="connect"}': 1,
    'kilter_recipients_total{refusal="reject"}': 3,
    "kilter_body_bytes_total": 14,
    'kilter_edits_total{type="insertHeader"}': 2,
    'kilter_edits_total{type="quarantine"}': 1,
    'kilter_filter_failures_total{filter="judge",code="OTHER"}': 1,
    "kilter_connections_denied_total": 0,
  };
  for (const [name, value] of Object.entries(expected)) assertEquals([name, values.get(name)], [name, value]);
  const seconds = values.get("kilter_message_seconds_sum")!;
  assert(seconds > 0 && seconds < 60, String(seconds));
});

test("prometheus keeps its buckets in order, each with what is below it", () => {
  const metrics = prometheus({ prefix: "mail", buckets: [10, 0.1, 1] });
  for (const ms of [50, 100, 500, 5000, 50_000]) {
    metrics.messageEnded?.({ duration: ms, filterTime: 0, recipients: [], bodyBytes: 0, edits: [] } as never);
  }
  const lines = metrics.text().split("\n").filter((line) => line.startsWith("mail_message_seconds"));
  assertEquals(lines, [
    'mail_message_seconds_bucket{le="0.1"} 2',
    'mail_message_seconds_bucket{le="1"} 3',
    'mail_message_seconds_bucket{le="10"} 4',
    'mail_message_seconds_bucket{le="+Inf"} 5',
    "mail_message_seconds_sum 55.65",
    "mail_message_seconds_count 5",
  ]);
});

test("prometheus escapes what stands in a label, and has no label for each text of an error", () => {
  const metrics = prometheus();
  const filter = 'a "filter" of\n\\ mine';
  metrics.filterFailed?.({ filter, error: new Error("one"), message: {} as never, watched: false });
  metrics.filterFailed?.({ filter, error: "two", message: {} as never, watched: false });
  metrics.filterFailed?.({
    filter,
    error: new MilterError("TIMEOUT", "late"),
    message: {} as never,
    watched: false,
  });
  const values = read(metrics.text());
  const label = 'filter="a \\"filter\\" of\\n\\\\ mine"';
  assertEquals(values.get(`kilter_filter_failures_total{${label},code="OTHER"}`), 2);
  assertEquals(values.get(`kilter_filter_failures_total{${label},code="TIMEOUT"}`), 1);
});

test("prometheus counts connections that could not be taken", () => {
  const metrics = prometheus();
  metrics.acceptFailed?.({ error: new MilterError("CONNECTION", "no descriptor") });
  assertEquals(read(metrics.text()).get("kilter_accept_failures_total"), 1);
});

test("prometheus refuses a prefix that begins no name", () => {
  for (const prefix of ["", "1", "a-b", "a b"]) assertThrows(() => prometheus({ prefix }), TypeError);
});
