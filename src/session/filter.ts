import { COMMANDS, type CommandType } from "../protocol/commands.ts";
import { ACTION, chunkLimit, MACRO_STAGE, PROTOCOL } from "../protocol/flags.ts";
import type { Wish } from "../protocol/negotiation.ts";
import type { Member, ShadowReport } from "./member.ts";
import { checkPolicy, type ErrorPolicy } from "./policy.ts";
import type { Session } from "./session.ts";
import { accept, type Verdict } from "./verdict.ts";

/**
 * A filter: run once for each message, it asks for what it wants to see and returns a verdict.
 *
 * The first run of a connection starts when the client connects, each later one at the next MAIL.
 */
export type Filter = (session: Session) => Verdict | Promise<Verdict>;

/** What a filter can see of a mail. */
export type Sight = "connect" | "helo" | "mail" | "rcpt" | "data" | "headers" | "body" | "unknown";

/** What a filter can change. */
export type EditKind = "headers" | "body" | "sender" | "recipients" | "quarantine";

/** What a filter needs, said once: what is negotiated with the MTA follows from it. */
export interface Declaration {
  /** The filter's name, for logs and errors. */
  readonly name?: string;
  /** What it looks at; everything by default. What no filter sees, the MTA does not send. */
  readonly sees?: readonly Sight[];
  /**
   * Where it may refuse before the end of the message; everywhere that it sees by default, single headers
   * excepted. A verdict reached elsewhere is held until the next place where it may be given.
   */
  readonly answers?: readonly Sight[];
  /** What it changes; by default all that the MTA offers. An edit named here must be offered, or the MTA is refused. */
  readonly edits?: readonly EditKind[];
  /** The macros that it wants at a stage instead of the MTA's own choice. */
  readonly macros?: { readonly [Stage in keyof typeof MACRO_STAGE]?: readonly string[] };
  /** Whether it sees recipients that the MTA has refused; `false` by default. */
  readonly rejectedRecipients?: boolean;
  /** What becomes of a message when this filter fails; by default the server's `onError` says so. */
  readonly onError?: ErrorPolicy;
  /** The longest body chunk in bytes: 65,535 by default, 262,143 or 1,048,575 where the MTA offers it. */
  readonly maxChunk?: 65535 | 262143 | 1048575;
}

const DEFINITION: unique symbol = Symbol("definition");

/** What a filter is made of. */
interface Definition {
  readonly declaration: Declaration;
  readonly wish: Wish;
  readonly members: readonly Member[];
}

/** A filter that carries what it is made of. */
interface DefinedFilter extends Filter {
  readonly [DEFINITION]: Definition;
}

/** The commands that make up each sight. */
const SIGHTS: Readonly<Record<Sight, readonly CommandType[]>> = {
  connect: ["connect"],
  helo: ["helo"],
  mail: ["mail"],
  rcpt: ["rcpt"],
  data: ["data"],
  headers: ["header", "endOfHeaders"],
  body: ["body"],
  unknown: ["unknown"],
};

/** The actions that each kind of edit needs. */
const EDIT_ACTIONS: Readonly<Record<EditKind, number>> = {
  headers: ACTION.ADD_HEADERS | ACTION.CHANGE_HEADERS,
  body: ACTION.CHANGE_BODY,
  sender: ACTION.CHANGE_SENDER,
  recipients: ACTION.ADD_RECIPIENT | ACTION.REMOVE_RECIPIENT,
  quarantine: ACTION.QUARANTINE,
};

/** Actions that are asked for where they are offered, but that an edit can do without. */
const EDIT_EXTRAS: Readonly<Partial<Record<EditKind, number>>> = {
  recipients: ACTION.ADD_RECIPIENT_ARGUMENTS,
};

const ALL_ACTIONS = Object.values(ACTION).reduce((mask, flag) => mask | flag, 0) & ~ACTION.REQUEST_MACROS;

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
export function defineFilter(declaration: Declaration, run: Filter): Filter {
  const name = declaration.name ?? run.name;
  const wish = wishOf(declaration);
  if (declaration.onError !== undefined) checkPolicy(declaration.onError);
  const member: Member = {
    name,
    run,
    actions: declaration.edits === undefined ? ALL_ACTIONS : wish.actions ?? 0,
    onError: declaration.onError,
    shadow: undefined,
  };
  return filterOf(name, { declaration, wish, members: [member] }, run);
}

/** A function that can be served; what is served is what it carries. */
function filterOf(name: string, definition: Definition, filter: Filter = cannotCall): Filter {
  const called: Filter = (session) => filter(session);
  Object.defineProperty(called, "name", { value: name });
  return Object.assign(called, { [DEFINITION]: definition } satisfies Pick<DefinedFilter, typeof DEFINITION>);
}

function cannotCall(): never {
  throw new TypeError("Cannot call the filter: one that is composed or watched can only be served");
}

/**
 * Several filters as one: they run side by side on each message, and the MTA waits once for all of them.
 *
 * An event is answered when each filter has asked on or returned. The first refusal wins and ends the others
 * (`SETTLED`); the mail is accepted when all accept. Edits apply in the order of the list: of two new senders or
 * bodies the later holds. All see the mail as it came: unlike milters in a row, a later filter does not see what an
 * earlier one changes. Each keeps its name in logs, and its own `onError`.
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

/** What to negotiate for a filter; a bare function sees everything, and may edit all that the MTA offers. */
export function wishFor(filter: Filter): Wish {
  return definitionOf(filter).wish;
}

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
  actions: 0,
  onError: undefined,
  shadow: undefined,
};

const bare = new WeakMap<Filter, Definition>();

/** What a filter is made of; a bare function is made of itself. */
function definitionOf(filter: Filter): Definition {
  if (typeof filter !== "function") throw new TypeError("Cannot serve: the filter is no function");
  if (DEFINITION in filter) return (filter as DefinedFilter)[DEFINITION];
  let definition = bare.get(filter);
  if (definition === undefined) {
    const member: Member = {
      name: filter.name,
      run: filter,
      actions: ALL_ACTIONS,
      onError: undefined,
      shadow: undefined,
    };
    definition = { declaration: { name: filter.name }, wish: BARE, members: [member] };
    bare.set(filter, definition);
  }
  return definition;
}

function wishOf(declaration: Declaration): Wish {
  const sees = checked("sees", declaration.sees ?? sights(), SIGHTS);
  const answers = checked("answers", declaration.answers ?? sees, SIGHTS);
  const edits = declaration.edits && checked("edits", declaration.edits, EDIT_ACTIONS);
  const unseen = answers.find((sight) => !sees.includes(sight));
  if (unseen !== undefined) {
    throw new TypeError(`Cannot define filter: it answers "${unseen}" but does not see it`);
  }

  let protocol = PROTOCOL.SKIP | PROTOCOL.LEADING_SPACE;
  for (const sight of sights()) {
    for (const type of SIGHTS[sight]) {
      const { skip = 0, silent = 0 } = COMMANDS[type];
      if (!sees.includes(sight)) protocol |= skip;
      // Single headers are answered only by a filter that says so: a round trip for each is dear.
      else if (!answers.includes(sight) || (type === "header" && declaration.answers === undefined)) {
        protocol |= silent;
      }
    }
  }
  if (declaration.rejectedRecipients) protocol |= PROTOCOL.REJECTED_RECIPIENTS;
  for (const flag of [PROTOCOL.CHUNK_256K, PROTOCOL.CHUNK_1M]) {
    if (declaration.maxChunk === chunkLimit(flag)) protocol |= flag;
  }
  const wanted = edits === undefined ? ALL_ACTIONS : maskOf(edits, EDIT_ACTIONS) | maskOf(edits, EDIT_EXTRAS);
  return {
    actions: declaration.macros === undefined ? wanted : wanted | ACTION.REQUEST_MACROS,
    required: edits === undefined ? 0 : maskOf(edits, EDIT_ACTIONS),
    protocol,
    macros: Object.entries(declaration.macros ?? {}).map(([stage, names]) => {
      const [known] = checked("macros", [stage as keyof typeof MACRO_STAGE], MACRO_STAGE);
      return { stage: MACRO_STAGE[known!], names };
    }),
  };
}

function sights(): Sight[] {
  return Object.keys(SIGHTS) as Sight[];
}

function maskOf<K extends string>(names: readonly K[], table: Readonly<Partial<Record<K, number>>>): number {
  return names.reduce((mask, name) => mask | (table[name] ?? 0), 0);
}

function checked<K extends string>(
  what: string,
  names: readonly K[],
  table: Readonly<Record<K, unknown>>,
): readonly K[] {
  for (const name of names) {
    if (!Object.hasOwn(table, name)) {
      throw new TypeError(
        `Cannot define filter: ${what} names "${name}", which is none of ${Object.keys(table).join(", ")}`,
      );
    }
  }
  return names;
}

const BARE: Wish = wishOf({});
