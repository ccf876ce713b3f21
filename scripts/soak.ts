/** Loads filters for long, and by many at once, and looks at what is left of it: `deno task soak`. */

import { parseArgs } from "node:util";
import { buildLoadgen } from "./bench/loadgen.ts";
import { paint } from "./demo/paper.ts";
import { locate, type Runtime, RUNTIMES } from "./runtimes.ts";
import { CONNECTIONS_GOAL, type ConnectionsResult, measureConnections } from "./soak/connections.ts";
import { FLAT, type MessagesResult, soak } from "./soak/messages.ts";
import { freshPlace, type Place } from "./places.ts";
import { line, progress } from "./soak/print.ts";
import { measureSlow, SLOW_GOAL, type SlowResult } from "./soak/slow.ts";
import { isFlat } from "./soak/trend.ts";

const HELP = `Loads filters for long, and by many at once, and looks at what is left of it.

  deno task soak [options] [messages] [connections] [slow]

  --runtime a,b     only on these: ${RUNTIMES.map(({ name }) => name).join(", ")} (default deno, bun, node24)
  --messages n      how many messages the long run has (default 100000)
  --minutes n       how long it takes at least (default 10)
  --connections n   how many connections it has at once (default 16)
  --rounds n        how often the figures of connections and of slow are taken (default 5)
  --json            prints the results as JSON, and nothing else to the standard output
  --help            this text

messages      A filter in a process of its own gets mails of all kinds, from 600 bytes to 20 MB: accepted, refused,
              edited, taken back, cut off. Every answer must be the expected one. After the first fifth its memory is
              looked at 50 times: the heap, its garbage collected, may grow by ${FLAT.heap} bytes a message, and the
              process by ${FLAT.rss}, V8's room for young objects left out. Then the objects of no class may have
              become more, and no descriptor may be left.
connections   Messages a second with 1,000 connections at once, each message on one of its own, beside 16: at least
              ${CONNECTIONS_GOAL}. For the bare responder too, to tell the runtime's part in it; and how long
              99 of 100 messages take, once they have begun. Needs a C compiler.
slow          What 99 of 100 mails take at the most, beside 500 peers that send a byte now and then: at most ${SLOW_GOAL}
              times as long as alone, and all of them must be cut off by their deadline. Needs a C compiler.

Linux only. Other work on the machine spoils the figures of connections and slow. Exits with 1 if a goal was not met.`;

/** How many messages the smaller parts have. */
const MESSAGES = { connections: 10_000, slow: 5_000 } as const;

interface Options {
  readonly messages: number;
  readonly minutes: number;
  readonly connections: number;
  readonly rounds: number;
  readonly onProgress: (text: string) => void;
}

/** One part: what it measures, how that reads, and whether it is as it should be. */
interface Part<Result> {
  readonly title: string;
  readonly widths: readonly number[];
  readonly heads: readonly string[];
  readonly needsLoadgen: boolean;
  measure(place: Place, options: Options, loadgen: string): Promise<readonly Result[]>;
  cells(result: Result): readonly string[];
  met(result: Result): boolean;
  /** What is said below the line. */
  notes?(result: Result): readonly string[];
}

const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);

const PARTS = {
  messages: part<MessagesResult>({
    title: "Messages: bytes that memory grows by with each, and what is left",
    widths: [8, 26, 8, 14, 13, 12, 14, 16, 11],
    heads: [
      ...["runtime", "messages", "a second", "heap", "halves, MB", "process", "halves, MB"],
      ...["objects", "descriptors"],
    ],
    needsLoadgen: false,
    measure: async (place, options) => [await soak(place, options)],
    cells: ({ messages, connections, seconds, heap, rss, objects, descriptors }) => [
      `${messages}, ${connections} connections`,
      (messages / seconds).toFixed(0),
      `${heap.slope.toFixed(1)} ±${heap.error.toFixed(1)}`,
      heap.halves.map(mb).join(", "),
      `${rss.slope.toFixed(0)} ±${rss.error.toFixed(0)}`,
      rss.halves.map(mb).join(", "),
      objects.join(", "),
      descriptors.join(", "),
    ],
    met: ({ heap, rss, descriptors: [before, after], grown, wrong }) =>
      isFlat(heap, FLAT.heap) && isFlat(rss, FLAT.rss) && after <= before &&
      grown.length + wrong.length === 0,
    notes: ({ grown, wrong }) => [...grown, ...wrong],
  }),
  connections: part<ConnectionsResult>({
    title: "Connections: messages a second; the server's time for each in µs; how long 99 of 100 take in ms",
    widths: [8, 10, 10, 10, 8, 10, 10, 8, 10, 10],
    heads: [
      ...["runtime", "server", "with 16", "with 1000", "ratio", "µs, 16", "µs, 1000", "ratio"],
      ...["ms, 16", "ms, 1000"],
    ],
    needsLoadgen: true,
    measure: (place, options, loadgen) =>
      measureConnections(place, { ...options, loadgen, messages: MESSAGES.connections }),
    cells: ({ server, messagesPerSecond: pace, processorTime: time, longest }) => [
      server,
      ...[pace.few.toFixed(0), pace.many.toFixed(0), pace.ratio.toFixed(2)],
      ...[time.few.toFixed(0), time.many.toFixed(0), time.ratio.toFixed(2)],
      ...[longest.few.toFixed(0), longest.many.toFixed(0)],
    ],
    met: ({ server, messagesPerSecond }) => server === "bare" || messagesPerSecond.ratio >= CONNECTIONS_GOAL,
  }),
  slow: part<SlowResult>({
    title: "Slow peers: milliseconds of 99 of 100 mails, alone and beside 500 of them",
    widths: [8, 10, 10, 8, 10, 12],
    heads: ["runtime", "alone", "beside", "ratio", "cut off", "after, ms"],
    needsLoadgen: true,
    measure: async (place, options, loadgen) => [
      await measureSlow(place, { ...options, loadgen, messages: MESSAGES.slow }),
    ],
    cells: ({ alone, beside, ratio, cut, longest }) => [
      ...[alone.toFixed(1), beside.toFixed(1), ratio.toFixed(2)],
      ...[`${cut}`, `≤ ${longest.toFixed(0)}`],
    ],
    met: ({ ratio, inTime }) => ratio <= SLOW_GOAL && inTime,
  }),
};

/** Has TypeScript see that the parts of a row speak of one result, and then forget which. */
function part<Result extends { readonly runtime: string }>(of: Part<Result>): Part<unknown> {
  return of as Part<unknown>;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      runtime: { type: "string", default: "deno,bun,node24" },
      messages: { type: "string", default: "100000" },
      minutes: { type: "string", default: "10" },
      connections: { type: "string", default: "16" },
      rounds: { type: "string", default: "5" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const refuse = (why: string) => {
    console.error(`${why}\n\n${HELP}`);
    return 2;
  };
  const names = values.runtime.split(",");
  const unknown = names.find((name) => !RUNTIMES.some((runtime) => runtime.name === name));
  if (unknown !== undefined) return refuse(`There is no runtime "${unknown}".`);
  const strange = positionals.find((name) => !Object.hasOwn(PARTS, name));
  if (strange !== undefined) return refuse(`There is no part "${strange}".`);
  const numbers = (["messages", "connections", "rounds"] as const).map((name) =>
    [name, Number(values[name])] as const
  );
  const wrong = numbers.find(([, count]) => !(Number.isInteger(count) && count > 0));
  if (wrong !== undefined) return refuse(`--${wrong[0]} must be a number from 1.`);
  if (!(Number(values.minutes) >= 0)) return refuse("--minutes must be a number from 0.");
  if (Deno.build.os !== "linux") return refuse("Only Linux tells what a process holds.");

  const scratch = await Deno.makeTempDir({ prefix: "kilter-soak-" });
  const say = values.json ? () => {} : (text: string) => {
    progress("");
    console.log(text);
  };
  const results: Record<string, unknown[]> = {};
  let missed = 0;
  try {
    const places = await locateAll(RUNTIMES.filter(({ name }) => names.includes(name)), scratch);
    const loadgen = await buildLoadgen(scratch);
    const options: Options = {
      ...Object.fromEntries(numbers) as Pick<Options, "messages" | "connections" | "rounds">,
      minutes: Number(values.minutes),
      onProgress: progress,
    };
    for (const [name, { title, widths, heads, needsLoadgen, ...part }] of Object.entries(PARTS)) {
      if (positionals.length > 0 && !positionals.includes(name)) continue;
      if (needsLoadgen && loadgen === undefined) {
        console.error(`Cannot measure ${name}: the load generator is in C, and \`cc\` could not compile it.`);
        missed++;
        continue;
      }
      say(`\n${paint("bold", title)}\n\n${paint("bold", line(widths, heads))}`);
      for (const place of places) {
        const measured = await part.measure(place, options, loadgen ?? "");
        for (const result of measured) {
          const met = part.met(result);
          if (!met) missed++;
          say(line(widths, [place.runtime.name, ...part.cells(result)]) + verdict(met));
          for (const note of part.notes?.(result).slice(0, 20) ?? []) say(`  ${note}`);
        }
        (results[name] ??= []).push(...measured);
      }
    }
  } finally {
    progress("");
    await Deno.remove(scratch, { recursive: true });
  }
  if (values.json) console.log(JSON.stringify(results, null, 2));
  say(missed === 0 ? "\nAll goals are met." : `\n${missed} of the goals are not met.`);
  return missed === 0 ? 0 : 1;
}

async function locateAll(runtimes: readonly Runtime[], scratch: string): Promise<Place[]> {
  const places: Place[] = [];
  for (const runtime of runtimes) {
    progress(`looking for ${runtime.name}`);
    const program = await locate(runtime);
    if (program === undefined) console.error(`${runtime.name} is left out: it could not be had.`);
    else places.push(await freshPlace(runtime, program, scratch));
  }
  return places;
}

function verdict(met: boolean): string {
  return met ? paint("green", "  ✓") : paint("red", "  ✗ goal not met");
}

if (import.meta.main) Deno.exit(await main());
