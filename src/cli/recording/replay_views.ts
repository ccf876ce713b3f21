import type { Command } from "../../protocol/mod.ts";
import { describe } from "../../protocol/description.ts";
import { difference } from "../difference.ts";
import { cut, visible, wrap } from "../layout.ts";
import type { Style, Terminal } from "../terminal.ts";
import type { AnswerPart } from "./answers.ts";
import type { Finding, Played } from "./player.ts";

/** How a replay is shown. */
export interface ReplayView {
  found(connection: number, finding: Finding): void;
  played(connection: number, played: Played): void;
}

const STYLES: Readonly<Record<"-" | "+" | " ", Style>> = { "-": "red", "+": "green", " ": "dim" };

/** How far lines are indented that belong to a connection. */
const INDENT = "   ";

/** For a person: each answer that differs, as the lines that are gone and those that are new. */
export function lineReplayView(terminal: Terminal): ReplayView {
  const { paint, columns } = terminal;
  const print = (sign: string, text: string, style: Style, indent = INDENT) => {
    const hang = " ".repeat(sign.length);
    const lines = wrap(visible(text), Math.max(columns - indent.length - sign.length - 1, 30));
    for (const [at, line] of lines.entries()) {
      terminal.tell(`${indent}${paint(style, `${at === 0 ? sign : hang} ${line}`)}\n`);
    }
  };
  return {
    found(connection, finding) {
      const about = "command" in finding
        ? `#${connection} ${commandName(finding.command)}`
        : `#${connection}`;
      if (finding.kind === "different") {
        terminal.tell(`${paint("bold", cut(visible(about), columns))}\n`);
        for (const { sign, item } of difference(finding.recorded, finding.actual, sameKey)) {
          print(sign, item.text, STYLES[sign]);
        }
      } else if (finding.kind === "trouble") {
        terminal.tell(`${paint("bold", cut(visible(about), columns))}\n`);
        print("!", finding.why, "red");
      } else {
        print(
          `#${connection}`,
          `${finding.kind === "unplayed" ? "not played" : "left out"}: ${finding.why}`,
          "yellow",
          "",
        );
      }
    },
    played(connection, { answers, same }) {
      const text = same === answers
        ? `${answers} ${answers === 1 ? "answer" : "answers"}, as recorded`
        : `${answers} ${answers === 1 ? "answer" : "answers"}, ${same} as recorded`;
      print(`#${connection}`, text, same === answers ? "green" : "yellow", "");
    },
  };
}

/** For machines: a line of JSON each. */
export function jsonReplayView(terminal: Terminal): ReplayView {
  const print = (line: object) => terminal.tell(`${JSON.stringify(line)}\n`);
  return {
    found(conn, finding) {
      if (finding.kind === "different") {
        const [recorded, actual] = [finding.recorded, finding.actual].map((parts) =>
          parts.map(({ text }) => text)
        );
        print({ event: "different", conn, command: commandName(finding.command), recorded, actual });
      } else {
        const { kind, why } = finding;
        print({
          event: kind,
          conn,
          ...kind === "trouble" ? { command: commandName(finding.command) } : {},
          why,
        });
      }
    },
    played: (conn, { answers, same }) => print({ event: "played", conn, answers, same }),
  };
}

function sameKey(one: AnswerPart, other: AnswerPart): boolean {
  return one.key === other.key;
}

/** What was said, at the end of it all nothing. */
function commandName(command: Command | undefined): string {
  return command === undefined ? "afterwards" : describe(command, 60);
}
