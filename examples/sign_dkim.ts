/**
 * Signs the mail that users of ours send, by DKIM (RFC 6376), while it goes through. The signature is made by
 * [mailauth](https://www.npmjs.com/package/mailauth), which Deno fetches; elsewhere `npm install mailauth`.
 *
 *   DKIM_DOMAIN=example.com DKIM_SELECTOR=s1 DKIM_KEY=s1.pem deno run -A examples/sign_dkim.ts
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import process from "node:process";
import { Readable } from "node:stream";
import { accept, defineFilter, type Filter, serve } from "@kilter/milter";
import { dkimSign } from "mailauth/lib/dkim/sign.js";

/** A key, and where DNS tells of it: at `selector._domainkey.domain`. */
export interface DkimKey {
  readonly domain: string;
  readonly selector: string;
  /** The private key, RSA or Ed25519, as PEM. */
  readonly privateKey: string;
}

/** Clients whose mail is ours even if nobody has logged in: those on the mail server's own machine. */
const HERE: ReadonlySet<string | undefined> = new Set(["127.0.0.1", "::1"]);

/** A filter that signs by a key. */
export default function signDkim({ domain, selector, privateKey }: DkimKey): Filter {
  return defineFilter(
    { name: "sign-dkim", sees: ["connect", "headers", "body"], edits: ["headers"] },
    async (session) => {
      await session.headers.collect(); // At first, before MAIL, nobody has logged in.
      if (session.authenticatedUser === undefined && !HERE.has(session.connection.address)) return accept();
      const key = { signingDomain: domain, selector, privateKey };
      const message = Readable.from(session.message());
      const { signatures, errors } = await dkimSign(message, { ...key, signatureData: [key] });
      if (errors.length > 0) throw new Error("Cannot sign", { cause: errors[0] });
      // It comes as a header, folded, with its line end. Above all others it says what it has seen: those below.
      const [, name, value] = /^([^:]+): (.*)\r\n$/s.exec(signatures)!;
      session.headers.insert(name!, value!.replaceAll("\r\n", "\n"), "start");
      return accept();
    },
  );
}

if (import.meta.main) {
  const { DKIM_DOMAIN: domain, DKIM_SELECTOR: selector, DKIM_KEY: file } = process.env;
  if (!domain || !selector || !file) throw new Error("DKIM_DOMAIN, DKIM_SELECTOR and DKIM_KEY are to be set");
  const filter = signDkim({ domain, selector, privateKey: await readFile(file, "utf8") });
  const server = await serve(filter, { listen: "inet:8891@127.0.0.1" });
  await server.finished;
}
