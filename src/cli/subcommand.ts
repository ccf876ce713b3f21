import type { ExitCode } from "./exit_codes.ts";
import type { Terminal } from "./terminal.ts";

/** An option of a subcommand: what the parser has to know, and the help to tell. */
export interface OptionRow {
  readonly type: "string" | "boolean";
  /** A letter that stands for it after one dash. */
  readonly short?: string;
  /** Whether it may come several times. */
  readonly multiple?: boolean;
  /** What it is where it is not given. */
  readonly default?: string;
  /** The word that stands for its value in the help: `"address"`. */
  readonly value?: string;
  /** What it does, in a line or two. */
  readonly help: string;
}

/** The options of a subcommand by their long names. */
export type OptionRows = Readonly<Record<string, OptionRow>>;

/** What was given for options: text, or for a switch whether it was. */
export type Values<Rows extends OptionRows> = {
  readonly [Name in keyof Rows]: Rows[Name] extends { type: "boolean" } ? boolean
    : Rows[Name] extends { multiple: true } ? readonly string[]
    : Rows[Name] extends { default: string } ? string
    : string | undefined;
};

/** What a subcommand is called with. */
export interface Call<Rows extends OptionRows> {
  readonly values: Values<Rows>;
  /** The arguments that belong to no option. */
  readonly positionals: readonly string[];
  readonly terminal: Terminal;
  /** Ends a command that runs until it is told to stop, as SIGTERM does. */
  readonly signal?: AbortSignal | undefined;
}

/** A subcommand: a row for the parser, for the help, and what it does. */
export interface Subcommand<Rows extends OptionRows = OptionRows> {
  readonly name: string;
  /** What it does, in a few words, for the list of all. */
  readonly summary: string;
  /** The arguments that belong to no option, as the help writes them: `"mail.eml …"`. */
  readonly operands: string;
  /** How many of them there are. */
  readonly operandCount: { readonly least: number; readonly most: number };
  /** What it does, in a paragraph or two of plain text. */
  readonly about: string;
  readonly options: Rows;
  /** Command lines that show it at work, without `kilter`, each with what it does. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  /** Does it. What fails is thrown: the caller tells it, and ends with the code for trouble. */
  run(call: Call<Rows>): Promise<ExitCode>;
}

/** A subcommand whose `run` gets values of the types that its options say. */
export function subcommand<const Rows extends OptionRows>(row: Subcommand<Rows>): Subcommand {
  // `run` is only ever called with what was parsed by these very rows: parse() in arguments.ts.
  return row as unknown as Subcommand;
}
