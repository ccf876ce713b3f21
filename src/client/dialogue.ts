import type { Command, Reply, Text } from "../protocol/mod.ts";
import { describe } from "../protocol/description.ts";

/** How many lines are kept at least, and at the most. */
const [LEAST, MOST] = [20_000, 40_000];

/**
 * All that is said, in the order in which it is: between the client and the MTA (`C:`, `S:`), and between the MTA
 * (`>`) and its milters (`<`). Of a long one the oldest lines are forgotten.
 */
export class Dialogue {
  readonly #lines: string[] = [];
  #forgotten = 0;

  /** How many lines there have been. */
  get length(): number {
    return this.#forgotten + this.#lines.length;
  }

  client(line: string): void {
    this.#say(`C: ${line}`);
  }

  server(answer: string): void {
    for (const line of answer.split("\r\n")) this.#say(`S: ${line}`);
  }

  /** What the MTA says to a milter, which has a name where there are several. */
  command(command: Command<Text>, milter = ""): void {
    this.#say(`   ${milter}> ${describe(command)}`);
  }

  /** What a milter says. */
  reply(reply: Reply, milter = ""): void {
    this.#say(`   ${milter}< ${describe(reply)}`);
  }

  /** Something that happens beside what is said. */
  note(text: string): void {
    for (const line of text.split("\n")) this.#say(`   ! ${line}`);
  }

  /** The text from a line on. */
  since(line: number): string {
    const start = Math.max(0, line - this.#forgotten);
    return this.#lines.slice(start).map((text) => `${text}\n`).join("");
  }

  #say(line: string): void {
    if (this.#lines.push(line) <= MOST) return;
    this.#forgotten += MOST - LEAST;
    this.#lines.splice(0, MOST - LEAST);
  }
}
