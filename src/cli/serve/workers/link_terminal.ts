import { setImmediate } from "node:timers";
import { styleText } from "node:util";
import type { Link } from "../../../workers/link.ts";
import type { Terminal } from "../../terminal.ts";

/** What a worker has its supervisor print: results, and what is none. */
export type Printed = readonly { readonly to: "tell" | "note"; readonly text: string }[];

/** The terminal of another process, which alone writes to it: so no line is torn. */
export interface LinkTerminal extends Terminal {
  /** Sends what still waits. */
  flush(): void;
}

/** The terminal of a worker's supervisor. What is printed in one turn is sent in one piece. */
export function linkTerminal(link: Link, coloured: boolean): LinkTerminal {
  let waiting: Printed[number][] = [];
  const flush = () => {
    if (waiting.length > 0) link.tell(waiting);
    waiting = [];
  };
  const printTo = (to: "tell" | "note") => (text: string) => {
    if (waiting.push({ to, text }) === 1) setImmediate(flush);
  };
  return {
    columns: 80,
    interactive: false,
    coloured,
    tell: printTo("tell"),
    note: printTo("note"),
    flush,
    paint: (style, text) => coloured ? styleText(style, text, { validateStream: false }) : text,
  };
}

/** Prints what a worker has sent. */
export function print(printed: Printed, terminal: Terminal): void {
  for (const { to, text } of printed) terminal[to](text);
}
