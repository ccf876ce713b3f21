import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Address, InheritedSocket } from "../adapters/address.ts";
import type { ShutdownOptions } from "../server/server.ts";
import { SOCKETS } from "./worker_process.ts";
import { type Ended, Link, type WorkerLoad } from "./link.ts";

/** What a worker does for its supervisor. */
export interface Duties<Data> {
  /** Begins to serve, and tells where. Data is what its supervisor was made with. */
  start(data: Data, link: Link): Promise<readonly Address[]>;
  /** Tells how it fares. */
  state(): WorkerLoad;
  /** Its metrics, as Prometheus reads them. */
  metrics?(): string;
  /** Ends what it has begun; resolves with how many connections had not ended when the time was up. */
  shutdown(options: ShutdownOptions): Promise<number>;
}

/** How long what is still open may keep the process, in milliseconds: output, and whatever a filter has left. */
const GRACE = 500;

/** Signals that come to a terminal's or a service's processes all at once: what becomes of workers, one decides. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The sockets that a supervisor has passed; what a filter starts is not told of them. */
export function passedSockets(): InheritedSocket[] {
  const fds = process.env[SOCKETS] ?? "";
  delete process.env[SOCKETS];
  return fds.split(",").map((fd) => ({ fd: Number(fd) }));
}

/** Whether this process was started to run the module with this URL. */
export function isProgram(url: string): boolean {
  return url.startsWith("file:") ? process.argv[1] === fileURLToPath(url) : process.argv[1] === url;
}

/** Makes this process a worker: it does what its supervisor asks, and ends with it. */
export function work<Data>({ start, state, metrics = () => "", shutdown }: Duties<Data>): void {
  let started: Promise<unknown> = Promise.resolve();
  const stop = (options: ShutdownOptions): Promise<Ended> =>
    started.then(() => shutdown(options), () => 0).then((late) => ({ late, metrics: metrics() }));
  const link = new Link({
    send: (text) => {
      // A supervisor that is gone is told of by the end of the link.
      if (process.connected) process.send?.(text, undefined, {}, () => {});
    },
    answers: {
      start: async (data) => {
        // The supervisor is of this version, and has been made for this program.
        const addresses = start(data as Data, link);
        started = addresses;
        return { addresses: await addresses };
      },
      state,
      metrics,
      shutdown: stop,
    },
  });
  for (const signal of SIGNALS) process.on(signal, () => {});
  process.on("message", (text) => link.receive(String(text)));
  onParentLost(() => {
    link.close();
    // If nobody has told it to end by now, its supervisor has died: whoever takes its place needs the address.
    stop({}).finally(end);
  });
}

/** How often a worker looks whether it still has its supervisor, in milliseconds. */
const LOOK = 1_000;

/** Is called once, when the supervisor has let go of this process or has died: of that Deno does not always tell. */
function onParentLost(lost: () => void): void {
  const parent = process.ppid;
  const once = () => {
    clearInterval(timer);
    process.off("disconnect", once);
    lost();
  };
  const timer = setInterval(() => {
    if (process.ppid !== parent) once();
  }, LOOK);
  timer.unref?.();
  process.on("disconnect", once);
}

function end(): void {
  for (const stream of [process.stdout, process.stderr]) stream.write("", () => {});
  setTimeout(() => process.exit(0), GRACE).unref?.();
  process.exitCode = 0;
}
