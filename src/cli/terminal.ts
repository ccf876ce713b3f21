import process from "node:process";
import { styleText } from "node:util";

/** A style of text, by its name in Node's `styleText`. Written out, so that these types need none of Node's. */
export type StyleName =
  | "bold"
  | "dim"
  | "underline"
  | "red"
  | "green"
  | "yellow"
  | "blue"
  | "magenta"
  | "cyan"
  | "white"
  | "gray";

/** A style, or several at once: `"red"`, `["bold", "green"]`. */
export type Style = StyleName | StyleName[];

/** Where a command prints. */
export interface Terminal {
  /** How many characters a line has room for: 80 where nothing is known. */
  readonly columns: number;
  /** Whether a person sees what goes to {@linkcode Terminal.tell}: only then there are colours. */
  readonly coloured: boolean;
  /** Whether a person sees what goes to {@linkcode Terminal.note}: only then a line is drawn over. */
  readonly interactive: boolean;
  /** Prints results, to the standard output. The text brings its own ends of lines. */
  tell(text: string): void;
  /** Prints what is no result, to the standard error: errors, progress. */
  note(text: string): void;
  /**
   * Draws over the line of a person who waits. It goes where results do if the person sees these too, so that both keep
   * their order; else where {@linkcode Terminal.note} prints.
   */
  draw?(text: string): void;
  /** Resolves when a slow reader of the standard output has caught up; `undefined` while there is no need to wait. */
  room?(): Promise<void> | undefined;
  /** Resolves if nobody can read the standard output any more; what is printed then goes nowhere. */
  readonly gone?: Promise<Error>;
  /** A text in a style, where there are colours. */
  paint(style: Style, text: string): string;
}

/** The terminal of this process. Colours are for a person who has not asked for none: https://no-color.org */
export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  // A reader that has what it wants, as `head` has, closes a pipe: that is no reason to fail.
  const gone = new Promise<Error>((resolve) => stdout.on("error", resolve));
  let waiting: Promise<void> | undefined;
  // A person who sees both is to see them in their order, which two streams do not keep.
  const beside = stdout.isTTY === true && stderr.isTTY === true ? stdout : stderr;
  const coloured = stdout.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  return {
    get columns() {
      return stdout.columns ?? 80;
    },
    coloured,
    interactive: stderr.isTTY === true && env["TERM"] !== "dumb",
    tell: (text) => void stdout.write(text),
    note: (text) => void beside.write(text),
    draw: (text) => void (stdout.isTTY === true ? stdout : stderr).write(text),
    room: () => {
      if (!stdout.writableNeedDrain || stdout.destroyed) return undefined;
      return waiting ??= new Promise((resolve) => {
        const go = () => {
          stdout.off("drain", go).off("error", go);
          waiting = undefined;
          resolve();
        };
        stdout.on("drain", go).on("error", go);
      });
    },
    gone,
    paint: (style, text) => coloured ? styleText(style, text, { validateStream: false }) : text,
  };
}
