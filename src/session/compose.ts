import { mergeNeeds } from "./needs.ts";
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
  const members = definitions.flatMap((definition) => definition.members);
  return filterOf(members.map(({ name }) => name).filter((name) => name !== "").join("+"), {
    needs: mergeNeeds(definitions.map(({ needs }) => needs)),
    members,
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
 * A mail that the others accept early goes on to its end for it; one that it holds up waits, up to the deadline.
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
  const { needs, members } = definitionOf(filter);
  return filterOf(filter.name, {
    // No MTA is refused for what comes to nothing.
    needs: { ...needs, required: 0 },
    members: members.map((member) => ({ ...member, shadow: { sample, onVerdict } })),
  });
}

function tellDifference({ name, verdict, actual }: ShadowReport): void {
  if (verdict.type === actual.type) return;
  console.log(`kilter: shadow filter ${name} would have said ${verdict.type}, not ${actual.type}`);
}
