import { parseArgs } from "node:util";
import type { OptionRows, Subcommand, Values } from "./subcommand.ts";

/** A command line that cannot be understood. */
export class UsageError extends Error {
  /** Always `"UsageError"`. */
  override readonly name = "UsageError";
}

/** The option that all subcommands have. */
const HELP = { help: { type: "boolean", short: "h", default: false } } as const;

/** What was given to a subcommand; `undefined` if it was only asked for help. */
export interface Given {
  readonly values: Values<OptionRows>;
  readonly positionals: readonly string[];
}

/**
 * Takes the arguments of a subcommand apart.
 *
 * @throws {UsageError} if there is an option that it does not have, one without its value, or too few or too many
 * operands.
 */
export function parse(command: Subcommand, args: readonly string[]): Given | undefined {
  const rows = Object.entries(command.options);
  const options = Object.fromEntries(rows.map(([name, row]) => [name, {
    type: row.type,
    ...row.short === undefined ? {} : { short: row.short },
    ...row.multiple === undefined ? {} : { multiple: row.multiple },
  }]));
  const { values, positionals } = parsed(args, { ...options, ...HELP });
  if (values["help"]) return undefined;
  const { least, most } = command.operandCount;
  if (positionals.length < least) throw new UsageError(`${command.operands} is missing`);
  if (positionals.length > most) throw new UsageError(`"${positionals[most]}" is one argument too many`);
  const given = rows.map(([name, row]) => [name, values[name] ?? absent(row)]);
  return { values: Object.fromEntries(given), positionals };
}

/** The value of an option that was not given. */
function absent({ type, multiple, default: usual }: OptionRows[string]): unknown {
  if (type === "boolean") return false;
  return multiple === true ? [] : usual;
}

function parsed(
  args: readonly string[],
  options: NonNullable<Parameters<typeof parseArgs>[0]>["options"] & object,
): { readonly values: Readonly<Record<string, unknown>>; readonly positionals: readonly string[] } {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    // Node adds advice about positional arguments, which is about another kind of program.
    throw new UsageError((error as Error).message.split(". To specify")[0]!.replace(/\.$/, ""));
  }
}

/**
 * A whole number that an option was given.
 *
 * @throws {UsageError} if it is none, or under or over the limits.
 */
export function wholeNumber(
  name: string,
  text: string,
  least = 1,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (number >= least && number <= most) return number;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
  throw new UsageError(`--${name} must be a whole number ${range}, not "${text}"`);
}

/**
 * One of the words that an option may be given.
 *
 * @throws {UsageError} if it is none of them.
 */
export function oneOf<const Word extends string>(name: string, text: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw new UsageError(`--${name} must be one of ${words.join(", ")}, not "${text}"`);
}
