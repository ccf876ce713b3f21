import type { Mail, Rcpt } from "../protocol/commands.ts";
import type { Macros } from "../protocol/macros.ts";
import type { ReplyInput } from "../protocol/reply_text.ts";
import type { Slice } from "../wire/slice.ts";
import { hasControl } from "../wire/text.ts";

/** An address of the envelope with its ESMTP arguments (RFC 5321, section 4.1.2). */
export interface EnvelopeAddress {
  /** The address without its brackets; empty for the null sender `<>`. */
  readonly address: string;
  /** The address's bytes as the client wrote them, usually in `<>`. */
  readonly raw: Uint8Array;
  /** The ESMTP arguments, verbatim and in order: `["SIZE=4096", "BODY=8BITMIME"]`. */
  readonly arguments: readonly string[];
  /** The ESMTP arguments by keyword in capitals: `SIZE` is `"4096"`; empty where there is no value. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** The sender of the envelope: MAIL FROM. */
export type Sender = EnvelopeAddress;

/** A recipient of the envelope: RCPT TO. */
export interface Recipient extends EnvelopeAddress {
  /** The macros of this recipient: `{rcpt_host}`, `{rcpt_mailer}`. */
  readonly macros: Macros;
  /** Whether the MTA itself has refused it: shown only if {@linkcode Declaration.rejectedRecipients} is set. */
  readonly refused: boolean;
  /**
   * Refuses this recipient and no other. The mail goes on to the rest.
   *
   * @throws {MilterError} `PASSED` once the filter has asked for what comes next, or `NOT_AGREED` if the
   * filter does not answer recipients.
   */
  reject(reply?: ReplyInput): void;
  /** Refuses this recipient for now, as {@linkcode Recipient.reject} does for good. */
  tempfail(reply?: ReplyInput): void;
}

/** An address as the MTA sent it; its text is decoded when it is looked at. */
export class ReceivedAddress implements EnvelopeAddress {
  readonly #command: Mail<Slice> | Rcpt<Slice>;

  constructor(command: Mail<Slice> | Rcpt<Slice>) {
    this.#command = command;
  }

  get raw(): Uint8Array {
    return this.#command.address.bytes;
  }

  get address(): string {
    return withoutBrackets(this.#command.address.text);
  }

  get arguments(): readonly string[] {
    return this.#command.arguments.map(({ text }) => text);
  }

  get parameters(): ReadonlyMap<string, string> {
    return new Map(this.arguments.map((argument) => {
      const [keyword = "", ...value] = argument.split("=");
      return [keyword.toUpperCase(), value.join("=")];
    }));
  }
}

function withoutBrackets(address: string): string {
  return address.startsWith("<") && address.endsWith(">") ? address.slice(1, -1) : address;
}

/**
 * An address that a filter hands in, as MTAs take it: in `<>`.
 *
 * @throws {TypeError} if it holds a control character, a space outside quotes, or brackets inside.
 */
export function bracketed(address: string): string {
  const bare = typeof address === "string" ? withoutBrackets(address.trim()) : address;
  if (
    typeof bare !== "string" || hasControl(address) ||
    /[<>\s]/.test(bare.replace(/"(\\.|[^"\\])*"/g, ""))
  ) {
    throw new TypeError(`Cannot edit envelope: ${JSON.stringify(address)} is no address`);
  }
  return `<${bare}>`;
}

/**
 * ESMTP arguments that a filter hands in, as MTAs take them: a space between.
 *
 * @throws {TypeError} if one is not a keyword or `keyword=value` (RFC 5321, section 4.1.2).
 */
export function joinArguments(values: readonly string[] = []): string | undefined {
  for (const value of values) {
    if (
      typeof value !== "string" || !/^[A-Za-z0-9][A-Za-z0-9-]*(=[!-<>-~\u0080-\u{10ffff}]*)?$/u.test(value)
    ) {
      throw new TypeError(`Cannot edit envelope: ${JSON.stringify(value)} is no ESMTP argument`);
    }
  }
  return values.length > 0 ? values.join(" ") : undefined;
}
