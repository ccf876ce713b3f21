import type { Agreement } from "../protocol/replies.ts";
import { MACRO_STAGE } from "../protocol/flags.ts";
import { bareMacro, DEFAULT_MACROS, type MacroStage } from "../protocol/macro_defaults.ts";
import type { CommandType } from "../protocol/commands.ts";
import type { MtaName } from "./mta_name.ts";

type Lists = Readonly<Record<MacroStage, readonly string[]>>;

/** The stage whose macros go with a command. Sendmail sends none with the others. */
const STAGES: Readonly<Record<MtaName, { readonly [Type in CommandType]?: MacroStage }>> = {
  postfix: {
    connect: "connect",
    helo: "helo",
    mail: "mail",
    rcpt: "rcpt",
    data: "data",
    header: "endOfHeaders",
    endOfHeaders: "endOfHeaders",
    body: "endOfMessage",
    endOfMessage: "endOfMessage",
  },
  sendmail: {
    connect: "connect",
    helo: "helo",
    mail: "mail",
    rcpt: "rcpt",
    data: "data",
    endOfHeaders: "endOfHeaders",
    endOfMessage: "endOfMessage",
  },
};

/** At which stage an administrator would add a name that is in no list, by how it starts. */
const ADDED: readonly (readonly [start: RegExp, stage: MacroStage])[] = [
  [/^(tls|cipher|cert)_/, "helo"],
  [/^(auth|mail)_/, "mail"],
  [/^rcpt_/, "rcpt"],
  [/^(i|msg_id)$/, "endOfMessage"],
  [/^/, "connect"],
];

/**
 * Chooses the macros that an MTA tells with each command: its own choice, or the filter's. Names of `known` that
 * are in none of the MTA's lists are told too, as if its administrator had added them.
 */
export class MacroLists {
  readonly #mta: MtaName;
  readonly #lists: Lists;

  constructor(mta: MtaName, { macros }: Pick<Agreement, "macros">, known: Iterable<string> = []) {
    this.#mta = mta;
    const lists: Record<MacroStage, readonly string[]> = { ...DEFAULT_MACROS[mta] };
    const listed = new Set(Object.values(lists).flat());
    for (const name of known) {
      const [, stage] = ADDED.find(([start]) => start.test(name))!;
      if (!listed.has(name)) lists[stage] = [...lists[stage], name];
    }
    const stages = Object.keys(MACRO_STAGE) as MacroStage[];
    for (const { stage, names } of macros) {
      const name = stages.find((key) => MACRO_STAGE[key] === stage);
      if (name !== undefined && this.#honours(macros, stage, names)) lists[name] = names.map(bareMacro);
    }
    this.#lists = lists;
  }

  /** The names to tell with a command; `undefined` if not even an empty list is sent. */
  namesFor(command: CommandType): readonly string[] | undefined {
    const stage = STAGES[this.#mta][command];
    const names = stage === undefined ? [] : this.#lists[stage];
    return names.length === 0 && this.#mta === "sendmail" ? undefined : names;
  }

  /** Postfix takes no empty list, Sendmail none for the end of the message without one for the end of headers. */
  #honours(macros: Agreement["macros"], stage: number, names: readonly string[]): boolean {
    if (this.#mta === "postfix") return names.length > 0;
    return stage !== MACRO_STAGE.endOfMessage ||
      macros.some((list) => list.stage === MACRO_STAGE.endOfHeaders);
  }
}
