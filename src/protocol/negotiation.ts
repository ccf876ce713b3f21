import { MilterError } from "../errors.ts";
import { COMMANDS, type Offer } from "./commands.ts";
import { ACTION, flagNames, LOWEST_VERSION, PROTOCOL, VERSION } from "./flags.ts";
import type { Agreement, MacroRequest } from "./replies.ts";

/** What a filter would like to agree on. */
export interface Wish {
  /** The edits that it would make if the MTA takes them, a mask of {@linkcode ACTION}; none by default. */
  readonly actions?: number;
  /** The actions that it cannot do without, a mask of {@linkcode ACTION}; none by default. */
  readonly required?: number;
  /** The protocol flags that it would like, a mask of {@linkcode PROTOCOL}; none by default. */
  readonly protocol?: number;
  /** The macros that it wants at each stage; the MTA's own choice by default. */
  readonly macros?: readonly MacroRequest[];
}

/** The most names that an MTA takes for a stage. libmilter's `MAXFILTERMACROS` */
const MAX_MACROS = 50;

/**
 * The agreement between what an MTA offers and what a filter wishes: never more than was offered,
 * because an MTA bypasses a filter that asks for more (Sendmail) or fails it (Postfix).
 *
 * @throws {MilterError} `NEGOTIATION` if the MTA speaks no version that this library does, or lacks an
 * action that the filter requires.
 * @throws {RangeError} if the wish names more than 50 macros for a stage.
 */
export function negotiate(offer: Offer<unknown>, wish: Wish = {}): Agreement {
  if (offer.version < LOWEST_VERSION) {
    throw new MilterError(
      "NEGOTIATION",
      `Cannot negotiate: the MTA speaks version ${offer.version}, this filter ${LOWEST_VERSION} to ${VERSION}`,
      { side: "peer" },
    );
  }
  const missing = (wish.required ?? 0) & ~offer.actions;
  if (missing !== 0) {
    throw new MilterError("NEGOTIATION", `Cannot negotiate: the MTA lacks ${flagNames(ACTION, missing)}`, {
      side: "peer",
    });
  }
  const macros = wish.macros ?? [];
  const crowded = macros.find(({ names }) => names.length > MAX_MACROS);
  if (crowded !== undefined) {
    throw new RangeError(
      `Cannot negotiate: ${crowded.names.length} macros for a stage are over ${MAX_MACROS}`,
    );
  }
  const takesMacros = offer.version >= 6 && (offer.actions & ACTION.REQUEST_MACROS) !== 0;
  return {
    type: "negotiate",
    version: Math.min(offer.version, VERSION),
    // Operators of bits give signed numbers: `>>> 0` makes a mask with the highest bit one that can be sent.
    actions: (((wish.actions ?? 0) | (wish.required ?? 0)) & offer.actions) >>> 0,
    protocol: withoutIdle((wish.protocol ?? 0) & offer.protocol) >>> 0,
    macros: takesMacros ? macros : [],
  };
}

/** A command that is not sent need not be left without an answer. */
function withoutIdle(protocol: number): number {
  return IDLE.reduce((mask, { skip, silent }) => (mask & skip) !== 0 ? mask & ~silent : mask, protocol);
}

/** The flags of a command. */
interface CommandRow {
  readonly skip?: number;
  readonly silent?: number;
}

/** The commands that can be left out, and that can be left without an answer. */
const IDLE: readonly Required<CommandRow>[] = Object.values<CommandRow>(COMMANDS)
  .map(({ skip = 0, silent = 0 }) => ({ skip, silent }))
  .filter(({ skip }) => skip !== 0);

/**
 * Checks what a filter answered to an offer, as an MTA has to.
 *
 * @throws {MilterError} `NEGOTIATION` if it asks for more than was offered.
 */
export function checkAgreement(
  offer: Pick<Offer, "version" | "actions" | "protocol">,
  answer: Agreement,
): void {
  const refuse = (why: string) => {
    throw new MilterError("NEGOTIATION", `Cannot negotiate: the filter ${why}`, { side: "peer" });
  };
  if (answer.version < LOWEST_VERSION || answer.version > offer.version) {
    refuse(`speaks version ${answer.version}, this MTA ${LOWEST_VERSION} to ${offer.version}`);
  }
  const actions = answer.actions & ~offer.actions;
  if (actions !== 0) refuse(`asks for actions that were not offered: ${flagNames(ACTION, actions)}`);
  const protocol = answer.protocol & ~offer.protocol;
  if (protocol !== 0) {
    refuse(`asks for protocol flags that were not offered: ${flagNames(PROTOCOL, protocol)}`);
  }
}
