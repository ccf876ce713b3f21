import type { Agreement, Reply } from "../../protocol/mod.ts";
import { type Answer, type AnswerPart, partsOf, understood } from "./answers.ts";
import type { FilterLink } from "./filter_link.ts";
import { isAnswered, isFinal } from "./fit.ts";
import type { Step } from "./steps.ts";

/** How an answer fails to come, and what stands in its place. */
export const FAILURES = {
  closed: "closes the connection",
  broken: "breaks the protocol",
  silent: "does not answer",
} as const;

/** What was answered to one command. */
export interface Answered {
  readonly parts: readonly AnswerPart[];
  /** The answer itself, after the edits. */
  readonly final?: Reply | undefined;
  /** How it failed to come. */
  readonly failed?: keyof typeof FAILURES | undefined;
  /** The failure for a person. */
  readonly why?: string;
}

/** How long is waited for what no protocol has a filter say, in milliseconds. */
export const GRACE = 1000;

/** The most replies that an answer may have: a filter could send edits for ever. */
const MAX_REPLIES = 100_000;

/** Whether a step waits for an answer: nothing is known of what is no command, but what was recorded. */
export function isAsked({ command, replies, broken }: Step, agreement: Agreement | undefined): boolean {
  if (command === undefined) return replies.length > 0 || broken !== undefined;
  return isAnswered(command.type, agreement);
}

/** What was recorded as the answer, and how much more was said to which nothing had asked. */
export function recordedAnswer(
  step: Step,
  agreement: Agreement | undefined,
  redacted: boolean,
): Answered & { readonly extra: number } {
  const { replies, broken } = step;
  const said = replies.map(understood);
  const nonsense = said.indexOf(undefined);
  if (nonsense !== -1) {
    return { parts: partsOf(replies.slice(0, nonsense + 1), redacted), failed: "broken", extra: 0 };
  }
  const asked = isAsked(step, agreement);
  const end = said.findIndex((reply) => isFinal(reply!));
  const failed = asked && end === -1 ? broken ?? "silent" : broken === "broken" ? broken : undefined;
  const unasked = !asked ? replies.length : end === -1 ? 0 : replies.length - 1 - end;
  return {
    parts: partsOf(replies, redacted),
    final: asked ? said[end] : undefined,
    failed,
    extra: unasked + (failed === "broken" ? 1 : 0),
  };
}

/** What to wait for, and how long. */
export interface HearingOptions {
  /** Whether an answer is due. */
  readonly asked: boolean;
  /** How many things are expected to which nothing asks. */
  readonly extra: number;
  readonly timeout: number;
  /** Collects the answer. */
  readonly answer: Answer;
}

/** The answer of a filter, and what else it has said by then. */
export async function hearAnswer(
  link: FilterLink,
  { asked, extra, timeout, answer }: HearingOptions,
): Promise<Answered> {
  let final: Reply | undefined;
  let left = extra;
  for (let count = 0; count < MAX_REPLIES; count++) {
    const waiting = asked && final === undefined;
    const patience = waiting ? timeout : left > 0 ? Math.min(timeout, GRACE) : 0;
    const heard = patience > 0 ? await link.next(patience) : link.ready();
    if (heard?.what === "reply") {
      answer.take(heard.packet);
      if (!waiting) left--;
      else if (isFinal(heard.reply)) final = heard.reply;
    } else if (heard?.what === "broken") {
      if (heard.packet !== undefined) answer.take(heard.packet);
      return {
        parts: answer.parts,
        final,
        failed: "broken",
        why: `the filter breaks the protocol: ${heard.why}`,
      };
    } else if (!waiting || heard === undefined) {
      return { parts: answer.parts, final };
    } else {
      const why = heard.what === "closed"
        ? "the filter closes the connection"
        : `the filter does not answer within ${timeout / 1000} s`;
      return { parts: answer.parts, final, failed: heard.what, why };
    }
  }
  return {
    parts: answer.parts,
    final,
    failed: "broken",
    why: `the filter sends over ${MAX_REPLIES} replies`,
  };
}

/** What a filter says when nothing is asked any more, until it closes or is silent for so many milliseconds. */
export async function hearEnd(link: FilterLink, patience: number, answer: Answer): Promise<Answered> {
  for (let count = 0; count < MAX_REPLIES; count++) {
    const heard = patience > 0 ? await link.next(patience) : link.ready();
    if (heard?.what === "reply") answer.take(heard.packet);
    else if (heard?.what === "broken") {
      return { parts: answer.parts, failed: "broken", why: `the filter breaks the protocol: ${heard.why}` };
    } else return { parts: answer.parts, failed: heard?.what };
  }
  return { parts: answer.parts, failed: "broken", why: `the filter sends over ${MAX_REPLIES} replies` };
}
