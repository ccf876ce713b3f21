import type { Rcpt } from "../protocol/commands.ts";
import type { Macros } from "../protocol/macros.ts";
import type { ReplyInput } from "../protocol/reply_text.ts";
import type { Slice } from "../wire/slice.ts";
import { ReceivedAddress, type Recipient } from "./envelope.ts";
import { type Refusal, reject, tempfail } from "./verdict.ts";

/** Takes the refusal of a recipient, or throws if it comes too late. */
export type Judge = (recipient: JudgedRecipient, refusal: Refusal) => void;

/** A recipient that a filter can refuse while it is looking at it. */
export class JudgedRecipient extends ReceivedAddress implements Recipient {
  readonly macros: Macros;
  /** How the filter refused it. */
  refusal: Refusal | undefined;
  readonly #rcpt: Rcpt<Slice>;
  readonly #judge: Judge;

  constructor(rcpt: Rcpt<Slice>, macros: Macros, judge: Judge) {
    super(rcpt);
    this.macros = macros;
    this.#rcpt = rcpt;
    this.#judge = judge;
  }

  /** The same recipient for a filter that has no say. */
  watched(): Recipient {
    return new JudgedRecipient(this.#rcpt, this.macros, () => {});
  }

  get refused(): boolean {
    return this.macros.get("rcpt_mailer") === "error";
  }

  reject(reply?: ReplyInput): void {
    this.#judge(this, reject(reply));
  }

  tempfail(reply?: ReplyInput): void {
    this.#judge(this, tempfail(reply));
  }
}
