import process from "node:process";
import type { Terminal } from "../terminal.ts";

/** What JSON can hold, by names. */
export type Facts = Readonly<Record<string, unknown>>;

/** Something that is told of a server: to a person as a line of text, to a machine as its facts. */
export interface Happening {
  /** What it is, for machines: `"message"`, `"listening"`. */
  readonly event: string;
  /**
   * `"result"` is what was asked for, `"news"` how the server fares; trouble is told even to who wants quiet, and
   * `"debug"` to nobody.
   */
  readonly level: "debug" | "result" | "news" | "warning" | "error";
  /** What machines are told beside. */
  facts(): Facts;
  /** The line for a person, painted where there are colours. */
  text(paint: Terminal["paint"]): string;
}

/** Tells what happens. */
export type Tell = (happening: Happening) => void;

/** How a server is told of. */
export interface ReporterOptions {
  /** Whether it is a machine that reads: each happening is a line of JSON. */
  readonly json: boolean;
  /** Whether only trouble is told. */
  readonly quiet: boolean;
}

/** What a person is told goes to the standard output if it is a result, else to the other; JSON is all on one. */
export function reporter(terminal: Terminal, { json, quiet }: ReporterOptions): Tell {
  return ({ event, level, facts, text }) => {
    if (level === "debug" || (quiet && (level === "result" || level === "news"))) return;
    if (json) {
      terminal.tell(`${JSON.stringify({ time: new Date().toISOString(), event, ...facts() })}\n`);
    } else if (level === "result") {
      terminal.tell(`${timeFor(terminal)}${text(terminal.paint)}\n`);
    } else {
      const mark = level === "news" ? "" : `${level}: `;
      terminal.note(`kilter: ${mark}${text((_style, plain) => plain)}\n`);
    }
  };
}

/** The time of day for a person, of the whole date for a file; the journal has its own. */
function timeFor({ coloured, paint }: Terminal): string {
  if (process.env["JOURNAL_STREAM"] !== undefined) return "";
  const now = new Date();
  return coloured ? `${paint("dim", now.toTimeString().slice(0, 8))} ` : `${now.toISOString()} `;
}
