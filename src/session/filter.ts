import type { Wish } from "../protocol/negotiation.ts";
import { type Declaration, needsOf, type Sight, skipFlags } from "./declaration.ts";
import type { Member } from "./member.ts";
import { type Needs, wishOf } from "./needs.ts";
import { checkPolicy } from "./policy.ts";
import type { Session } from "./session.ts";
import type { SessionOf } from "./session_of.ts";
import { accept, type Verdict } from "./verdict.ts";

/**
 * A filter: run once for each message, it asks for what it wants to see and returns a verdict.
 *
 * The first run of a connection starts when the client connects, each later one at the next MAIL.
 */
export type Filter = (session: Session) => Verdict | Promise<Verdict>;

/**
 * Known to every copy of this library in a process, so that each can serve what another has defined: the command
 * `kilter` may be one copy, and a filter import another. The number changes with {@linkcode Definition}.
 */
const DEFINITION: unique symbol = Symbol.for("kilter.definition.1");

/** What a filter is made of. */
export interface Definition {
  readonly needs: Needs;
  readonly members: readonly Member[];
}

/** A filter that carries what it is made of. */
interface DefinedFilter extends Filter {
  readonly [DEFINITION]: Definition;
}

/**
 * A filter with a declaration of what it needs, so that the MTA sends no more than that.
 *
 * @throws {TypeError} if the declaration holds a name that does not exist.
 *
 * @example
 * ```ts
 * import { accept, defineFilter } from "@kilter/milter";
 *
 * export default defineFilter({ name: "no-x", sees: ["headers"], edits: ["headers"] }, async (session) => {
 *   for await (const header of session.headers) {
 *     if (/^x-/i.test(header.name)) session.headers.delete(header);
 *   }
 *   return accept();
 * });
 * ```
 */
export function defineFilter<const D extends Declaration>(
  declaration: D & { readonly [Unknown in Exclude<keyof D, keyof Declaration>]: never },
  run: (session: SessionOf<D>) => Verdict | Promise<Verdict>,
): Filter {
  return define(declaration, run as Filter);
}

function define(declaration: Declaration, run: Filter): Filter {
  if (typeof run !== "function") throw new TypeError("Cannot define filter: the filter is no function");
  if (declaration.onError !== undefined) checkPolicy(declaration.onError);
  return filterOf(declaration.name ?? run.name, definitionFor(declaration, run), run);
}

/** A filter by itself is one member. */
function definitionFor(declaration: Declaration, run: Filter): Definition {
  const needs = needsOf(declaration);
  const { name = run.name, onError } = declaration;
  return { needs, members: [{ name, run, needs, onError, shadow: undefined }] };
}

/** A function that can be served; what is served is what it carries. */
export function filterOf(name: string, definition: Definition, filter: Filter = cannotCall): Filter {
  const called: Filter = (session) => filter(session);
  Object.defineProperty(called, "name", { value: name });
  return Object.assign(called, { [DEFINITION]: definition } satisfies Pick<DefinedFilter, typeof DEFINITION>);
}

function cannotCall(): never {
  throw new TypeError("Cannot call the filter: one that is composed or watched can only be served");
}

/** What to negotiate for a filter; a bare function sees everything, and may edit all that the MTA offers. */
export function wishFor(filter: Filter): Wish {
  const { needs } = definitionOf(filter);
  let wish = wishes.get(needs);
  if (wish === undefined) wishes.set(needs, wish = wishOf(needs));
  return wish;
}

/** Each connection of a filter has the same. */
const wishes = new WeakMap<Needs, Wish>();

/** The filters that a filter is made of: with one that has a say, if only to accept. */
export function membersOf(filter: Filter): readonly Member[] {
  const { members } = definitionOf(filter);
  return members.some(({ shadow }) => shadow === undefined) ? members : [...members, ACCEPTING];
}

/** Accepts what others only watch. */
const ACCEPTING: Member = {
  name: "",
  run: async (session) => {
    await session.endOfMessage();
    return accept();
  },
  needs: { actions: 0, required: 0, protocol: 0, macros: {} },
  onError: undefined,
  shadow: undefined,
};

/**
 * The same filter, and the MTA shows these also if the filter does not see them: for a log, say. What the filter does
 * not answer the MTA need not wait for.
 */
export function alsoShown(filter: Filter, sights: readonly Sight[]): Filter {
  const { needs, members } = definitionOf(filter);
  const protocol = needs.protocol & ~skipFlags(sights);
  return filterOf(filter.name, { needs: { ...needs, protocol }, members });
}

/** Whether a filter carries a definition, and is not a bare function. */
export function isDefined(filter: Filter): boolean {
  return DEFINITION in filter;
}

const bare = new WeakMap<Filter, Definition>();

/** What a filter is made of; a bare function is made of itself. */
export function definitionOf(filter: Filter): Definition {
  if (typeof filter !== "function") throw new TypeError("Cannot serve: the filter is no function");
  if (isDefined(filter)) return (filter as DefinedFilter)[DEFINITION];
  let definition = bare.get(filter);
  if (definition === undefined) {
    definition = definitionFor({}, filter);
    bare.set(filter, definition);
  }
  return definition;
}
