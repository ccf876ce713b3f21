import type { MtaName } from "./mta_name.ts";

/** A sender or a recipient of a message. */
export interface Party {
  /** The address without `<>`; empty for the null sender. */
  readonly address: string;
  /** ESMTP arguments: `NOTIFY=NEVER`. */
  readonly arguments: readonly string[];
}

/** What an MTA makes of the recipients and of edits to them. */
interface EnvelopeRules {
  /** Whether two recipients are one. */
  readonly same: (one: Party, other: Party) => boolean;
  /** Whether a filter's recipient who is one of the client's is one with that. */
  readonly merges: boolean;
  /** The arguments of a new sender that are taken; others are left out. */
  readonly senderArguments: readonly RegExp[];
  /** Whether a new sender keeps those arguments of the old one that it does not have itself. */
  readonly keepsArguments: boolean;
  /** Whether a recipient with an argument that is not taken is not added at all. */
  readonly strict: boolean;
}

const RETURN = /^RET=(FULL|HDRS)$/i;
const ENVELOPE_ID = /^ENVID=./i;
const RECIPIENT_ARGUMENTS: readonly RegExp[] = [
  /^NOTIFY=(NEVER|(SUCCESS|FAILURE|DELAY)(,(SUCCESS|FAILURE|DELAY))*)$/i,
  /^ORCPT=[^;]+;./i,
];

const RULES: Readonly<Record<MtaName, EnvelopeRules>> = {
  postfix: {
    same: (one, other) =>
      one.address.toLowerCase() === other.address.toLowerCase() &&
      one.arguments.join(" ") === other.arguments.join(" "),
    merges: false,
    senderArguments: [RETURN, ENVELOPE_ID],
    keepsArguments: true,
    strict: false,
  },
  sendmail: {
    same: (one, other) => one.address === other.address,
    merges: true,
    senderArguments: [RETURN, ENVELOPE_ID, /^BODY=(7BIT|8BITMIME)$/i],
    keepsArguments: false,
    strict: true,
  },
};

/**
 * Who a message is from and for, while a filter edits it, by the rules of an MTA. Addresses are taken as they are
 * written: an MTA completes one that has no domain.
 */
export class Envelope {
  /** What the MTA may say of edits that it did not take as they were meant. */
  readonly complaints: string[] = [];
  readonly #rules: EnvelopeRules;
  readonly #recipients: Party[] = [];
  /** The recipients that a filter has added. */
  readonly #added = new Set<Party>();
  #sender: Party;
  #senderChanged = false;

  constructor(mta: MtaName, sender: Party, recipients: readonly Party[]) {
    this.#rules = RULES[mta];
    this.#sender = sender;
    for (const party of recipients) {
      if (!this.#recipients.some((other) => this.#rules.same(other, party))) this.#recipients.push(party);
    }
  }

  get sender(): Party {
    return this.#sender;
  }

  /** Whether a filter has changed the sender. */
  get senderChanged(): boolean {
    return this.#senderChanged;
  }

  get recipients(): readonly Party[] {
    return this.#recipients;
  }

  /** The last one wins. `SMFIR_CHGFROM` */
  changeSender(path: string, words = ""): void {
    this.#senderChanged = true;
    const { senderArguments, keepsArguments } = this.#rules;
    const { taken } = this.#argumentsOf(words, senderArguments);
    const kept = keepsArguments
      ? this.#sender.arguments.filter((old) => !taken.some((word) => keyOf(word) === keyOf(old)))
      : taken.length > 0
      ? []
      : this.#sender.arguments;
    this.#sender = { address: this.#addressOf(path), arguments: [...kept, ...taken] };
  }

  /** `SMFIR_ADDRCPT`, `SMFIR_ADDRCPT_PAR` */
  addRecipient(path: string, words = ""): void {
    const { taken, whole } = this.#argumentsOf(words, RECIPIENT_ARGUMENTS);
    const party: Party = { address: this.#addressOf(path), arguments: taken };
    if (party.address === "" || (this.#rules.strict && !whole)) return;
    const others = this.#rules.merges ? this.#recipients : [...this.#added];
    if (others.some((other) => this.#rules.same(other, party))) return;
    this.#recipients.push(party);
    this.#added.add(party);
  }

  /** Removes a recipient, who must be spelled as the MTA has it, case and all. `SMFIR_DELRCPT` */
  removeRecipient(path: string): void {
    const address = this.#addressOf(path);
    for (let at = this.#recipients.length - 1; at >= 0; at--) {
      const party = this.#recipients[at]!;
      if (party.address !== address) continue;
      this.#recipients.splice(at, 1);
      this.#added.delete(party);
    }
  }

  #addressOf(path: string): string {
    if (path.startsWith("<") && path.endsWith(">")) return path.slice(1, -1);
    if (path.startsWith("<")) this.complaints.push(`bad address ${path}`);
    return path;
  }

  /** The arguments that are taken, and whether these are all. */
  #argumentsOf(
    text: string,
    known: readonly RegExp[],
  ): { readonly taken: string[]; readonly whole: boolean } {
    const words = text.split(" ").filter((word) => word !== "");
    const taken = words.filter((word) => known.some((pattern) => pattern.test(word)));
    for (const word of words) if (!taken.includes(word)) this.complaints.push(`bad argument ${word}`);
    return { taken, whole: taken.length === words.length };
  }
}

function keyOf(word: string): string {
  return word.slice(0, word.indexOf("=")).toUpperCase();
}
