import { formatAddress } from "../adapters/address.ts";
import { runtimeAdapter } from "../adapters/runtime.ts";
import { addressIn, withMode } from "./addresses.ts";
import { UsageError } from "./arguments.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { Proxy } from "./recording/proxy.ts";
import { Recorder } from "./recording/recorder.ts";
import { Tracing } from "./recording/tracing.ts";
import { jsonView, lineView, NO_VIEW } from "./recording/views.ts";
import { stopping } from "./signals.ts";
import { type Call, type Subcommand, subcommand } from "./subcommand.ts";

const ABOUT = [
  "Stands between an MTA and any milter, passes on all that they send, unchanged and at once, and shows each packet as " +
  "a line: > is what the MTA says, < what the filter answers, = what becomes of a connection, ! what is no milter " +
  "protocol. The MTA is to call the address after --listen in place of the filter's. SIGINT and SIGTERM end it.",
  "",
  "A recording made with --save holds the mails that passed, and can be played again with kilter replay. --redact leaves " +
  "out, of what is shown and recorded, bodies, the values of headers, clients, reply texts and the values of macros; " +
  "addresses, and unusual names of headers, become made-up ones.",
].join("\n");

const OPTIONS = {
  listen: { type: "string", short: "l", value: "address", help: "where the MTA calls: inet:8890@127.0.0.1" },
  forward: {
    type: "string",
    short: "f",
    value: "address",
    help: "where the filter is: unix:/run/filter.sock",
  },
  mode: {
    type: "string",
    value: "octal",
    help: "the permissions of the Unix socket that is listened on, such as 660",
  },
  save: { type: "string", short: "s", value: "file", help: "record to this file; what it held is gone" },
  redact: { type: "boolean", help: "leave out what tells of people" },
  json: { type: "boolean", help: "show lines of JSON, for machines" },
  quiet: { type: "boolean", short: "q", help: "show no packets, only record and sum up" },
} as const;

/** `kilter trace`. */
export const traceCommand: Subcommand = subcommand({
  name: "trace",
  summary: "shows and records what an MTA and a filter say to each other",
  operands: "",
  operandCount: { least: 0, most: 0 },
  about: ABOUT,
  options: OPTIONS,
  examples: [
    ["trace --listen inet:8890@127.0.0.1 --forward inet:8891@127.0.0.1", "look on"],
    ["trace -l inet:8890@127.0.0.1 -f unix:/run/opendkim.sock --save mail.jsonl", "and record"],
    ["trace -l inet:8890@127.0.0.1 -f inet:8891@127.0.0.1 -q -s bug.jsonl --redact", "for a bug report"],
  ],
  run: trace,
});

async function trace({ values, terminal, signal }: Call<typeof OPTIONS>): Promise<ExitCode> {
  const { save, redact, json, quiet } = values;
  const listen = withMode(addressIn("--listen", values.listen), values.mode);
  const forward = addressIn("--forward", values.forward);
  if (formatAddress(listen) === formatAddress(forward)) {
    throw new UsageError("--listen and --forward are the same address");
  }
  using stop = stopping(signal);

  let recordingFailed: unknown;
  const recorder = save === undefined
    ? undefined
    : await Recorder.create(save, { started: new Date().toISOString(), redacted: redact }, (error) => {
      recordingFailed = error;
      terminal.note(`kilter trace: Cannot record to ${save} any more: ${(error as Error).message}\n`);
    });
  const view = quiet ? NO_VIEW : json ? jsonView(terminal) : lineView(terminal);
  const tracing = new Tracing({ terminal, recorder, view, redact });
  try {
    const proxy = await Proxy.start(await runtimeAdapter(), { listen, forward }, tracing);
    terminal.note(
      `kilter trace: listening on ${formatAddress(proxy.address)}, forwarding to ${formatAddress(forward)}\n`,
    );
    const unread = recorder === undefined && !quiet ? terminal.gone : undefined;
    await Promise.race([stop.asked, ...unread === undefined ? [] : [unread]]);
    await proxy[Symbol.asyncDispose]();
  } finally {
    await recorder?.close();
  }
  const recorded = recordingFailed === undefined ? save : undefined;
  if (json) terminal.tell(`${JSON.stringify({ event: "summary", ...tracing.counts, recorded })}\n`);
  else terminal.note(`kilter trace: ${tracing.summary()}${recorded ? `; recorded in ${recorded}` : ""}\n`);
  await terminal.room?.();
  return tracing.counts.failed > 0 || recordingFailed !== undefined ? EXIT.trouble : EXIT.accepted;
}
