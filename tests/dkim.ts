/**
 * A domain that signs its mail by DKIM, and whoever verifies it: keys and DNS are made here, in memory. Signing and
 * verifying is done by mailauth, so that neither is by our own understanding of a message's bytes.
 */

import { generateKeyPairSync } from "node:crypto";
import { dkimSign } from "mailauth/lib/dkim/sign.js";
import { dkimVerify } from "mailauth/lib/dkim/verify.js";
import { Buffer } from "node:buffer";

/** How header and body are brought into one form before they are signed: `simple` takes each byte as it is. */
export type Canonicalization = `${"relaxed" | "simple"}/${"relaxed" | "simple"}`;

const CANONICALIZATIONS: readonly Canonicalization[] = [
  "relaxed/relaxed",
  "relaxed/simple",
  "simple/relaxed",
  "simple/simple",
];

const pem = { type: "pkcs8", format: "pem" } as const;
const RSA = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: pem,
  publicKeyEncoding: { type: "spki", format: "der" },
});
const ED25519 = generateKeyPairSync("ed25519", {
  privateKeyEncoding: pem,
  publicKeyEncoding: { type: "spki", format: "der" },
});

/** A key by the name under which DNS has it. */
export interface Key {
  readonly domain: string;
  readonly selector: string;
  readonly privateKey: string;
}

const DOMAIN = "example.test";

export const KEYS: readonly Key[] = [
  { domain: DOMAIN, selector: "rsa", privateKey: RSA.privateKey },
  { domain: DOMAIN, selector: "ed25519", privateKey: ED25519.privateKey },
];

/** What DNS says of the keys. An Ed25519 key is there without what tells its kind (RFC 8463). */
const RECORDS: Readonly<Record<string, string>> = {
  [`rsa._domainkey.${DOMAIN}`]: `v=DKIM1; k=rsa; p=${RSA.publicKey.toString("base64")}`,
  [`ed25519._domainkey.${DOMAIN}`]: `v=DKIM1; k=ed25519; p=${
    ED25519.publicKey.subarray(-32).toString("base64")
  }`,
};

/** Answers as DNS does, from memory. */
async function resolver(name: string, type: string): Promise<string[][]> {
  const record = type === "TXT" ? RECORDS[name] : undefined;
  if (record === undefined) throw Object.assign(new Error(`no ${type} for ${name}`), { code: "ENOTFOUND" });
  return await Promise.resolve([[record]]);
}

/**
 * Signs a message by each key in each way: the headers that go above it. All of its headers are signed, but those whose
 * name starts with `X-Unsigned`.
 */
export async function sign(message: Uint8Array): Promise<string> {
  const headerList = decodeLatin1(message).split("\r\n\r\n", 1)[0]!
    .split(/\r\n(?![ \t])/)
    .map((line) => line.slice(0, line.indexOf(":")))
    .filter((name) => !name.startsWith("X-Unsigned"));
  const signatureData = KEYS.flatMap(({ domain, selector, privateKey }) =>
    CANONICALIZATIONS.map((canonicalization) => {
      return { signingDomain: domain, selector, privateKey, canonicalization, headerList };
    })
  );
  const { signatures, errors } = await dkimSign(Buffer.from(message), {
    ...signatureData[0]!,
    signatureData,
  });
  if (errors.length > 0) throw new Error("the message was not signed", { cause: errors[0] });
  return signatures;
}

/** Judges the signatures of a message, each: `rsa-sha256 simple/simple: pass`, or why not. */
export async function verify(message: Uint8Array): Promise<string[]> {
  const { results } = await dkimVerify(Buffer.from(message), { resolver });
  return results.filter(({ algo }) => algo !== undefined).map(({ algo, format, status }) =>
    `${algo} ${format}: ${status.result}${status.comment ? ` (${status.comment})` : ""}`
  );
}

/** What {@linkcode verify} says of a message that {@linkcode sign} has signed, where it holds in these ways only. */
export function passing(ways: readonly Canonicalization[] = CANONICALIZATIONS): string[] {
  return KEYS.flatMap(({ selector }) => ways.map((way) => `${selector}-sha256 ${way}: pass`));
}

function decodeLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
