/** The tables in which results are shown. */

import type { FigureName } from "./figures.ts";

/** A column: one figure of one course. */
export interface Column {
  readonly title: string;
  readonly course: string;
  readonly figure: FigureName;
  /** With the lowest and the highest of the rounds. */
  readonly spread?: boolean;
}

/** A table: a row for each contender. */
export interface Table {
  readonly title: string;
  readonly about: string;
  readonly columns: readonly Column[];
}

/** Columns of one figure: a course for each, with its title. */
function each(figure: FigureName, courses: Readonly<Record<string, string>>, spread = false): Column[] {
  return Object.entries(courses).map(([course, title]) => ({ title, course, figure, spread }));
}

const FILTERS: Readonly<Record<string, string>> = {
  answered: "every event answered",
  default: "default negotiation",
  end: "one answer, at the end",
};

/** All of them. */
export const TABLES: readonly Table[] = [
  {
    title: "Messages a second",
    about: "16 connections, a message on each, 12 headers, 4 KB of body. Median, lowest and highest round. " +
      "Only Kilter has another negotiation by default: others answer everything then.",
    columns: [
      ...each("perSecond", FILTERS, true),
      ...each("perSecond", { unix: "Unix socket, every event" }, true),
    ],
  },
  {
    title: "Processor time",
    about: "Microseconds of the filter's process for each of these messages.",
    columns: each("processor", { ...FILTERS, unix: "Unix socket, every event" }),
  },
  {
    title: "Answers",
    about: "How many answers a message took, those to the negotiation, CONNECT and HELO included.",
    columns: each("answers", FILTERS),
  },
  {
    title: "How long a message takes",
    about: "Milliseconds from MAIL to the last answer, every event answered.",
    columns: [
      ...["1x1", "answered", "256x1", "1000x1"].flatMap((course) => {
        const connections = { "1x1": "1", answered: "16", "256x1": "256", "1000x1": "1,000" }[course];
        return [
          { title: `${connections}: half`, course, figure: "p50" as const },
          { title: `${connections}: 99 of 100`, course, figure: "p99" as const },
        ];
      }),
    ],
  },
  {
    title: "By connections",
    about: "Messages a second, every event answered, by the number of connections and of messages on each.",
    columns: each("perSecond", {
      ...{ "1x1": "1 × 1", answered: "16 × 1", "256x1": "256 × 1", "1000x1": "1,000 × 1" },
      ...{ "1x20": "1 × 20", "16x20": "16 × 20", "256x20": "256 × 20", "1000x20": "1,000 × 20" },
    }),
  },
  {
    title: "By the size of bodies",
    about: "Messages a second without a body and with 4 KB; megabytes a second of larger ones.",
    columns: [
      ...each("perSecond", { "body-0": "none", answered: "4 KB" }),
      ...each("megabytes", {
        ...{ "body-1m": "1 MB, MB/s", "end-1m": "1 MB, one answer, MB/s", "body-50m": "50 MB, MB/s" },
      }),
    ],
  },
  {
    title: "Not pinned",
    about: "Messages a second when filter and load generator may use any processor.",
    columns: each(
      "perSecond",
      Object.fromEntries(Object.entries(FILTERS).map(([course, title]) => [`${course}-free`, title])),
      true,
    ),
  },
  {
    title: "Workers",
    about:
      "Messages a second of `kilter serve` with one worker and with two, not pinned. What one worker and the " +
      "load generator leave of the processors is all that a second can use.",
    columns: [
      ...each("perSecond", { workers: "every event answered" }, true),
      ...each("processor", { workers: "workers, µs a message" }),
      ...each("busy", { workers: "load generator, %" }),
    ],
  },
  {
    title: "Memory and start-up",
    about:
      "Memory of the process and its children: at rest, for each of 1,000 idle connections, and what a body " +
      "of 100 MB adds at its peak. Milliseconds from the start of the process to its first answer.",
    columns: [
      { title: "at rest, MB", course: "memory", figure: "rest" },
      { title: "idle connection, KB", course: "memory", figure: "idle" },
      { title: "100 MB, MB", course: "memory", figure: "growth" },
      { title: "100 MB, one answer, MB", course: "memory-end", figure: "growth" },
      { title: "the same, slowly read, MB", course: "memory-slow", figure: "growth" },
      { title: "start-up, ms", course: "start-up", figure: "startUp" },
    ],
  },
  {
    title: "How busy the load generator was",
    about: "In percent of its processor: near 100 the figure is its own.",
    columns: each("busy", { ...FILTERS, "body-1m": "1 MB bodies" }),
  },
];
