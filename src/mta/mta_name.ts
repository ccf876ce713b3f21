/** The MTAs whose rules are known here. */
export type MtaName = "postfix" | "sendmail";
