import type { Command, Reply, Text } from "../protocol/mod.ts";
import { describe } from "../protocol/description.ts";

/**
 * All that is said, in the order in which it is: between the client and the MTA (`C:`, `S:`), and between the MTA
 * (`>`) and the filter (`<`).
 */
export class Dialogue {
  readonly #lines: string[] = [];

  /** How many lines there are. */
  get length(): number {
    return this.#lines.length;
  }

  client(line: string): void {
    this.#lines.push(`C: ${line}`);
  }

  server(answer: string): void {
    for (const line of answer.split("\r\n")) this.#lines.push(`S: ${line}`);
  }

  /** What the MTA says to a milter, which has a name where there are several. */
  command(command: Command<Text>, milter = ""): void {
    this.#lines.push(`   ${milter}> ${describe(command)}`);
  }

  /** What a milter says. */
  reply(reply: Reply, milter = ""): void {
    this.#lines.push(`   ${milter}< ${describe(reply)}`);
  }

  /** Something that happens beside what is said. */
  note(text: string): void {
    this.#lines.push(...text.split("\n").map((line) => `   ! ${line}`));
  }

  /** The text from a line on. */
  since(line: number): string {
    return this.#lines.slice(line).map((text) => `${text}\n`).join("");
  }
}
