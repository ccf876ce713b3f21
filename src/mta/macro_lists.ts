import type { Agreement } from "../protocol/replies.ts";
import { MACRO_STAGE } from "../protocol/flags.ts";
import type { CommandType } from "../protocol/commands.ts";
import type { MtaName } from "./mta_name.ts";

/** A stage for which macros are chosen. */
export type MacroStage = keyof typeof MACRO_STAGE;

type Lists = Readonly<Record<MacroStage, readonly string[]>>;

const TLS: readonly string[] = ["tls_version", "cipher", "cipher_bits", "cert_subject", "cert_issuer"];

/** The names that each MTA tells where nobody says otherwise, without braces. */
const DEFAULTS: Readonly<Record<MtaName, Lists>> = {
  postfix: {
    connect: ["j", "daemon_name", "daemon_addr", "v", "_"],
    helo: TLS,
    mail: ["i", "auth_type", "auth_authen", "auth_author", "mail_addr", "mail_host", "mail_mailer"],
    rcpt: ["i", "rcpt_addr", "rcpt_host", "rcpt_mailer"],
    data: ["i"],
    endOfHeaders: ["i"],
    endOfMessage: ["i"],
  },
  sendmail: {
    connect: ["j", "_", "daemon_name", "if_name", "if_addr"],
    helo: TLS,
    mail: [
      "i",
      "auth_type",
      "auth_authen",
      "auth_ssf",
      "auth_author",
      "mail_mailer",
      "mail_host",
      "mail_addr",
    ],
    rcpt: ["rcpt_mailer", "rcpt_host", "rcpt_addr"],
    data: [],
    endOfHeaders: [],
    endOfMessage: ["msg_id"],
  },
};

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
    const lists: Record<MacroStage, readonly string[]> = { ...DEFAULTS[mta] };
    const listed = new Set(Object.values(lists).flat());
    for (const name of known) {
      const [, stage] = ADDED.find(([start]) => start.test(name))!;
      if (!listed.has(name)) lists[stage] = [...lists[stage], name];
    }
    const stages = Object.keys(MACRO_STAGE) as MacroStage[];
    for (const { stage, names } of macros) {
      const name = stages.find((key) => MACRO_STAGE[key] === stage);
      if (name !== undefined && this.#honours(macros, stage, names)) lists[name] = names.map(bareName);
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

/** `{auth_type}` and `auth_type` are one name. */
export function bareName(name: string): string {
  return name.startsWith("{") && name.endsWith("}") ? name.slice(1, -1) : name;
}
