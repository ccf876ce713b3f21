import type { Macros } from "../protocol/macros.ts";

/** The MTAs whose ways are known. */
export type MtaProfile = "postfix" | "sendmail" | "unknown";

/** The MTA at the other end. */
export interface Mta {
  /** Its name, `"Postfix"` or `"Sendmail"`; `undefined` if it did not tell. */
  readonly name: string | undefined;
  /** Its version; `undefined` if it did not tell. */
  readonly version: string | undefined;
  /** Whose ways it has. */
  readonly profile: MtaProfile;
}

const UNKNOWN: Mta = { name: undefined, version: undefined, profile: "unknown" };

/**
 * Tells the MTA by its macros.
 *
 * `v` is `Postfix 3.7.11` in Postfix and `8.17.1.9` in Sendmail, which sends it only when asked to; but of
 * the macros that come unasked with CONNECT, `{if_name}` and `{if_addr}` are Sendmail's alone.
 */
export function mtaOf(macros: Macros): Mta {
  const v = macros.get("v");
  if (v === undefined) {
    return macros.has("if_name") || macros.has("if_addr")
      ? { name: "Sendmail", version: undefined, profile: "sendmail" }
      : UNKNOWN;
  }
  const [, name, version] = /^(?:([A-Za-z][\w-]*)[ /]*)?(.*)$/s.exec(v) ?? [];
  if (name === "Postfix") return { name, version: version || undefined, profile: "postfix" };
  if (name === undefined && /^8\.\d/.test(v)) return { name: "Sendmail", version: v, profile: "sendmail" };
  return { name, version: version || undefined, profile: "unknown" };
}
