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

  command(command: Command<Text>): void {
    this.#lines.push(`   > ${describe(command)}`);
  }

  reply(reply: Reply): void {
    this.#lines.push(`   < ${describe(reply)}`);
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
