import type { Macros } from "../protocol/macros.ts";

/** The TLS of the client's connection to the MTA. */
export interface Tls {
  /** `TLSv1.3`. Macro `{tls_version}` */
  readonly version: string;
  /** `TLS_AES_256_GCM_SHA384`. Macro `{cipher}` */
  readonly cipher: string | undefined;
  /** The length of the key in bits. Macro `{cipher_bits}` */
  readonly bits: number | undefined;
  /** Whom the client's certificate is for and who has issued it; `undefined` if it has shown none. */
  readonly certificate: { readonly subject: string; readonly issuer: string | undefined } | undefined;
}

/** The TLS that the MTA tells of; Sendmail tells empty macros of none. */
export function tlsOf(macros: Macros): Tls | undefined {
  const version = macros.get("tls_version");
  if (!version) return undefined;
  const subject = macros.get("cert_subject");
  return {
    version,
    cipher: macros.get("cipher") || undefined,
    bits: Number(macros.get("cipher_bits")) || undefined,
    certificate: subject ? { subject, issuer: macros.get("cert_issuer") || undefined } : undefined,
  };
}
