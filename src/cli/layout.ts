/** Text laid out for a terminal: lines that are not too long, and columns. Widths count characters. */

/** The lines of a text, broken at spaces so that none has more than `columns` characters if that can be. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** A text of at most this many characters, `…` where it was cut. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(width - 1, 0))}…`;
}

/** Text from elsewhere as it may go to a terminal: what would steer it is shown as an escape. */
export function visible(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (control) => ESCAPES[control] ?? `\\x${hex(control)}`);
}

const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0" };

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(2, "0");
}
