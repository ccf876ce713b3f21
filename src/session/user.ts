import type { Macros } from "../protocol/macros.ts";
import { decodeText } from "../wire/text.ts";
import { mtaOf } from "./mta.ts";

/**
 * The name by which the client has logged in, as the MTA tells it.
 *
 * Sendmail writes it as xtext (RFC 3461, section 4): `a+b` is `a+2Bb`. Postfix writes it as it is.
 */
export function userOf(macros: Macros): string | undefined {
  const name = macros.get("auth_authen");
  if (!name) return undefined;
  return mtaOf(macros).profile === "sendmail" ? name.replace(/(?:\+[0-9A-F]{2})+/g, decodeRun) : name;
}

/** The text of bytes that are written as `+2B+C3`, of which several may make up one character. */
function decodeRun(run: string): string {
  return decodeText(Uint8Array.from(run.slice(1).split("+"), (hex) => parseInt(hex, 16)));
}
