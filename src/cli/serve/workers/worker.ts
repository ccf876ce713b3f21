import { prometheus, type PrometheusMetrics } from "../../../observe/prometheus.ts";
import { isProgram, passedSockets, work } from "../../../workers/worker_end.ts";
import { outliveReaders } from "../outputs.ts";
import { reporter, type ReporterOptions } from "../reporter.ts";
import { serveHere, type ServeHereOptions } from "../serve_here.ts";
import type { Serving } from "../serving.ts";
import { type LinkTerminal, linkTerminal } from "./link_terminal.ts";

/** The program of a worker of `kilter serve`. */
export const WORKER: string = import.meta.url;

/** What it is told. */
export interface WorkerData extends Pick<ServeHereOptions, "modules" | "shadows" | "told"> {
  readonly onError: "tempfail" | "accept" | "reject";
  readonly report: ReporterOptions;
  readonly coloured: boolean;
  /** Whether it keeps metrics. */
  readonly metrics: boolean;
}

/** Serves as `kilter serve` does without workers, and prints by its supervisor. */
function workForCommand(): void {
  let serving: Serving | undefined;
  let terminal: LinkTerminal | undefined;
  let counted: PrometheusMetrics | undefined;
  outliveReaders();
  work<WorkerData>({
    async start({ report, coloured, metrics, ...options }, link) {
      terminal = linkTerminal(link, coloured);
      const tell = reporter(terminal, report);
      counted = metrics ? prometheus() : undefined;
      const observers = counted === undefined ? [] : [counted];
      const listen = passedSockets();
      serving = await serveHere({ ...options, listen, tell, observers }, async () => {});
      return serving.addresses;
    },
    metrics: () => counted?.text() ?? "",
    state: () => ({ connections: serving?.connections ?? 0 }),
    async shutdown(options) {
      const late = await serving?.shutdown(options) ?? 0;
      terminal?.flush();
      return late;
    },
  });
}

if (isProgram(import.meta.url)) workForCommand();
