/** What a command prints, for tests to look at. */

import { main } from "../../src/cli/mod.ts";
import type { Terminal } from "../../src/cli/terminal.ts";

/** How a command ended, and what it printed: results on `out`, all else on `err`. */
export interface Captured {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A terminal without colours, 80 columns wide, that keeps what is printed. */
export class CapturedTerminal implements Terminal {
  readonly columns = 80;
  readonly coloured = false;
  readonly interactive = false;
  out = "";
  err = "";

  tell(text: string): void {
    this.out += text;
  }

  note(text: string): void {
    this.err += text;
  }

  paint(_style: unknown, text: string): string {
    return text;
  }
}

/** Runs the command in this process. */
export async function kilter(...args: string[]): Promise<Captured> {
  const terminal = new CapturedTerminal();
  const code = await main(args, terminal);
  return { code, out: terminal.out, err: terminal.err };
}
