import type { EnvelopeAddress } from "../envelope.ts";
import type { MtaProfile } from "../mta.ts";
import type { RecipientEdit } from "./edits.ts";
import type { PlanStep } from "./plan.ts";

/** What the plan for recipients depends on. */
export interface RecipientPlanOptions {
  /** The recipients that the filter has seen and that were not refused; `undefined` if it sees none. */
  readonly recipients: readonly Pick<EnvelopeAddress, "address">[] | undefined;
  readonly profile: MtaProfile;
  /** Takes what the MTA cannot do as it was wished. */
  readonly warn: (warning: string) => void;
}

/** A recipient whom a filter adds or removes, in the end or in between. */
interface Wish {
  /** The address in `<>` as the filter gave it last. */
  readonly address: string;
  /** The addresses by which the MTA has this recipient; none if it does not. */
  readonly spellings: readonly string[];
  /** Whether the filter wants one gone whom it has not seen. */
  readonly unseen: boolean;
  /** What the filter said last. */
  readonly last: RecipientEdit;
}

/**
 * The steps that give the recipients as wished: who is added and then removed costs nothing, nor does who was there
 * all along.
 *
 * Both MTAs remove only what is spelled as they have it, so who is removed is named as the client did. Where the
 * filter sees no recipients, because RCPT was negotiated away, whoever is touched may be one of them.
 */
export function planRecipients(edits: readonly RecipientEdit[], options: RecipientPlanOptions): PlanStep[] {
  const wishes = new Map<string, Wish>();
  for (const last of edits) {
    const { address } = last;
    const spellings = spellingsOf(address, options.recipients ?? []);
    // Sendmail has two who differ by capitals for two.
    const key = spellings[0] ?? (options.profile === "sendmail" ? address : address.toLowerCase());
    const before = wishes.get(key);
    // Who was added first was not there, as far as the filter can see.
    const removes = last.type === "remove" && (before === undefined || options.recipients === undefined);
    const unseen = before?.unseen || removes;
    wishes.set(key, { address, spellings, unseen, last });
  }
  return [...wishes.values()].flatMap((wish) => steps(wish, options));
}

function spellingsOf(
  address: string,
  recipients: readonly Pick<EnvelopeAddress, "address">[],
): readonly string[] {
  const all = recipients.map((recipient) => `<${recipient.address}>`);
  if (all.includes(address)) return [address];
  const key = address.toLowerCase();
  return [...new Set(all.filter((spelling) => spelling.toLowerCase() === key))];
}

function steps(
  { address, spellings, unseen, last }: Wish,
  { profile, warn }: RecipientPlanOptions,
): PlanStep[] {
  if (last.type === "add" && spellings.length > 0) {
    if (last.arguments === undefined) return [];
    if (profile !== "postfix" && spellings.includes(address)) {
      warn(keptArguments(address, last.arguments, profile));
      if (profile === "sendmail") return [];
    }
  }
  const removed = spellings.length > 0 ? spellings : unseen ? [address] : [];
  return [
    ...removed.map((spelling): PlanStep => ({ reply: { type: "removeRecipient", address: spelling } })),
    ...last.type === "add" ? [addition(last)] : [],
  ];
}

/** Sendmail takes one who was removed and comes back for the one who came with the mail. */
function keptArguments(address: string, values: string, profile: MtaProfile): string {
  const who = profile === "sendmail" ? "Sendmail keeps" : "The MTA, if it is Sendmail, keeps";
  return `${who} the arguments of a recipient whom the mail has already: ${address} does not get ${values}; ` +
    "choose another spelling of the domain, which it takes for another recipient";
}

function addition({ address, arguments: values }: RecipientEdit): PlanStep {
  return values === undefined
    ? { reply: { type: "addRecipient", address } }
    : { reply: { type: "addRecipientWithArguments", address, arguments: values } };
}
