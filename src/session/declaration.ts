import { COMMANDS, type CommandType } from "../protocol/commands.ts";
import { ACTION, chunkLimit, MACRO_STAGE, PROTOCOL } from "../protocol/flags.ts";
import type { MacroStage } from "../protocol/macro_defaults.ts";
import type { MacroName } from "../protocol/macros.ts";
import type { Needs } from "./needs.ts";
import type { ErrorPolicy } from "./policy.ts";

/** What a filter can see of a mail. */
export type Sight = "connect" | "helo" | "mail" | "rcpt" | "data" | "headers" | "body" | "unknown";

/** What a filter can change. */
export type EditKind = "headers" | "body" | "sender" | "recipients" | "quarantine";

/**
 * What a filter needs, said once: what is negotiated with the MTA follows from it, and what its session has.
 *
 * For those who know the decorators of kilter.service:
 *
 * | kilter.service | here |
 * |---|---|
 * | `examine_helo`, `examine_sender`, `examine_recipients`, `examine_headers`, `examine_body` | `sees` |
 * | `can_respond`, `responds_to_connect` | `answers` |
 * | `can_add`, `can_modify`, `can_replace`, `can_remove` | `edits` |
 * | `with_parameters` | always: arguments come with each address |
 * | `include_rejected` | `rejectedRecipients` |
 * | `leading_space` | always, where the MTA can: `header.rawValue` has it |
 * | `data_size` | `maxChunk` |
 * | `request_macros(stage, *names)` | `macros` |
 * | `modify_flags` | follows from all of these |
 */
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
  readonly macros?: { readonly [Stage in MacroStage]?: readonly MacroName[] };
  /** Whether it sees recipients that the MTA has refused; `false` by default. */
  readonly rejectedRecipients?: boolean;
  /** What becomes of a message when this filter fails; by default the server's `onError` says so. */
  readonly onError?: ErrorPolicy;
  /** The longest body chunk in bytes: 65,535 by default, 262,143 or 1,048,575 where the MTA offers it. */
  readonly maxChunk?: 65535 | 262143 | 1048575;
}

/** What a declaration may hold. */
const KEYS: Readonly<Record<keyof Declaration, true>> = {
  name: true,
  sees: true,
  answers: true,
  edits: true,
  macros: true,
  rejectedRecipients: true,
  maxChunk: true,
  onError: true,
};

/** The sizes of chunks that MTAs know. */
const CHUNKS: readonly number[] = [0, PROTOCOL.CHUNK_256K, PROTOCOL.CHUNK_1M].map(chunkLimit);

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

/** All edits that there are. */
export const ALL_ACTIONS: number = Object.values(ACTION).reduce((mask, flag) => mask | flag, 0) &
  ~ACTION.REQUEST_MACROS;

/**
 * What a declaration comes to.
 *
 * @throws {TypeError} if it holds a name that does not exist, or answers what it does not see.
 */
export function needsOf(declaration: Declaration): Needs {
  checked("declaration", Object.keys(declaration) as (keyof Declaration)[], KEYS);
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
      // Where the MTA cannot leave it out, it may at least not wait for an answer.
      if (!sees.includes(sight)) protocol |= skip | silent;
      // Single headers are answered only by a filter that says so: a round trip for each is dear.
      else if (!answers.includes(sight) || (type === "header" && declaration.answers === undefined)) {
        protocol |= silent;
      }
    }
  }
  if (declaration.maxChunk !== undefined && !CHUNKS.includes(declaration.maxChunk)) {
    throw new TypeError(
      `Cannot define filter: maxChunk must be 65535, 262143 or 1048575, not ${declaration.maxChunk}`,
    );
  }
  if (declaration.rejectedRecipients) protocol |= PROTOCOL.REJECTED_RECIPIENTS;
  for (const flag of [PROTOCOL.CHUNK_256K, PROTOCOL.CHUNK_1M]) {
    if (declaration.maxChunk === chunkLimit(flag)) protocol |= flag;
  }
  const { macros = {} } = declaration;
  checked("macros", Object.keys(macros) as MacroStage[], MACRO_STAGE);
  return {
    actions: edits === undefined ? ALL_ACTIONS : maskOf(edits, EDIT_ACTIONS) | maskOf(edits, EDIT_EXTRAS),
    required: edits === undefined ? 0 : maskOf(edits, EDIT_ACTIONS),
    protocol,
    macros,
  };
}

/** The flags by which a filter is spared what it does not see, a mask of `PROTOCOL`. */
export function skipFlags(sights: readonly Sight[]): number {
  return sights.flatMap((sight) => SIGHTS[sight]).reduce(
    (mask, type) => mask | (COMMANDS[type].skip ?? 0),
    0,
  );
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
  if (!Array.isArray(names)) throw new TypeError(`Cannot define filter: ${what} must be a list`);
  for (const name of names) {
    if (!Object.hasOwn(table, name)) {
      throw new TypeError(
        `Cannot define filter: ${what} names "${name}", which is none of ${Object.keys(table).join(", ")}`,
      );
    }
  }
  return names;
}
