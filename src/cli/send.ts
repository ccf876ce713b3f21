import { writeFile } from "node:fs/promises";
import {
  callMilters,
  type CallOptions,
  type DefaultAction,
  type MtaSession,
  type SendResult,
} from "../client/mod.ts";
import { addressIn } from "./addresses.ts";
import { oneOf, UsageError, wholeNumber } from "./arguments.ts";
import { CALLING, callOptions, envelopeIn } from "./calling.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { Progress } from "./progress.ts";
import { type MailFile, mailsIn } from "./send/mails.ts";
import { jsonView, lineView, type SendView, wholeView } from "./send/views.ts";
import { type Call, type Subcommand, subcommand } from "./subcommand.ts";

const ABOUT = [
  "Plays an MTA to milters of any make: sends them mails, and shows what is said, the verdict, and how the mail was " +
  "changed. Several mails get a line each. An operand is a file with a mail, a mailbox, a directory of those, or - for " +
  "the standard input.",
  "",
  "C: is what the client says to the MTA, S: what it is told, > what the MTA says to the milter, < what the milter " +
  "answers. The exit code is 0 if all mails were accepted, and 1 if one was refused, discarded or held.",
].join("\n");

const ACTIONS: readonly DefaultAction[] = ["tempfail", "reject", "accept", "quarantine", "shutdown"];

const OPTIONS = {
  to: {
    type: "string",
    short: "t",
    value: "address",
    multiple: true,
    help: "where the milter listens; several are asked in this order, each with the edits of those before it",
  },
  ...CALLING,
  "default-action": {
    type: "string",
    value: "action",
    help: `what to do when a milter fails: ${ACTIONS.join(", ")} (default: to stop, with exit code 3)`,
  },
  repeat: { type: "string", value: "times", default: "1", help: "how often to send each mail" },
  output: {
    type: "string",
    short: "o",
    value: "file",
    help: "write the mail as it would be delivered to this file",
  },
  verbose: { type: "boolean", short: "v", help: "show whole lines; with --json also conversation and mail" },
  quiet: { type: "boolean", short: "q", help: "show a line for each mail, also for a single one" },
  json: { type: "boolean", help: "show a line of JSON for each mail" },
} as const;

/** `kilter send`. */
export const sendCommand: Subcommand = subcommand({
  name: "send",
  summary: "sends mails past milters, as an MTA does, and shows the outcome",
  operands: "mail.eml …",
  operandCount: { least: 1, most: Infinity },
  about: ABOUT,
  options: OPTIONS,
  examples: [
    ["send mail.eml --to inet:8891@127.0.0.1", "one mail, with all that is said"],
    ["send mail.eml -t unix:/run/a.sock -t unix:/run/b.sock --mta sendmail", "two milters in a row"],
    ["send inbox.mbox spam/ -t inet:8891@127.0.0.1", "many mails, a line each"],
    ["send - -t inet:8891@127.0.0.1 -f a@b.example -m auth_authen=a < mail.eml", "as an authenticated user"],
  ],
  run: send,
});

async function send({ values, positionals, terminal, signal }: Call<typeof OPTIONS>): Promise<ExitCode> {
  if (values.to.length === 0) throw new UsageError("--to is missing: where does the milter listen?");
  const addresses = values.to.map((text) => addressIn("to", text));
  const action = values["default-action"];
  const options: CallOptions = {
    ...callOptions(values),
    ...action === undefined ? {} : { defaultAction: oneOf("default-action", action, ACTIONS) },
    ...signal === undefined ? {} : { signal },
  };
  const repeat = wholeNumber("repeat", values.repeat);
  const files = await mailsIn(positionals);
  const { output } = values;
  if (output !== undefined && files.length > 1) throw new UsageError("--output is for a single mail");

  const many = files.length * repeat > 1 || values.quiet;
  const view: SendView = values.json
    ? jsonView(terminal, { uncut: values.verbose })
    : many
    ? lineView(terminal)
    : wholeView(terminal, { uncut: values.verbose });
  using progress = new Progress(terminal, files.length * repeat);
  const sender = new Sender(() => callMilters(addresses, options), envelopeIn(values));
  const counts = { accepted: 0, refused: 0, failed: 0 };
  try {
    for (const file of files) {
      for (let time = 0; time < repeat; time++) {
        const result = await sender.send(file, view, () => progress.clear());
        progress.step();
        counts[result === undefined ? "failed" : result.outcome === "accepted" ? "accepted" : "refused"]++;
        if (output !== undefined && result?.message !== undefined) {
          await writeFile(output, result.message.bytes);
        }
      }
    }
  } finally {
    await sender.close();
  }
  progress.clear();
  if (many && !values.json) {
    const { accepted, refused, failed } = counts;
    const parts = [
      `${accepted} accepted`,
      `${refused} not accepted`,
      ...failed > 0 ? [`${failed} failed`] : [],
    ];
    terminal.note(`kilter send: ${accepted + refused + failed} sent: ${parts.join(", ")}\n`);
  }
  return counts.failed > 0 ? EXIT.trouble : counts.refused > 0 ? EXIT.refused : EXIT.accepted;
}

/** Sends mails in one session, and in a new one where that has ended. */
class Sender {
  readonly #start: () => Promise<MtaSession>;
  readonly #envelope: { readonly from: string; readonly to: readonly string[] };
  #session: MtaSession | undefined;

  constructor(
    start: () => Promise<MtaSession>,
    envelope: { readonly from: string; readonly to: readonly string[] },
  ) {
    this.#start = start;
    this.#envelope = envelope;
  }

  /**
   * Sends a mail, and shows what becomes of it; `undefined` if the milter failed.
   *
   * @throws {Error} if the mail cannot be read, or the milter not be reached.
   */
  async send(file: MailFile, view: SendView, before: () => void): Promise<SendResult | undefined> {
    const bytes = await file.read();
    const session = this.#session ??= await this.#start();
    const start = performance.now();
    try {
      const result = await session.send(bytes, this.#envelope);
      before();
      const milliseconds = Math.round(performance.now() - start);
      view.sent({ mail: file.name, result, milliseconds, conversation: session.conversation });
      if (!session.open) await this.close();
      return result;
    } catch (error) {
      before();
      if (!(error instanceof Error)) throw error;
      view.failed({ mail: file.name, error, conversation: session.conversation });
      await this.close();
      return undefined;
    }
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.[Symbol.asyncDispose]();
  }
}
