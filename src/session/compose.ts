import { MACRO_STAGE } from "../protocol/flags.ts";
import { type Declaration, sights, wishOf } from "./declaration.ts";
import { definitionOf, type Filter, filterOf } from "./filter.ts";
import type { ShadowReport } from "./member.ts";

/**
 * Several filters as one: they run side by side on each message, and the MTA waits once for all of them.
 *
 * An event is answered when each filter has asked on or returned. The first refusal wins and ends the others
 * (`SETTLED`), said at the first command that its filter answers; the mail is accepted when all accept. Edits apply in
 * the order of the list: of two new senders or bodies the later holds. Each filter keeps its name in logs, and its own
 * `onError`.
 *
 * It differs from milters in a row in this: no filter sees what another one changes; all see a recipient that one of
 * them refuses; of several refusals the first in time wins, not the first in the list; and a quarantine by one keeps
 * no other from refusing, as it does in Postfix.
 *
 * @throws {TypeError} if one is no filter, or none is given.
 *
 * @example
 * ```ts
 * import { accept, compose, defineFilter, reject } from "@kilter/milter";
 *
 * const blocklist = defineFilter({ name: "blocklist", sees: ["mail"], edits: [] }, async (session) => {
 *   return (await session.envelopeFrom()).address.endsWith("@spam.example") ? reject() : accept();
 * });
 * const tag = defineFilter({ name: "tag", sees: [], edits: ["headers"] }, (session) => {
 *   session.headers.append("X-Seen", "yes");
 *   return accept();
 * });
 *
 * export default compose(blocklist, tag);
 * ```
 */
export function compose(...filters: readonly Filter[]): Filter {
  if (filters.length === 0) throw new TypeError("Cannot compose: no filter is given");
  const definitions = filters.map(definitionOf);
  const declaration = merge(definitions.map((definition) => definition.declaration));
  return filterOf(declaration.name ?? "", {
    declaration,
    wish: wishOf(declaration),
    members: definitions.flatMap(({ members }) => members),
  });
}

/** How {@linkcode shadow} watches. */
export interface ShadowOptions {
  /** The part of all messages that it looks at, from 0 to 1; 1 by default. */
  readonly sample?: number;
  /**
   * Takes what the filter would have said, and what was said. By default a difference is written to the console.
   */
  readonly onVerdict?: (report: ShadowReport) => void;
}

/**
 * A filter that is only watched: it runs on real mail, and nothing comes of its verdict, its edits or its failures.
 * A mail that the others accept early goes on to its end for it.
 * For trying a filter out beside those that count, `compose(old, shadow(next))`, or alone.
 *
 * @throws {TypeError | RangeError} if it is no filter, or the sample is not from 0 to 1.
 *
 * @example
 * ```ts
 * import { accept, compose, reject, shadow } from "@kilter/milter";
 *
 * export default compose(
 *   () => accept(),
 *   shadow(function strict() {
 *     return reject();
 *   }, { sample: 0.1, onVerdict: ({ name, verdict, actual }) => console.log(name, verdict.type, actual.type) }),
 * );
 * ```
 */
export function shadow(filter: Filter, options: ShadowOptions = {}): Filter {
  const { sample = 1, onVerdict = tellDifference } = options;
  if (!(sample >= 0 && sample <= 1)) {
    throw new RangeError(`Cannot watch filter: its sample must be from 0 to 1, not ${sample}`);
  }
  const { declaration, wish, members } = definitionOf(filter);
  return filterOf(filter.name, {
    declaration,
    wish,
    members: members.map((member) => ({ ...member, shadow: { sample, onVerdict } })),
  });
}

function tellDifference({ name, verdict, actual }: ShadowReport): void {
  if (verdict.type === actual.type) return;
  console.log(`kilter: shadow filter ${name} would have said ${verdict.type}, not ${actual.type}`);
}

/** What several filters need together. */
function merge(declarations: readonly Declaration[]): Declaration {
  const union = <T>(lists: readonly (readonly T[] | undefined)[]) =>
    lists.some((list) => list === undefined) ? undefined : [...new Set(lists.flatMap((list) => list!))];
  const sees = union(declarations.map((declaration) => declaration.sees));
  // Single headers are answered only if somebody says so.
  const answers = declarations.every((declaration) => declaration.answers === undefined)
    ? undefined
    : union(declarations.map(({ answers, sees = sights() }) =>
      answers ?? sees.filter((sight) => sight !== "headers")
    ));
  const edits = union(declarations.map((declaration) => declaration.edits));
  const stages = Object.keys(MACRO_STAGE) as (keyof typeof MACRO_STAGE)[];
  const macros = stages.flatMap((stage) => {
    const lists = declarations.map((declaration) => declaration.macros?.[stage]);
    return lists.every((list) => list === undefined)
      ? []
      : [[stage, [...new Set(lists.flatMap((list) => list ?? []))]]];
  });
  const chunks = declarations.flatMap(({ maxChunk }) => maxChunk ?? []);
  return {
    name: declarations.flatMap(({ name }) => name ?? []).join("+"),
    ...sees === undefined ? {} : { sees },
    ...answers === undefined ? {} : { answers },
    ...edits === undefined ? {} : { edits },
    ...macros.length === 0 ? {} : { macros: Object.fromEntries(macros) },
    ...chunks.length < declarations.length ? {} : { maxChunk: Math.min(...chunks) as 65535 },
    rejectedRecipients: declarations.some(({ rejectedRecipients }) => rejectedRecipients === true),
  };
}
