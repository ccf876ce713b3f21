import type { MACRO_STAGE } from "./flags.ts";

/** A stage for which macros are chosen. */
export type MacroStage = keyof typeof MACRO_STAGE;

const TLS: readonly string[] = ["tls_version", "cipher", "cipher_bits", "cert_subject", "cert_issuer"];

/**
 * The names that each MTA tells where nobody says otherwise, without braces: `milter_*_macros` of Postfix,
 * `confMILTER_MACROS_*` of Sendmail.
 */
export const DEFAULT_MACROS: {
  readonly [Mta in "postfix" | "sendmail"]: Readonly<Record<MacroStage, readonly string[]>>;
} = {
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

/** Whether every MTA that is known tells these names at a stage without being asked. */
export function isToldAnyway(stage: MacroStage, names: readonly string[]): boolean {
  return names.length > 0 &&
    Object.values(DEFAULT_MACROS).every((lists) =>
      names.every((name) => lists[stage].includes(bareMacro(name)))
    );
}

/** `{auth_type}` and `auth_type` are one name. */
export function bareMacro(name: string): string {
  return name.startsWith("{") && name.endsWith("}") ? name.slice(1, -1) : name;
}
