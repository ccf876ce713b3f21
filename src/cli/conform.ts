import { type Address, parseAddress } from "../adapters/address.ts";
import { UsageError } from "./arguments.ts";
import { type Audience, playAll } from "./conform/battery.ts";
import type { CaseGroup } from "./conform/case.ts";
import { CASE_GROUPS, CASES } from "./conform/cases.ts";
import { call } from "./conform/examine.ts";
import { json, lineOf, listing, score, summary } from "./conform/scorecard.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { type Subcommand, subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";

/** `kilter conform` */
export const conformCommand: Subcommand = subcommand({
  name: "conform",
  summary: "play hard cases against a milter of any make, and print a scorecard",
  operands: "address",
  operandCount: { least: 0, most: 1 },
  about:
    "Plays a battery of hard cases against a milter of any make: frames split at every byte and broken in " +
    "every way, MTAs of all versions, messages that end early, odd mails, stalled and crowded connections. Prints " +
    "what went wrong in each. A case that says nothing about this milter, because it negotiated the event away " +
    "or judged the client earlier, is not counted.\n" +
    "The mails are harmless, but the milter should not be one that serves an MTA just now: it is asked to refuse, " +
    "and a bad one may fall over. Exit code 0 is for full marks, 1 for any fault.",
  options: {
    only: {
      type: "string",
      value: "names",
      multiple: true,
      help: "play these cases only, by their names, commas between",
    },
    timeout: {
      type: "string",
      value: "seconds",
      default: "10",
      help: "how long the milter may say nothing; a case may take twelve times as long",
    },
    list: { type: "boolean", help: "list the cases, and play none" },
    json: { type: "boolean", help: "print the results as JSON" },
  },
  examples: [
    ["conform inet:8891@127.0.0.1", "all cases against a milter"],
    ["conform unix:/run/opendkim.sock --only half-close,every-split", "two of them"],
    ["conform --list", "what there is"],
  ],
  async run({ values, positionals: [where], terminal }): Promise<ExitCode> {
    const groups = chosen(values.only.flatMap((names) => names.split(",")));
    if (values.list) {
      terminal.tell(listing(groups, terminal));
      return EXIT.accepted;
    }
    if (where === undefined) throw new UsageError("address is missing");
    const timeout = milliseconds(values.timeout);
    const address = addressOf(where);
    await call(address, timeout);
    const outcome = await playAll(address, groups, timeout, values.json ? DEAF : onScreen(terminal));
    terminal.tell(values.json ? json(address, outcome) : summary(outcome, terminal));
    return score(outcome.results).fault === 0 ? EXIT.accepted : EXIT.refused;
  },
});

/** Is told nothing: machines read all at the end. */
const DEAF: Audience = { group() {}, begins() {}, ended() {} };

/** Prints each result as it comes; a person sees what is being played, too. */
function onScreen(terminal: Terminal): Audience {
  const draw = (text: string) => terminal.interactive && terminal.note(`\r\x1b[K${text}`);
  return {
    group: (title) => terminal.tell(`${terminal.paint("bold", title)}\n`),
    begins: (name, number, count) => void draw(`${number} of ${count}: ${name}`),
    ended(result) {
      draw("");
      terminal.tell(lineOf(result, terminal));
    },
  };
}

/** The cases of these names, or all. */
function chosen(names: readonly string[]): readonly CaseGroup[] {
  const strange = names.find((name) => !CASES.some((one) => one.name === name));
  if (strange !== undefined) {
    throw new UsageError(`there is no case "${strange}"; --list names them all`);
  }
  if (names.length === 0) return CASE_GROUPS;
  return CASE_GROUPS
    .map(({ title, cases }) => ({ title, cases: cases.filter(({ name }) => names.includes(name)) }))
    .filter(({ cases }) => cases.length > 0);
}

function addressOf(text: string): Address {
  try {
    return parseAddress(text);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function milliseconds(text: string): number {
  const seconds = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : 0;
  if (seconds <= 0 || seconds > 3600) {
    throw new UsageError(`--timeout must be a number of seconds up to 3600, not "${text}"`);
  }
  return seconds * 1000;
}
