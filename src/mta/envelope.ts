import type { MtaName } from "./mta_name.ts";

/** A sender or a recipient of a message. */
export interface Party {
  /** The address without `<>`; empty for the null sender. */
  readonly address: string;
  /** ESMTP arguments: `NOTIFY=NEVER`. */
  readonly arguments: readonly string[];
}

/** How an MTA takes edits of the envelope. */
interface EnvelopeRules {
  /** Whether a recipient who is there already is added once more. */
  readonly keepsDuplicates: boolean;
  /** The arguments of a sender that it takes from a filter; others are left out. */
  readonly senderArguments: RegExp;
  /** The arguments of a recipient that it takes from a filter. */
  readonly recipientArguments: RegExp;
  /** Whether a recipient with another argument is not added at all. */
  readonly refusesArguments: boolean;
  /** What the MTA makes of an address whose `<` is not closed. */
  readonly unclosed: (address: string) => string | undefined;
}

const RULES: Readonly<Record<MtaName, EnvelopeRules>> = {
  postfix: {
    keepsDuplicates: true,
    senderArguments: /^(RET|ENVID)=/i,
    recipientArguments: /^(NOTIFY|ORCPT)=/i,
    refusesArguments: false,
    unclosed: (address) => address,
  },
  sendmail: {
    keepsDuplicates: false,
    senderArguments: /^(SIZE|BODY|RET|ENVID)=/i,
    recipientArguments: /^(NOTIFY|ORCPT)=/i,
    refusesArguments: true,
    unclosed: () => undefined,
  },
};

/** Who a message is from and for, while a filter edits it, by the rules of an MTA. */
export class Envelope {
  #sender: Party;
  readonly #recipients: Party[];
  readonly #rules: EnvelopeRules;
  /** What the MTA said of edits that it did not take as they were meant. */
  readonly complaints: string[] = [];

  constructor(mta: MtaName, sender: Party, recipients: readonly Party[]) {
    this.#rules = RULES[mta];
    this.#sender = sender;
    this.#recipients = [...recipients];
  }

  get sender(): Party {
    return this.#sender;
  }

  get recipients(): readonly Party[] {
    return this.#recipients;
  }

  /** The last one wins. `SMFIR_CHGFROM` */
  changeSender(path: string, words = ""): void {
    const address = this.#addressOf(path);
    if (address === undefined) return;
    const given = wordsOf(words);
    this.#complainOf(given, this.#rules.senderArguments);
    this.#sender = { address, arguments: given.filter((word) => this.#rules.senderArguments.test(word)) };
  }

  /** `SMFIR_ADDRCPT`, `SMFIR_ADDRCPT_PAR` */
  addRecipient(path: string, words = ""): void {
    const address = this.#addressOf(path);
    if (address === undefined) return;
    const given = wordsOf(words);
    const taken = given.filter((word) => this.#rules.recipientArguments.test(word));
    this.#complainOf(given, this.#rules.recipientArguments);
    if (this.#rules.refusesArguments && taken.length < given.length) return;
    if (!this.#rules.keepsDuplicates && this.#recipients.some((party) => party.address === address)) return;
    this.#recipients.push({ address, arguments: taken });
  }

  /** Removes a recipient, who must be spelled as the MTA has it. `SMFIR_DELRCPT` */
  removeRecipient(path: string): void {
    const address = this.#addressOf(path);
    for (let at = this.#recipients.length - 1; at >= 0; at--) {
      if (this.#recipients[at]!.address === address) this.#recipients.splice(at, 1);
    }
  }

  #addressOf(path: string): string | undefined {
    if (!path.startsWith("<")) return path;
    if (path.endsWith(">")) return path.slice(1, -1);
    this.complaints.push(`bad address ${path}`);
    return this.#rules.unclosed(path);
  }

  #complainOf(words: readonly string[], known: RegExp): void {
    for (const word of words) if (!known.test(word)) this.complaints.push(`bad argument ${word}`);
  }
}

function wordsOf(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}
