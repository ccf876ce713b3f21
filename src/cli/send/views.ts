import type { DeliveredMessage, SendResult } from "../../client/mod.ts";
import type { Reply } from "../../protocol/mod.ts";
import { describe } from "../../protocol/description.ts";
import { difference } from "../difference.ts";
import { cut, visible } from "../layout.ts";
import type { Style, Terminal } from "../terminal.ts";

/** What became of a mail that was sent. */
export interface Sent {
  readonly mail: string;
  readonly result: SendResult;
  readonly milliseconds: number;
  /** What was said in the whole session so far. */
  readonly conversation: string;
}

/** A mail of which nothing became, and why. */
export interface Failed {
  readonly mail: string;
  readonly error: Error;
  /** What was said until then. */
  readonly conversation: string;
}

/** How mails are shown. */
export interface SendView {
  sent(sent: Sent): void;
  failed(failed: Failed): void;
}

/** What an outcome is called, and how it looks. */
const OUTCOMES: Readonly<Record<SendResult["outcome"], readonly [word: string, style: Style]>> = {
  accepted: ["accepted", "green"],
  rejected: ["rejected", "red"],
  tempfailed: ["tempfailed", "red"],
  discarded: ["discarded", "yellow"],
  quarantined: ["held", "yellow"],
  aborted: ["aborted", "yellow"],
};

const WIDTH = Math.max(...Object.values(OUTCOMES).map(([word]) => word.length));

/** Macros that Postfix tells before each header and each piece of the body: those that it has told at DATA. */
const REPEATED = /^ {3}\d*> macros for (header|endOfHeaders|body|endOfMessage) /;

/** One mail, with all that was said, and how it was changed. */
export function wholeView(
  terminal: Terminal,
  { uncut = false }: { readonly uncut?: boolean } = {},
): SendView {
  const shorten = (line: string) => uncut ? visible(line) : cut(visible(line), terminal.columns);
  const tellConversation = (text: string) => {
    for (const line of text.split("\n").slice(0, -1)) {
      if (uncut || !REPEATED.test(line)) terminal.tell(`${inStyle(terminal, shorten(line))}\n`);
    }
  };
  return {
    sent({ result, milliseconds, conversation }) {
      tellConversation(conversation);
      terminal.tell(`\n${verdict(terminal, result, milliseconds)}`);
      const [before, after] = [result.unedited(), result.message];
      if (before !== undefined && after !== undefined && result.edits.length > 0) {
        terminal.tell("\n");
        for (const line of changedLines(before, after)) {
          terminal.tell(`${inStyle(terminal, shorten(line))}\n`);
        }
      }
    },
    failed({ error, conversation }) {
      tellConversation(conversation);
      terminal.note(`\nkilter send: ${visible(error.message)}\n`);
    },
  };
}

/** One line for each mail: outcome, time, name, and what there is to say of it. */
export function lineView(terminal: Terminal): SendView {
  const tell = (word: string, style: Style, time: string, ...rest: readonly string[]) => {
    const text = rest.filter(Boolean).map(visible).join("  ");
    terminal.tell(`${terminal.paint(style, word.padEnd(WIDTH))}${time.padStart(9)}  ${text}\n`);
  };
  return {
    sent({ mail, result, milliseconds }) {
      const [word, style] = OUTCOMES[result.outcome];
      const more = result.outcome === "accepted"
        ? edits(result.edits)
        : result.quarantine ?? result.reply.full;
      tell(word, style, `${milliseconds} ms`, mail, more);
    },
    failed({ mail, error }) {
      tell("failed", "red", "", mail, error.message);
    },
  };
}

/** One line of JSON for each mail. */
export function jsonView(terminal: Terminal, { uncut = false }: { readonly uncut?: boolean } = {}): SendView {
  return {
    sent({ mail, result, milliseconds }) {
      const { outcome, reply, recipients, sender, deliveredTo, quarantine, decidedBy } = result;
      const milters = result.milters.map(({ name, edits }) => ({
        name,
        edits: edits.map((edit) => describe(edit)),
      }));
      const entry = {
        ...{ mail, outcome, reply: reply.full, milliseconds, sender, deliveredTo, quarantine, decidedBy },
        recipients: recipients.map((one) => ({ ...one, reply: one.reply.full })),
        milters,
        ...uncut ? { conversation: result.conversation, message: result.message?.text } : {},
      };
      terminal.tell(`${JSON.stringify(entry)}\n`);
    },
    failed({ mail, error }) {
      const code = "code" in error ? error.code : undefined;
      terminal.tell(`${JSON.stringify({ mail, outcome: "failed", code, error: error.message })}\n`);
    },
  };
}

/** `Accepted, with 2 edits, in 12 ms: 250 2.0.0 Ok`, and who was treated otherwise. */
function verdict({ paint }: Terminal, result: SendResult, milliseconds: number): string {
  const [word, style] = OUTCOMES[result.outcome];
  const title = word[0]!.toUpperCase() + word.slice(1);
  const changes = edits(result.edits);
  const lines = [
    `${paint(["bold", style] as Style, title)}${changes && `, with ${changes}`}, in ${milliseconds} ms: ` +
    visible(result.reply.full),
  ];
  if (result.quarantine !== undefined) lines.push(`Held because: ${visible(result.quarantine)}`);
  if (result.decidedBy !== undefined && result.milters.length > 1) {
    lines.push(`Decided by ${result.decidedBy}`);
  }
  for (const { address, outcome, reply } of result.recipients) {
    if (outcome === result.outcome && reply.full === result.reply.full) continue;
    lines.push(`<${visible(address)}> ${OUTCOMES[outcome][0]}: ${visible(reply.full)}`);
  }
  return `${lines.join("\n")}\n`;
}

function edits(list: readonly Reply[]): string {
  return list.length === 0 ? "" : list.length === 1 ? "1 edit" : `${list.length} edits`;
}

/** How many lines around a change are shown, and the most that a change of the body may have. */
const [AROUND, MOST] = [3, 1000];

/** What an edited mail has otherwise: lines with `-` and `+`, and some around them. */
function changedLines(before: DeliveredMessage, after: DeliveredMessage): string[] {
  const changes = difference(linesOf(before), linesOf(after), (one, other) => one === other);
  const near = changes.map((_, at) =>
    changes.slice(Math.max(0, at - AROUND), at + AROUND + 1).some(isChange)
  );
  const lines: string[] = [];
  for (const [at, { sign, item }] of changes.entries()) {
    if (near[at]) lines.push(`   ${sign} ${item}`.trimEnd());
    else if (near[at - 1] === true || at === 0) lines.push("     …");
  }
  return lines.length <= MOST
    ? lines
    : [...lines.slice(0, MOST), `     … and ${lines.length - MOST} lines more`];
}

function isChange({ sign }: { readonly sign: string }): boolean {
  return sign !== " ";
}

function linesOf({ text }: DeliveredMessage): string[] {
  return text.replace(/\n$/, "").replaceAll("\t", "    ").split("\n");
}

/** The looks of lines by how they start: who says it, or what becomes of it. */
const STYLES: readonly (readonly [start: RegExp, style: Style])[] = [
  [/^C: /, "bold"],
  [/^S: [45]/, ["bold", "red"] as Style],
  [/^S: /, "bold"],
  [/^ {3}\d*> /, "cyan"],
  [/^ {3}\d*< /, "yellow"],
  [/^ {3}! /, "dim"],
  [/^ {3}-/, "red"],
  [/^ {3}\+/, "green"],
];

function inStyle({ paint }: Terminal, line: string): string {
  const style = STYLES.find(([start]) => start.test(line))?.[1];
  return style === undefined ? line : paint(style, line);
}
