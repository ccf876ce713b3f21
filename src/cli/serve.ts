import { availableParallelism } from "node:os";
import process from "node:process";
import { type Address, type InheritedSocket, parseListen } from "../adapters/address.ts";
import { addressIn, withMode } from "./addresses.ts";
import { oneOf, UsageError, wholeNumber } from "./arguments.ts";
import type { ExitCode } from "./exit_codes.ts";
import { reporter } from "./serve/reporter.ts";
import { takeSockets } from "./serve/systemd.ts";
import { serveUntilStopped } from "./serve/until_stopped.ts";
import type { WorkersOptions } from "./serve/workers/serving_workers.ts";
import { type Subcommand, subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";

const ABOUT = [
  "Serves the filter that a module exports as its default: what defineFilter returns, or an async function. Of several " +
  "modules the filters run side by side, as compose does it. Each message gets a line: its verdict, how long it took, " +
  "its queue id, the client, sender and recipients, the edits, and what the client was told.",
  "",
  "SIGTERM and SIGINT let messages in progress reach their verdict; after a second one what is left gets that of " +
  "--on-error.",
  "",
  "SIGHUP, and --watch by itself, load the modules anew, with all that they import by relative paths: connections that " +
  "are open finish on the code that they began with, and a version that is broken is told of and not taken. Packages " +
  "and CommonJS modules stay as they are, and old versions stay in memory: for a new package, restart.",
  "",
  "With --workers it is several processes on the same addresses. Whoever is free takes the next connection; one that " +
  "dies is replaced, and connections that wait are served by the others. They are loaded anew by being replaced one by " +
  "one, packages included; those before go on with the connections that they have, for five minutes at most.",
  "",
  "Under systemd it takes the sockets that it is passed where no --listen is given, and tells when it is ready " +
  "(Type=notify, NotifyAccess=all).",
  "",
  "With --health it answers probes and Prometheus by HTTP: /healthz as long as it lives, /readyz while it takes mail, " +
  "which it does not while it starts or stops, and /metrics.",
].join("\n");

/** `kilter serve`. */
export const serveCommand: Subcommand = subcommand({
  name: "serve",
  summary: "serves the filter of a module",
  operands: "filter.ts …",
  operandCount: { least: 1, most: Infinity },
  about: ABOUT,
  options: {
    listen: {
      type: "string",
      short: "l",
      multiple: true,
      value: "address",
      help:
        "where to listen: inet:8891@127.0.0.1, unix:/run/filter.sock, or fd:3 for a socket that is passed; " +
        "may be given several times",
    },
    mode: { type: "string", value: "octal", help: "the permissions of Unix sockets, such as 660" },
    shadow: {
      type: "string",
      multiple: true,
      value: "module",
      help: "a filter that is only watched: told is where it would have said something else",
    },
    watch: { type: "boolean", short: "w", help: "load the modules anew when one of their files changes" },
    "on-error": {
      type: "string",
      default: "tempfail",
      value: "verdict",
      help: "what a message gets whose filter fails: tempfail, accept or reject",
    },
    "drain-timeout": {
      type: "string",
      default: "10",
      value: "seconds",
      help:
        "how long messages in progress may take when it is told to stop; then they get what --on-error says",
    },
    health: {
      type: "string",
      value: "address",
      help: "where it answers probes by HTTP: 127.0.0.1:8080, or unix:/run/health.sock",
    },
    workers: {
      type: "string",
      value: "number",
      help: 'how many processes serve, if not this one itself; "auto" is one for each processor',
    },
    "kill-silent": {
      type: "string",
      value: "seconds",
      help: "end a worker that has not answered for so long; without it, that is only told of",
    },
    json: { type: "boolean", help: "tell all in lines of JSON, for machines" },
    quiet: { type: "boolean", short: "q", help: "tell only of trouble" },
  },
  examples: [
    ["serve filter.ts --listen inet:8891@127.0.0.1", "serve a filter on a port"],
    ["serve filter.ts -l unix:/run/kilter.sock --mode 660", "on a socket that a group may write to"],
    ["serve filter.ts -l inet:8891@127.0.0.1 --watch", "while it is being written"],
    ["serve filter.ts -l inet:8891@127.0.0.1 --health 127.0.0.1:8080", "with a health check and metrics"],
    ["serve filter.ts -l inet:8891@127.0.0.1 --workers 4", "by four processes"],
    [
      "serve one.ts two.ts --shadow next.ts -l inet:8891@127.0.0.1 --json",
      "two filters, and one to be tried",
    ],
  ],
  run({ values, positionals, terminal, signal }): Promise<ExitCode> {
    return serveUntilStopped({
      modules: positionals,
      shadows: values.shadow,
      listen: whereToListen(values.listen, values.mode),
      onError: oneOf("on-error", values["on-error"], ["tempfail", "accept", "reject"]),
      told: !values.quiet,
      watch: values.watch,
      health: values.health === undefined
        ? undefined
        : withMode(addressIn("--health", values.health), values.mode),
      workers: workersIn(values, terminal),
      drainSeconds: wholeNumber("drain-timeout", values["drain-timeout"], 0, 86_400),
      tell: reporter(terminal, values),
      signal,
    });
  },
});

/** The workers that were asked for. */
function workersIn(
  values: {
    readonly workers: string | undefined;
    readonly "kill-silent": string | undefined;
    readonly json: boolean;
    readonly quiet: boolean;
  },
  terminal: Terminal,
): WorkersOptions | undefined {
  const { workers, json, quiet } = values;
  const silent = values["kill-silent"];
  if (workers === undefined) {
    if (silent !== undefined) throw new UsageError("--kill-silent is for --workers");
    return undefined;
  }
  return {
    count: workers === "auto" ? availableParallelism() : wholeNumber("workers", workers, 1, 1024),
    killAfter: silent === undefined ? Infinity : 1000 * wholeNumber("kill-silent", silent, 1, 86_400),
    terminal,
    report: { json, quiet },
  };
}

/** The addresses that were asked for; those that systemd has opened where none was. */
function whereToListen(listen: readonly string[], mode: string | undefined): (Address | InheritedSocket)[] {
  const asked = listen.map((text) => withMode(listenerIn(text), mode));
  const passed = takeSockets(process.env, process.pid);
  if (asked.length > 0) return asked;
  if (passed.length > 0) return passed;
  throw new UsageError("--listen is missing, and systemd has passed no socket");
}

function listenerIn(text: string): Address | InheritedSocket {
  try {
    return parseListen(text);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
