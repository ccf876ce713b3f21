import { PROTOCOL } from "../../protocol/flags.ts";
import type { Agreement } from "../../protocol/replies.ts";
import { encodeText } from "../../wire/text.ts";
import { type Header, NewHeader } from "../header.ts";
import type { Edits } from "./edits.ts";
import type { Slot } from "./header_order.ts";
import type { Profile } from "../mta_profiles.ts";
import type { HeaderRules } from "./header_rules.ts";
import type { PlanStep } from "./plan.ts";

/** What the plan for headers depends on. */
export interface HeaderPlanOptions {
  readonly profile: Profile;
  readonly agreement: Agreement;
  /** Takes what the MTA cannot do as it was wished. */
  readonly warn: (warning: string) => void;
}

/** A header of the list as wished, and what is to be done to get there. */
interface Wish {
  readonly header: Header;
  /** Whether the MTA has it and is to delete it. */
  readonly gone: boolean;
  /** For a header of the message that changes: name and value as they go out. */
  readonly change: { readonly name: Uint8Array; readonly value: string } | undefined;
}

/** Far past the last header: a header inserted here goes below all on every MTA. */
const PAST_THE_END = 0x7fff_ffff;

/**
 * The steps that turn the headers as received into those that are wished: one for each that is changed, deleted or
 * new; a new header in the place of a deleted one of its name is a change.
 *
 * Changes and deletions go first, from the last header to the first, because Postfix counts anew after a deletion
 * and Sendmail does not. New headers follow, those in between from the last to the first too, as each moves what is
 * below it; then those above all, and at last those below all.
 */
export function planHeaders(edits: Edits, options: HeaderPlanOptions): PlanStep[] {
  if (edits.order === undefined) return [];
  const { top, list, end } = edits.order.lay();
  const wishes = reuse(
    [...list, ...end].map((slot) => wishOf(slot, options.agreement)),
    options.profile.headers,
  );
  return [
    ...changes(wishes, options.agreement),
    ...additions(top.filter(({ gone }) => !gone), wishes, new Set(end.map(({ header }) => header)), options),
  ];
}

function wishOf({ header, gone, value }: Slot, agreement: Agreement): Wish {
  const changes = value !== undefined && !gone && !isValue(header, onWire(value, agreement));
  return { header, gone, change: changes ? { name: header.rawName, value } : undefined };
}

/** Whether a header has this value already, byte for byte. */
function isValue(header: Header, value: string): boolean {
  const bytes = encodeText(value);
  return bytes.length === header.rawValue.length && bytes.every((byte, at) => byte === header.rawValue[at]);
}

/** New headers that were thought better of are none; those that follow a deleted one of their name change it. */
function reuse(wishes: readonly Wish[], rules: HeaderRules): Wish[] {
  const reused: Wish[] = [];
  let gap: Wish[] = [];
  const closeGap = () => {
    reused.push(...reuseInGap(gap, rules));
    gap = [];
  };
  for (const wish of wishes) {
    const isNew = wish.header instanceof NewHeader;
    if (isNew && wish.gone) continue;
    if (isNew || wish.gone) gap.push(wish);
    else {
      closeGap();
      reused.push(wish);
    }
  }
  closeGap();
  return reused;
}

/** Between two headers that stay, only the order of the new ones matters. */
function reuseInGap(gap: Wish[], rules: HeaderRules): Wish[] {
  const deleted = gap.filter(({ gone }) => gone);
  if (deleted.length === 0 || deleted.length === gap.length) return gap;
  const places = new Map<string, number[]>();
  for (let at = deleted.length - 1; at >= 0; at--) {
    const key = nameKey(deleted[at]!.header, rules);
    places.set(key, [...places.get(key) ?? [], at]);
  }
  const result: Wish[] = [];
  let next = 0;
  for (const wish of gap) {
    if (wish.gone) continue;
    const free = places.get(nameKey(wish.header, rules)) ?? [];
    while (free.length > 0 && free.at(-1)! < next) free.pop();
    const place = free.pop();
    if (place === undefined) result.push(wish);
    else {
      const made = wish.header as NewHeader;
      result.push(...deleted.slice(next, place), {
        header: deleted[place]!.header,
        gone: false,
        change: { name: made.rawName, value: made.wire },
      });
      next = place + 1;
    }
  }
  return [...result, ...deleted.slice(next)];
}

/** A character for each byte. */
const bytewise = new TextDecoder("latin1");

function nameKey(header: Header, { keepsSpelling }: HeaderRules): string {
  return keepsSpelling ? bytewise.decode(header.rawName) : namesake(header);
}

/**
 * What namesakes have in common: MTAs compare the bytes of names, without regard to the case of ASCII letters. As text,
 * a name that is no ASCII could be taken for another, and the wrong header deleted.
 */
function namesake({ rawName }: Header): string {
  return bytewise.decode(rawName).replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function changes(wishes: readonly Wish[], agreement: Agreement): PlanStep[] {
  const counts = new Map<string, number>();
  const steps: PlanStep[] = [];
  for (const { header, gone, change } of wishes) {
    if (header instanceof NewHeader) continue;
    const key = namesake(header);
    const index = (counts.get(key) ?? 0) + 1;
    counts.set(key, index);
    if (gone) {
      steps.push({ header, reply: { type: "changeHeader", index, name: header.rawName, value: "" } });
    } else if (change !== undefined) {
      const value = onWire(change.value, agreement);
      steps.push({ header, reply: { type: "changeHeader", index, name: change.name, value } });
    }
  }
  return steps.reverse();
}

function additions(
  top: readonly Slot[],
  wishes: readonly Wish[],
  end: ReadonlySet<Header>,
  { profile, agreement, warn }: HeaderPlanOptions,
): PlanStep[] {
  const rules = profile.headers;
  const made = new MadeHeaders(wishes, profile, warn);
  const insert = (header: NewHeader, index: number, below?: Header): PlanStep => {
    const value = onWire(header.wire, agreement);
    return { header, below, reply: { type: "insertHeader", index, name: header.name, value } };
  };
  const add = (header: NewHeader): PlanStep => {
    return { header, reply: { type: "addHeader", name: header.name, value: onWire(header.wire, agreement) } };
  };

  const inBetween: PlanStep[] = [];
  const belowAll: PlanStep[] = [];
  let above = 0;
  let last: Header | undefined;
  const stays = ({ header, gone }: Wish) => !gone && !(header instanceof NewHeader);
  const staying = wishes.findLastIndex(stays);
  const firstStaying = wishes.findIndex(stays);
  const lastAtTop = wishes.findLastIndex(({ header }, at) =>
    header instanceof NewHeader && at < firstStaying
  );
  for (const [at, { header, gone }] of wishes.entries()) {
    if (!(header instanceof NewHeader)) {
      if (!gone || rules.countsDeleted) above++;
      if (!gone) last = header;
      continue;
    }
    const isLast = at > staying && (last !== undefined || end.has(header));
    if (made.takes(header, at === lastAtTop)) inBetween.push(add(header));
    else if (isLast) belowAll.push(rules.addsAtEnd ? add(header) : insert(header, PAST_THE_END));
    else if (last === undefined) inBetween.push(insert(header, 1));
    else {
      if (!rules.sure) warn(unsure(header, last, profile));
      inBetween.push(insert(header, rules.hidden + above, last));
    }
  }
  const aboveAll = top.flatMap(({ header }) => {
    if (!(header instanceof NewHeader)) return [];
    return made.takes(header, false) ? add(header) : insert(header, 0);
  });
  return [...inBetween.reverse(), ...aboveAll.reverse(), ...belowAll];
}

/** What the MTA does to new headers of some names. */
class MadeHeaders {
  readonly #names: Set<string>;
  readonly #profile: Profile;
  readonly #warn: (warning: string) => void;

  constructor(wishes: readonly Wish[], profile: Profile, warn: (warning: string) => void) {
    const received = wishes.filter(({ header }) => !(header instanceof NewHeader));
    this.#names = new Set(received.map(({ header }) => namesake(header)));
    this.#profile = profile;
    this.#warn = warn;
  }

  /** Whether the MTA gives a new header the place where it would make it itself, which may be the right one. */
  takes(header: NewHeader, right: boolean): boolean {
    const { label, headers: { makes, unsent, unsentAlone } } = this.#profile;
    const name = namesake(header);
    const lonely = unsentAlone.has(name) && ![...unsentAlone].some((other) => this.#names.has(other));
    if (unsent.has(name) || lonely) {
      this.#warn(`${label} does not send header ${header.name} on: choose another name for it`);
      return false;
    }
    if (!makes.has(name) || this.#names.has(name)) return false;
    this.#names.add(name);
    if (!right) {
      this.#warn(
        `${label} has a place of its own for header ${header.name} in a message that came without one, below its ` +
          `Received: it goes there, and not where it was wished; choose "belowReceived" for it`,
      );
    }
    return true;
  }
}

function unsure(header: Header, below: Header, { label }: Profile): string {
  return `${label} may count headers as Postfix does or as Sendmail does: header ${header.name} may not come to stand ` +
    `below ${below.name} but above it; choose "start", "belowReceived" or "end" for it`;
}

/** The MTA puts the space after the colon by itself, unless leading space was agreed. */
function onWire(value: string, { protocol }: Agreement): string {
  return (protocol & PROTOCOL.LEADING_SPACE) !== 0 ? ` ${value}` : value;
}
