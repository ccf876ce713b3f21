import { prometheus, type PrometheusMetrics, sumMetrics } from "../../src/observe/prometheus.ts";
import { assertEquals, assertThrows, property, type Random, test } from "../harness.ts";

/** Something that a server sees. */
type Seen = (metrics: PrometheusMetrics) => void;

/** What may stand in a label. */
const WORDS: readonly string[] = ["", "judge", 'a "b"', "x} 5", "two\nlines", "back\\slash", "# HELP a b"];

/** Something that happens to a server. The sums of its times are exact, in whichever order they are added. */
function happening(random: Random): Seen {
  const word = random.pick(WORDS);
  const duration = 125 * random.between(0, 4000);
  const message = {
    filter: word,
    duration,
    filterTime: duration / 2,
    recipients: [],
    bodyBytes: 7,
    edits: [],
  };
  const error = random.chance() ? undefined : word;
  return random.pick<Seen>([
    (metrics) => metrics.connectionOpened?.({} as never),
    (metrics) => metrics.connectionClosed?.({ error } as never),
    (metrics) => metrics.limitReached?.({ limit: word, outcome: "closed" } as never),
    (metrics) => metrics.eventAnswered?.({ type: word, duration } as never),
    (metrics) => metrics.filterFailed?.({ filter: word, error } as never),
    (metrics) => metrics.messageEnded?.(message as never),
  ]);
}

/** The texts of some servers that have seen something, and that of one which has seen all of it. */
function someTexts(random: Random): { readonly texts: readonly string[]; readonly whole: string } {
  const whole = prometheus();
  const servers = random.list(random.between(1, 5), () => prometheus());
  for (const seen of random.list(random.below(60), () => happening(random))) {
    seen(whole);
    seen(random.pick(servers));
  }
  return { texts: servers.map((metrics) => metrics.text()), whole: whole.text() };
}

function linesOf(text: string): readonly string[] {
  return text.split("\n");
}

property("sumMetrics of several servers is what one has that saw all", { runs: 100 }, (random) => {
  const { texts, whole } = someTexts(random);
  const sum = sumMetrics(texts);
  // What came first among servers comes first: only within a metric that may differ.
  assertEquals([...linesOf(sum)].sort(), [...linesOf(whole)].sort());
  const comments = (text: string) => linesOf(text).filter((line) => line.startsWith("#"));
  assertEquals(comments(sum), comments(whole));
});

property("sumMetrics of one server is its text", { runs: 100 }, (random) => {
  const { whole } = someTexts(random);
  assertEquals(sumMetrics([whole]), whole);
});

property("sumMetrics takes its own sums: of some, and of some others", { runs: 100 }, (random) => {
  const { texts } = someTexts(random);
  const cut = random.between(0, texts.length);
  const parts = [texts.slice(0, cut), texts.slice(cut)].filter((part) => part.length > 0);
  assertEquals(sumMetrics(parts.map((part) => sumMetrics(part))), sumMetrics(texts));
});

property("sumMetrics keeps what a server that has ended has counted, and nothing that it had open", {
  runs: 100,
}, (random) => {
  const { texts } = someTexts(random);
  const cut = random.between(0, texts.length);
  const [live, ended] = [texts.slice(0, cut), texts.slice(cut)];
  const sum = sumMetrics(live, { ended });
  const isGauge = (line: string) => /^kilter_(connections|messages) /.test(line);
  const others = (text: string) => linesOf(text).filter((line) => !isGauge(line));
  const gauges = (text: string) => linesOf(text).filter(isGauge);
  assertEquals(others(sum), others(sumMetrics(texts)));
  assertEquals(gauges(sum), gauges(sumMetrics(live.length === 0 ? [prometheus().text()] : live)));
  // One text can stand for all that have ended.
  assertEquals(sumMetrics(live, { ended: [sumMetrics([], { ended })] }), sum);
});

property(
  "sumMetrics throws a TypeError at a broken text, or gives one that is whole",
  { runs: 100 },
  (random) => {
    const { whole } = someTexts(random);
    const at = random.below(whole.length);
    const broken = whole.slice(0, at) + random.pick(["", "\n", " ", "#", "x", "}"]) +
      whole.slice(at + random.below(3));
    try {
      const sum = sumMetrics([broken]);
      assertEquals(sumMetrics([sum]), sum);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  },
);

test("sumMetrics of nothing is nothing", () => {
  assertEquals(sumMetrics([]), "");
});

test("sumMetrics adds what is infinite, or no number", () => {
  const [help, type] = ["# HELP a b", "# TYPE a gauge"];
  for (const [one, other, sum] of [["+Inf", "1", "+Inf"], ["-Inf", "+Inf", "NaN"], ["NaN", "1", "NaN"]]) {
    const [first, second] = [one, other].map((value) => `${help}\n${type}\na ${value}\n`);
    assertEquals(sumMetrics([first!, second!]), `${help}\n${type}\na ${sum}\n`);
  }
});

test("sumMetrics refuses what are no metrics, and metrics that differ", () => {
  const metric = "# HELP a b\n# TYPE a gauge\n";
  const cases: readonly (readonly [says: string, ...texts: string[]])[] = [
    ["a text does not end with its last line", `${metric}a 1`],
    ["a 1 is no series", "a 1\n"],
    ["a one 1 is no series", `${metric}a one 1\n`],
    ["one is no number", `${metric}a one\n`],
    ["# HELP a b begins no metric", "# HELP a b\n"],
    ["# HELP a b begins no metric", "# HELP a b\n# TYPE c gauge\n"],
    ["# EOF begins no metric", "# EOF\n"],
    ["a is not the same in all texts", metric, "# HELP a b\n# TYPE a counter\n"],
    ["a is not the same in all texts", metric, "# HELP a c\n# TYPE a gauge\n"],
  ];
  for (const [says, ...texts] of cases) {
    assertThrows(() => sumMetrics(texts), TypeError, `Cannot sum metrics: ${says}`);
  }
});
