import type { Macros } from "../protocol/macros.ts";
import type { ReplyInput } from "../protocol/reply_text.ts";
import { ReceivedAddress, type Recipient } from "./envelope.ts";
import { type Refusal, reject, tempfail } from "./verdict.ts";

/** Takes the refusal of a recipient, or throws if it comes too late. */
export type Judge = (recipient: JudgedRecipient, refusal: Refusal) => void;

/** A recipient that a filter can refuse while it is looking at it. */
export class JudgedRecipient extends ReceivedAddress implements Recipient {
  readonly macros: Macros;
  /** How the filter refused it. */
  refusal: Refusal | undefined;
  readonly #rawArguments: readonly Uint8Array[];
  readonly #judge: Judge;

  constructor(raw: Uint8Array, rawArguments: readonly Uint8Array[], macros: Macros, judge: Judge) {
    super(raw, rawArguments);
    this.macros = macros;
    this.#rawArguments = rawArguments;
    this.#judge = judge;
  }

  /** The same recipient for a filter that has no say. */
  watched(): Recipient {
    return new JudgedRecipient(this.raw, this.#rawArguments, this.macros, () => {});
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
