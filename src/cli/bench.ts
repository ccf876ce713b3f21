import { formatAddress } from "../adapters/address.ts";
import { callMilters, type CallOptions } from "../client/mod.ts";
import { addressIn } from "./addresses.ts";
import { UsageError, wholeNumber } from "./arguments.ts";
import { Load, type LoadReport, type LoadSize } from "./bench/load.ts";
import { CALLING, callOptions, envelopeIn } from "./calling.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { visible } from "./layout.ts";
import { Progress } from "./progress.ts";
import { mailsIn } from "./send/mails.ts";
import { type Call, type Subcommand, subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";

const ABOUT = [
  "Sends many mails past a milter at once, and tells how many it takes in a second and how long each takes. It " +
  "measures the milter together with this program, which is no faster than a filter in TypeScript: a figure to compare, " +
  "not the milter's limit.",
].join("\n");

const OPTIONS = {
  messages: { type: "string", short: "n", value: "count", default: "2000", help: "how many mails in all" },
  connections: { type: "string", short: "c", value: "count", default: "16", help: "how many at a time" },
  each: { type: "string", value: "count", default: "1", help: "how many mails on each connection" },
  size: {
    type: "string",
    value: "bytes",
    default: "2048",
    help: "the size of the body, where no mail is given",
  },
  mail: { type: "string", value: "file", help: "the mail to send; without one a mail is made up" },
  ...CALLING,
  json: { type: "boolean", help: "show the figures as JSON" },
} as const;

/** `kilter bench`. */
export const benchCommand: Subcommand = subcommand({
  name: "bench",
  summary: "puts a small load on a milter, and tells how fast it is",
  operands: "address",
  operandCount: { least: 1, most: 1 },
  about: ABOUT,
  options: OPTIONS,
  examples: [
    ["bench inet:8891@127.0.0.1", "2,000 mails, 16 at a time"],
    ["bench unix:/run/filter.sock -n 100000 -c 100 --each 20 --size 100000", "more of all"],
  ],
  run: bench,
});

async function bench(
  { values, positionals: [where], terminal, signal }: Call<typeof OPTIONS>,
): Promise<ExitCode> {
  const address = addressIn("address", where);
  const size: LoadSize = {
    messages: wholeNumber("messages", values.messages),
    connections: wholeNumber("connections", values.connections, 1, 10_000),
    each: wholeNumber("each", values.each),
  };
  const options: CallOptions = { ...callOptions(values), ...signal === undefined ? {} : { signal } };
  const mail = values.mail === undefined
    ? madeUp(wholeNumber("size", values.size, 0, 1e8))
    : await only(values.mail);
  using progress = new Progress(terminal, size.messages);
  const start = () => callMilters(address, options);
  const report = await new Load(size, {
    start,
    mail,
    envelope: envelopeIn(values),
    step: () => progress.step(),
  }).run();
  progress.clear();
  if (values.json) {
    terminal.tell(`${JSON.stringify({ address: formatAddress(address), ...size, ...report })}\n`);
  } else {terminal.tell(
      tableOf(report, size, `mails of ${amount(mail.length)} to ${formatAddress(address)}`, terminal),
    );}
  return report.failed > 0 ? EXIT.trouble : EXIT.accepted;
}

async function only(path: string): Promise<Uint8Array> {
  const [mail, another] = await mailsIn([path]);
  if (another !== undefined) throw new UsageError("--mail is for a single mail");
  return await mail!.read();
}

function madeUp(size: number): Uint8Array {
  const headers = [
    "From: Sender <sender@client.example>",
    "To: Recipient <recipient@mx.example>",
    "Subject: A mail of kilter bench",
    "Date: Thu, 15 Jan 2026 12:00:00 +0000",
    "Message-Id: <bench@client.example>",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=us-ascii",
  ];
  const line = "The quick brown fox jumps over the lazy dog, again and again and again.\r\n";
  const body = line.repeat(Math.ceil(size / line.length)).slice(0, size);
  return new TextEncoder().encode(`${headers.join("\r\n")}\r\n\r\n${body}`);
}

function tableOf(report: LoadReport, size: LoadSize, what: string, { paint }: Terminal): string {
  const { perSecond, seconds, megabytesPerSecond, milliseconds: { p50, p90, p99, most }, outcomes, failed } =
    report;
  const rows: readonly (readonly [name: string, text: string])[] = [
    [
      "throughput",
      `${paint("bold", `${count(perSecond)} mails/s`)}  ${megabytesPerSecond} MB/s  ${seconds} s in all`,
    ],
    ["time each", `p50 ${p50} ms  p90 ${p90} ms  p99 ${p99} ms  at most ${most} ms`],
    [
      "outcomes",
      Object.entries(outcomes).map(([name, number]) => `${count(number)} ${name}`).join("  ") || "none",
    ],
    [
      "failures",
      failed === 0 ? "none" : paint("red", `${count(failed)}: ${visible(report.firstFailure ?? "")}`),
    ],
  ];
  return [
    `${count(size.messages)} ${what}, ${size.connections} at a time, ${size.each} on a connection`,
    "",
    ...rows.map(([name, text]) => `  ${name.padEnd(12)}${text}`),
    "",
  ].join("\n");
}

function count(number: number): string {
  return Math.round(number).toLocaleString("en-US");
}

function amount(bytes: number): string {
  return bytes < 10_000
    ? `${count(bytes)} bytes`
    : bytes < 1e7
    ? `${count(bytes / 1e3)} KB`
    : `${count(bytes / 1e6)} MB`;
}
