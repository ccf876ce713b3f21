/** A metric of several texts: its two lines of comment, and the sum of each of its series. */
interface Family {
  readonly comments: readonly [help: string, type: string];
  /** By the name of the series with its labels, in their order. */
  readonly series: Map<string, number>;
}

/** What else there is to be summed. */
export interface SumMetricsOptions {
  /**
   * The last texts of processes that have ended: what they have counted stays counted, lest a sum go back, and what
   * they had open is gone. None by default.
   */
  readonly ended?: readonly string[];
}

/** Numbers that JavaScript writes in another way than Prometheus. */
const INFINITE: ReadonlyMap<string, number> = new Map([["+Inf", Infinity], ["-Inf", -Infinity]]);

/**
 * The metrics of several servers as those of one, for processes that share their work: each series is the sum of those
 * of the same name and labels. That holds for the buckets of a histogram as well if all have the same bounds.
 *
 * @param texts What {@linkcode PrometheusMetrics.text} gave for each of them.
 * @param options Those that have ended.
 * @throws {TypeError} if one is no such text, or is of the same metric with another meaning.
 *
 * @example
 * ```ts
 * import { sumMetrics } from "@kilter/milter/prometheus";
 * import { assertEquals } from "@std/assert";
 *
 * const text = (mails: number) => `# HELP mails_total Mails\n# TYPE mails_total counter\nmails_total ${mails}\n`;
 * assertEquals(sumMetrics([text(2), text(3)]), text(5));
 * ```
 */
export function sumMetrics(texts: readonly string[], { ended = [] }: SumMetricsOptions = {}): string {
  const families = new Map<string, Family>();
  for (const text of texts) addText(families, text, true);
  for (const text of ended) addText(families, text, false);
  const lines = [...families.values()].flatMap(({ comments, series }) => [
    ...comments,
    ...[...series].map(([name, value]) => `${name} ${numberText(value)}`),
  ]);
  return lines.map((line) => `${line}\n`).join("");
}

/** Adds what one text says to what the ones before it said; a gauge of who has ended is 0. */
function addText(families: Map<string, Family>, text: string, live: boolean): void {
  const lines = text.split("\n");
  if (lines.pop() !== "") refuse("a text does not end with its last line");
  let family: Family | undefined;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    if (line.startsWith("#")) {
      family = familyOf(families, [line, lines[++at] ?? ""]);
    } else {
      const [, name, number] = /^([a-zA-Z_:][\w:]*(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      if (name === undefined || number === undefined || family === undefined) refuse(`${line} is no series`);
      const value = numberIn(number);
      const counts = live || !family.comments[1].endsWith(" gauge");
      family.series.set(name, (family.series.get(name) ?? 0) + (counts ? value : 0));
    }
  }
}

/** The metric that two lines of comment begin. */
function familyOf(families: Map<string, Family>, comments: readonly [help: string, type: string]): Family {
  const [help, type] = comments;
  const [, name] = /^# HELP ([a-zA-Z_:][\w:]*) ./.exec(help) ?? [];
  if (name === undefined || !type.startsWith(`# TYPE ${name} `)) refuse(`${help} begins no metric`);
  const family = families.get(name) ?? { comments, series: new Map<string, number>() };
  if (family.comments.join("\n") !== comments.join("\n")) refuse(`${name} is not the same in all texts`);
  families.set(name, family);
  return family;
}

function numberIn(text: string): number {
  const number = INFINITE.get(text) ?? Number(text);
  if (Number.isNaN(number) && text !== "NaN") refuse(`${text} is no number`);
  return number;
}

function numberText(number: number): string {
  return [...INFINITE].find(([, infinite]) => infinite === number)?.[0] ?? String(number);
}

function refuse(why: string): never {
  throw new TypeError(`Cannot sum metrics: ${why}`);
}
