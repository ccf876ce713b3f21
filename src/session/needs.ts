import { ACTION, MACRO_STAGE, PROTOCOL } from "../protocol/flags.ts";
import { bareMacro, DEFAULT_MACROS, isToldAnyway, type MacroStage } from "../protocol/macro_defaults.ts";
import type { Wish } from "../protocol/negotiation.ts";
import type { MacroRequest } from "../protocol/replies.ts";

/** What filters need of an MTA. */
export interface Needs {
  /** The edits that they may make, a mask of `ACTION`. */
  readonly actions: number;
  /** Those that they cannot do without. */
  readonly required: number;
  /** What they do not see and do not answer, and how they see the rest: a mask of `PROTOCOL`. */
  readonly protocol: number;
  /** The names of macros that they want, for each stage at which the MTA's own choice is not enough. */
  readonly macros: MacroNames;
}

/** Names of macros by stage. */
export type MacroNames = { readonly [Stage in MacroStage]?: readonly string[] };

const STAGES = Object.keys(MACRO_STAGE) as MacroStage[];

/** What this library itself looks at, whatever a filter asks for: who the MTA is, and the queue id for the log. */
const OURS: MacroNames = { connect: ["v"], mail: ["i"] };

/** What several filters need side by side: what one of them sees and answers, all do. */
export function mergeNeeds(all: readonly Needs[]): Needs {
  const or = (key: "actions" | "required" | "protocol") => all.reduce((mask, needs) => mask | needs[key], 0);
  return {
    actions: or("actions"),
    required: or("required"),
    protocol: all.reduce((mask, { protocol }) => mask & protocol, -1) |
      (or("protocol") & PROTOCOL.REJECTED_RECIPIENTS),
    macros: mergeMacros(all.map(({ macros }) => macros)),
  };
}

/** Who does not ask for macros at a stage gets what an MTA would have chosen, beside what others ask for. */
function mergeMacros(all: readonly MacroNames[]): MacroNames {
  const asked = STAGES.filter((stage) => all.some((macros) => differs(stage, macros[stage])));
  return Object.fromEntries(asked.map((stage) => {
    const choice = Object.values(DEFAULT_MACROS).flatMap((lists) => lists[stage]);
    return [stage, unique(all.flatMap((macros) => macros[stage] ?? choice))];
  }));
}

/**
 * The lists to ask for: those that differ from what is told anyway.
 *
 * Sendmail takes one for the end of the message only beside one for the end of the headers, for which an empty one
 * will do: it is what Sendmail has, and Postfix keeps its own then.
 */
function macroRequests(macros: MacroNames): MacroRequest[] {
  const asked = STAGES.filter((stage) => differs(stage, macros[stage]));
  if (asked.includes("endOfMessage") && !asked.includes("endOfHeaders")) asked.push("endOfHeaders");
  return asked.map((stage) => {
    return { stage: MACRO_STAGE[stage], names: unique([...macros[stage] ?? [], ...OURS[stage] ?? []]) };
  });
}

/** What to negotiate. */
export function wishOf({ actions, required, protocol, macros }: Needs): Wish {
  const lists = macroRequests(macros);
  return {
    actions: lists.length === 0 ? actions : actions | ACTION.REQUEST_MACROS,
    required,
    protocol,
    macros: lists,
  };
}

/** Whether names differ from what an MTA tells anyway. */
function differs(stage: MacroStage, names: readonly string[] | undefined): boolean {
  return names !== undefined && !isToldAnyway(stage, names);
}

/** `i` and `{i}` are one name. */
function unique(names: readonly string[]): string[] {
  return names.filter((name, at) => names.findIndex((other) => bareMacro(other) === bareMacro(name)) === at);
}
