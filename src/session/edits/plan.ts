import type { Reply } from "../../protocol/replies.ts";
import { decodeText, type Text } from "../../wire/text.ts";
import type { Header } from "../header.ts";

/** One thing that the MTA will be told. */
export interface PlanStep {
  /** What is sent. */
  readonly reply: Reply<Text>;
  /** The header that it is about. */
  readonly header?: Header;
  /** The header that a new one will stand below. */
  readonly below?: Header | undefined;
}

/**
 * What the MTA will be told so that the message becomes what the filter wishes: in an order that is right for it,
 * with nothing that cancels out.
 */
export class Plan {
  /** What is sent, in this order; the verdict follows. */
  readonly steps: readonly PlanStep[];
  /** Wishes that this MTA cannot fulfil to the letter: what becomes of each, and what to choose instead. */
  readonly warnings: readonly string[];

  /** A plan of these steps. */
  constructor(steps: readonly PlanStep[], warnings: readonly string[]) {
    this.steps = steps;
    this.warnings = warnings;
  }

  /** The plan for a person to read, a line for each step and each warning. */
  explain(): string {
    const steps = this.steps.map((step, at) => `${at + 1}. ${describe(step)}`);
    const warnings = this.warnings.map((warning) => `Warning: ${warning}`);
    return [...steps.length > 0 ? steps : ["No edits."], ...warnings].join("\n");
  }
}

function describe({ reply, header, below }: PlanStep): string {
  switch (reply.type) {
    case "changeSender":
      return `change the sender to ${textOf(reply.address)}${withArguments(reply.arguments)}`;
    case "addRecipient":
      return `add recipient ${textOf(reply.address)}`;
    case "addRecipientWithArguments":
      return `add recipient ${textOf(reply.address)}${withArguments(reply.arguments)}`;
    case "removeRecipient":
      return `remove recipient ${textOf(reply.address)}`;
    case "changeHeader": {
      const which = `header ${textOf(reply.name)}, the ${ordinal(reply.index)} of that name`;
      const old = header === undefined ? "" : `: ${quote(header.value)}`;
      return reply.value.length === 0 ? `delete ${which}${old}` : `change ${which}, to ${quote(reply.value)}`;
    }
    case "insertHeader": {
      const place = below === undefined ? "" : ` below ${below.name}`;
      return `insert header ${textOf(reply.name)}: ${quote(reply.value)} at index ${reply.index},${
        place || " " + placeOf(reply.index)
      }`;
    }
    case "addHeader":
      return `add header ${textOf(reply.name)}: ${quote(reply.value)}`;
    case "replaceBody":
      return reply.chunk.length === 0
        ? "replace the body by nothing"
        : `replace the body, ${reply.chunk.length} bytes`;
    case "quarantine":
      return `quarantine: ${textOf(reply.reason)}`;
    default:
      return reply.type;
  }
}

function placeOf(index: number): string {
  if (index === 0) return "above all headers";
  return index === 1 ? "below the MTA's own Received" : "below all headers";
}

function withArguments(values: Text | undefined): string {
  return values === undefined || values.length === 0 ? "" : ` ${textOf(values)}`;
}

/** A value on one line, not too long. */
function quote(value: Text): string {
  const line = textOf(value).trim().replace(/\r?\n/g, "");
  return JSON.stringify(line.length > 60 ? `${line.slice(0, 59)}…` : line);
}

function textOf(text: Text): string {
  return typeof text === "string" ? text : decodeText(text);
}

function ordinal(number: number): string {
  const teens = number % 100 > 10 && number % 100 < 14;
  const ending = teens ? "th" : ["th", "st", "nd", "rd"][number % 10] ?? "th";
  return `${number}${ending}`;
}
