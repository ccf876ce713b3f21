import { addressIn } from "./addresses.ts";
import { wholeNumber } from "./arguments.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { play } from "./recording/player.ts";
import { readRecording } from "./recording/reader.ts";
import { jsonReplayView, lineReplayView } from "./recording/replay_views.ts";
import { scriptOf } from "./recording/steps.ts";
import { type Call, type Subcommand, subcommand } from "./subcommand.ts";

const ABOUT = [
  "Plays what kilter trace has recorded to a milter, as the MTA said it, one connection after the other, and shows " +
  "where the milter answers otherwise than the recorded one did: - was recorded, + is said now. The order of edits " +
  "counts; how a new body is cut into pieces does not.",
  "",
  "Nothing is adapted. Where an MTA would go on in another way after an answer that differs, the rest of the message " +
  "is left out; where another agreement leaves nothing that fits, the rest of the connection. A redacted recording is " +
  "played with the made-up addresses and bodies that it holds, and what is left out of answers is not compared: " +
  "a milter that looks at bodies or values will answer otherwise.",
  "",
  "It ends with 0 if all answers are as recorded, with 1 if some differ, and with 3 if the milter does not answer, " +
  "closes or breaks the protocol where the recorded one did not.",
].join("\n");

const OPTIONS = {
  to: { type: "string", short: "t", value: "address", help: "where the milter is: inet:8891@127.0.0.1" },
  timeout: { type: "string", default: "30", value: "seconds", help: "how long it may take for an answer" },
  json: { type: "boolean", help: "show lines of JSON, for machines" },
} as const;

/** `kilter replay`. */
export const replayCommand: Subcommand = subcommand({
  name: "replay",
  summary: "plays a recording to a milter, and shows what it answers otherwise",
  operands: "recording",
  operandCount: { least: 1, most: 1 },
  about: ABOUT,
  options: OPTIONS,
  examples: [
    ["replay mail.jsonl --to inet:8891@127.0.0.1", "is the new version as the old one was?"],
    ["replay mail.jsonl -t unix:/run/filter.sock --timeout 5 --json", "for a script"],
  ],
  run: replay,
});

/** How bad it is that a kind of thing was found. */
const SEVERITY = {
  "left out": EXIT.accepted,
  different: EXIT.refused,
  unplayed: EXIT.trouble,
  trouble: EXIT.trouble,
};

async function replay({ values, positionals: [file], terminal }: Call<typeof OPTIONS>): Promise<ExitCode> {
  const to = addressIn("to", values.to);
  const timeout = wholeNumber("timeout", values.timeout, 1, 86_400) * 1000;
  const { connections, redacted } = await readRecording(file!);
  const view = values.json ? jsonReplayView(terminal) : lineReplayView(terminal);
  if (redacted && !values.json) {
    terminal.note("kilter replay: the recording is redacted: bodies, values and addresses are made up\n");
  }

  const found = { "left out": 0, different: 0, unplayed: 0, trouble: 0 };
  let code: ExitCode = EXIT.accepted;
  let answers = 0;
  for (const connection of connections) {
    const script = scriptOf(connection);
    const played = await play(script, {
      to,
      timeout,
      redacted,
      found: (finding) => {
        found[finding.kind]++;
        code = SEVERITY[finding.kind] > code ? SEVERITY[finding.kind] : code;
        view.found(script.number, finding);
      },
    });
    answers += played.answers;
    view.played(script.number, played);
    await terminal.room?.();
  }

  const { different, trouble, unplayed } = found;
  const counts = { connections: connections.length, answers, different, trouble, unplayed };
  if (values.json) terminal.tell(`${JSON.stringify({ event: "summary", redacted, ...counts })}\n`);
  else {
    const parts = Object.entries(counts).filter(([name, number]) => number > 0 || /^(ans|diff)/.test(name));
    terminal.note(`kilter replay: ${parts.map(([name, number]) => `${number} ${name}`).join(", ")}\n`);
  }
  return code;
}
