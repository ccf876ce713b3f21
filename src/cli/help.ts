import type { Subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";
import { wrap } from "./layout.ts";

const EXIT_CODES = "Exit codes: 0 accepted or done, 1 refused or different, 2 not understood, 3 trouble.";

/** What `kilter --help` prints. */
export function overview(commands: readonly Subcommand[], { paint, columns }: Terminal): string {
  const width = Math.max(0, ...commands.map(({ name }) => name.length)) + 2;
  return [
    `${paint("bold", "kilter")}: mail filters (milters), served, tried and looked at.`,
    "",
    `${paint("bold", "Usage")}: kilter <command> [options] …`,
    "",
    ...commands.map(({ name, summary }) => `  ${paint("cyan", name.padEnd(width))}${summary}`),
    "",
    ...wrap(
      "kilter <command> --help tells more of one, with examples. kilter --version prints the version.",
      columns,
    ),
    ...wrap(EXIT_CODES, columns),
    "",
  ].join("\n");
}

/** What `kilter <command> --help` prints. */
export function helpOf(command: Subcommand, { paint, columns }: Terminal): string {
  const rows = [
    ...Object.entries(command.options).map(([name, row]) => ({
      flags: `${row.short === undefined ? "    " : `-${row.short}, `}--${name}${
        row.value ? ` <${row.value}>` : ""
      }`,
      help: row.help + (row.default === undefined ? "" : ` (default: ${row.default})`),
    })),
    { flags: "-h, --help", help: "this text" },
  ];
  const width = Math.max(...rows.map(({ flags }) => flags.length)) + 2;
  const hang = " ".repeat(width + 2);
  return [
    `${paint("bold", "Usage")}: kilter ${
      [command.name, "[options]", command.operands].filter(Boolean).join(" ")
    }`,
    "",
    ...command.about.split("\n").flatMap((paragraph) => wrap(paragraph, columns)),
    "",
    paint("bold", "Options"),
    ...rows.flatMap(({ flags, help }) => {
      const [first = "", ...more] = wrap(help, Math.max(columns - hang.length, 30));
      return [`  ${paint("cyan", flags.padEnd(width))}${first}`, ...more.map((line) => hang + line)];
    }),
    "",
    paint("bold", "Examples"),
    ...command.examples.flatMap(([line, does]) => [
      `  ${paint("dim", `# ${does}`)}`,
      // A long one goes on in the next line, as a shell takes it.
      `  ${wrap(`kilter ${line}`, columns - 6).join(" \\\n    ")}`,
    ]),
    "",
    ...wrap(EXIT_CODES, columns),
    "",
  ].join("\n");
}
