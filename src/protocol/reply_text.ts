import { MilterError } from "../errors.ts";
import { decodeText, encodeText, hasControl } from "../wire/text.ts";

/** What an SMTP client is told, in its parts. */
export interface SmtpReply {
  /** Three digits, 4xx or 5xx. */
  readonly code: number;
  /** The enhanced status code of RFC 3463, `"5.7.1"`. */
  readonly enhanced?: string | undefined;
  /** The text, line by line, for a person to read. */
  readonly lines: readonly string[];
}

/** A reply as a filter's author writes it: in its parts, or as text, `"550 5.7.1 No"` or just `"No"`. */
export type ReplyInput = string | {
  /** Three digits, of the verdict's class. */
  readonly code?: number;
  /** The enhanced status code. */
  readonly enhanced?: string;
  /** The text; `\n` starts a new line. */
  readonly text?: string;
};

/** Whether a refusal is for good (`5`) or for now (`4`). */
export type ReplyClass = 4 | 5;

/** The most lines of a reply. libmilter's `MAXREPLIES` */
const MAX_LINES = 32;

/** The most bytes of a line, its codes and doubled `%` included. libmilter's `MAXREPLYLEN` */
const MAX_LINE_BYTES = 980;

/** What a refusal says when its author says nothing; Postfix's words. */
const DEFAULTS: Readonly<Record<ReplyClass, SmtpReply>> = {
  4: { code: 451, enhanced: "4.7.1", lines: ["Service unavailable - try again later"] },
  5: { code: 550, enhanced: "5.7.1", lines: ["Command rejected"] },
};

/** A line that carries its own codes: reply code, separator, enhanced code, text. */
const CODED = /^([2-5]\d\d)(?:([ -])(?:(\d\.\d{1,3}\.\d{1,3})(?: |$))?(.*))?$/s;

/** An enhanced status code at the start of a text. */
const ENHANCED = /^(\d\.\d{1,3}\.\d{1,3})(?: |$)/;

/**
 * Checks a reply and puts it into its parts: one that cannot be sent cannot be built.
 *
 * A text that starts with a code keeps it, and its further lines may repeat the codes as SMTP does;
 * one without gets 550 5.7.1 or 451 4.7.1.
 *
 * @throws {TypeError | RangeError} if the code is of another class, the enhanced code does not match it, a
 * line is too long or holds a control character, or there are too many lines.
 */
export function buildReply(input: ReplyInput, kind: ReplyClass): SmtpReply {
  const parts = typeof input === "string" ? partsOf(input, kind) : withOwnEnhanced({
    code: input.code ?? DEFAULTS[kind].code,
    enhanced: input.enhanced ?? (input.code === undefined ? DEFAULTS[kind].enhanced : undefined),
    lines: linesOf(input.text ?? ""),
  });
  const reply = parts.lines.every((line) => line === "") ? { ...parts, lines: DEFAULTS[kind].lines } : parts;
  checkReply(reply, kind);
  return Object.freeze({ ...reply, lines: Object.freeze([...reply.lines]) });
}

function partsOf(text: string, kind: ReplyClass): SmtpReply {
  const lines = linesOf(text);
  const first = CODED.exec(lines[0]!);
  if (first === null) return { ...DEFAULTS[kind], lines };
  const [, code, , enhanced] = first;
  return { code: Number(code), enhanced, lines: lines.map((line) => withoutCodes(line, code, enhanced)) };
}

/** A text without an enhanced code beside it may begin with one, and nobody could tell later that it was text. */
function withOwnEnhanced(reply: SmtpReply): SmtpReply {
  const [first = "", ...more] = reply.lines;
  const [whole, enhanced] = reply.enhanced === undefined ? ENHANCED.exec(first) ?? [] : [];
  return whole === undefined ? reply : { ...reply, enhanced, lines: [first.slice(whole.length), ...more] };
}

/** A further line repeats both codes or none: `550 in May` stays as it is in a reply of 451. */
function withoutCodes(line: string, code: string | undefined, enhanced: string | undefined): string {
  const match = CODED.exec(line);
  return match?.[1] === code && match?.[3] === enhanced ? match?.[4] ?? "" : line;
}

function linesOf(text: string): string[] {
  return text.replace(/\r?\n$/, "").split(/\r?\n/);
}

function checkReply(reply: SmtpReply, kind: ReplyClass): void {
  const { code, enhanced, lines } = reply;
  if (!Number.isInteger(code) || Math.floor(code / 100) !== kind) {
    throw new RangeError(`Cannot build reply: its code ${code} is not of the class ${kind}xx`);
  }
  if (enhanced !== undefined && !new RegExp(`^${kind}\\.\\d{1,3}\\.\\d{1,3}$`).test(enhanced)) {
    throw new RangeError(`Cannot build reply: its enhanced code ${enhanced} does not go with ${code}`);
  }
  if (lines.length > MAX_LINES) {
    throw new RangeError(`Cannot build reply: ${lines.length} lines are over the limit of ${MAX_LINES}`);
  }
  for (const line of lines) {
    if (hasControl(line.replaceAll("\t", " "))) {
      throw new TypeError("Cannot build reply: its text holds a control character");
    }
    const size = encodeText(codedLine(reply, line, " ")).length;
    if (size > MAX_LINE_BYTES) {
      throw new RangeError(
        `Cannot build reply: a line of ${size} bytes is over the limit of ${MAX_LINE_BYTES}`,
      );
    }
  }
}

/** `%` is doubled: Postfix drops a single one, Sendmail throws the whole reply away. */
function codedLine(reply: SmtpReply, line: string, separator: " " | "-"): string {
  const codes = reply.enhanced === undefined ? "" : `${reply.enhanced} `;
  return `${reply.code}${separator}${codes}${line.replaceAll("%", "%%")}`;
}

/**
 * The text of a `replyCode`: every line with its codes, CRLF between them, `%` doubled.
 *
 * What is not ASCII becomes `?` unless `utf8` is set: SMTP clients take it under SMTPUTF8 only (RFC 6531).
 */
export function formatReply(reply: SmtpReply, options: { readonly utf8?: boolean } = {}): Uint8Array {
  const last = reply.lines.length - 1;
  const text = reply.lines.map((line, index) => codedLine(reply, line, index < last ? "-" : " ")).join(
    "\r\n",
  );
  return encodeText(options.utf8 ? text : text.replace(/[\u0080-\u{10ffff}]/gu, "?"));
}

/**
 * The parts of a `replyCode`'s text.
 *
 * @throws {MilterError} `MESSAGE` if it is no reply of 4xx or 5xx, its lines marked as SMTP wants them.
 */
export function parseReply(text: Uint8Array): SmtpReply {
  const broken = (why: string) =>
    new MilterError("MESSAGE", `Cannot read reply text: ${why}`, { side: "peer" });
  const lines = decodeText(text).split("\r\n");
  const first = CODED.exec(lines[0]!);
  if (first === null) throw broken("it does not start with a reply code");
  const [, code, , enhanced] = first;
  if (!/^[45]/.test(code!)) throw broken(`its code ${code} is neither 4xx nor 5xx`);
  if (enhanced !== undefined && enhanced[0] !== code![0]) {
    throw broken(`${enhanced} does not go with ${code}`);
  }
  for (const [index, line] of lines.entries()) {
    const [, own, separator] = CODED.exec(line) ?? [];
    if (own !== code) throw broken(`line ${index + 1} lacks the code ${code}`);
    // The hyphen tells the SMTP client that more follows: it would wait for ever, or be a reply ahead.
    if ((separator === "-") !== (index < lines.length - 1)) {
      throw broken(`line ${index + 1} of ${lines.length} has the wrong separator after its code`);
    }
    if (hasControl(line.replaceAll("\t", " "))) throw broken(`line ${index + 1} holds a control character`);
  }
  return {
    code: Number(code),
    enhanced,
    lines: lines.map((line) => {
      const own = line.slice(4);
      const coded = enhanced !== undefined && `${own} `.startsWith(`${enhanced} `);
      return (coded ? own.slice(enhanced.length + 1) : own).replaceAll("%%", "%");
    }),
  };
}
