/**
 * An SMTP server in JavaScript that asks milters, as Postfix and Sendmail do: OpenDKIM, Rspamd, ClamAV, or filters
 * written with this library. The server is [smtp-server](https://www.npmjs.com/package/smtp-server), which Deno fetches;
 * elsewhere `npm install smtp-server`.
 *
 *   deno run -A examples/smtp_server.ts inet:8891@127.0.0.1
 *
 * @module
 */

import process from "node:process";
import { callMilters, type CallOptions, type MtaSession, type SmtpAnswer } from "@kilter/milter/client";
import { SMTPServer, type SMTPServerAddress, type SMTPServerSession } from "smtp-server";

/** A mail that milters have let through, with their edits made. */
export interface TakenMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly bytes: Uint8Array;
  /** Why a milter wants a person to look at it first. */
  readonly quarantine: string | undefined;
}

/** What the server needs. */
export interface SmtpServerOptions {
  /** Where the milters listen, in the order in which they are asked. */
  readonly milters: readonly string[];
  /** Takes a mail. The client is told that it was accepted when this resolves. */
  readonly take: (mail: TakenMail) => Promise<void>;
  /** How the milters are called beside that. */
  readonly options?: CallOptions;
}

/** An SMTP server that asks milters of each mail. It does not listen yet. */
export function smtpServer({ milters, take, options = {} }: SmtpServerOptions): SMTPServer {
  const sessions = new Map<string, Promise<MtaSession>>();

  /** The milters' session for an SMTP client: a new one for each greeting. */
  const sessionOf = (client: SMTPServerSession): Promise<MtaSession> => {
    let session = sessions.get(client.id);
    if (session === undefined) {
      session = callMilters(milters, {
        defaultAction: "tempfail",
        ...options,
        client: {
          name: client.clientHostname ?? null,
          address: client.remoteAddress,
          port: client.remotePort,
        },
        helo: client.hostNameAppearsAs || null,
        macros: typeof client.user === "string" ? { auth_authen: client.user } : {},
      });
      sessions.set(client.id, session);
    }
    return session;
  };

  /** Asks the milters of a mail, and takes it if they let it through. */
  const takeFrom = async (session: MtaSession, stream: ReadableStream<Uint8Array>): Promise<SmtpAnswer> => {
    const { reply, message, sender, deliveredTo, quarantine } = await session.message(stream);
    if (message !== undefined) {
      await take({ from: sender, to: deliveredTo, bytes: message.bytes, quarantine });
    }
    return reply;
  };

  return new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    hideENHANCEDSTATUSCODES: true, // The milters' answers bring their own.

    onMailFrom: (address, client, done) =>
      answer(done, async () => (await sessionOf(client)).mail(pathOf(address))),

    onRcptTo: (address, client, done) =>
      answer(done, async () => (await sessionOf(client)).rcpt(pathOf(address))),

    onData: (stream, client, done) =>
      answer(done, async () => {
        const chunks = stream[Symbol.asyncIterator]();
        try {
          const session = await sessionOf(client);
          const data = await session.data();
          return data.code === 354 ? await takeFrom(session, streamOf(chunks)) : data;
        } finally {
          // The client sends all of it, also what no milter wants to see.
          while (!(await chunks.next()).done);
        }
      }),

    onClose(client) {
      sessions.get(client.id)?.then((session) => session[Symbol.asyncDispose]()).catch(() => {
        // Nobody is left who could be told.
      });
      sessions.delete(client.id);
    },
  });
}

/** Hands an answer to the server: a refusal as an error with its code. */
function answer(
  done: (error?: Error | null, message?: string) => void,
  ask: () => Promise<SmtpAnswer>,
): void {
  ask().then(({ code, enhanced, text: lines }) => {
    const text = [enhanced, lines.replaceAll("\n", " ")].filter(Boolean).join(" ");
    if (code < 400) done(null, text);
    else done(Object.assign(new Error(text), { responseCode: code }));
  }, (error) => {
    console.error("smtp_server:", error);
    done(Object.assign(new Error("4.3.0 Something failed, try again later"), { responseCode: 451 }));
  });
}

/** An address with its ESMTP arguments, as the client wrote them. */
function pathOf({ address, args }: SMTPServerAddress): string {
  const words = Object.entries(args || {}).map(([name, value]) => value === true ? name : `${name}=${value}`);
  return [`<${address}>`, ...words].join(" ");
}

/** A message while it comes, as a stream of the web. */
function streamOf(chunks: AsyncIterator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
  }, { highWaterMark: 0 });
}

if (import.meta.main) {
  const server = smtpServer({
    milters: process.argv.slice(2),
    take: ({ from, to, bytes }) => {
      console.log(
        `From <${from}> to ${to.map((address) => `<${address}>`).join(", ")}, ${bytes.length} bytes`,
      );
      return Promise.resolve();
    },
  });
  server.listen(2525, "127.0.0.1", () => console.log("Listening on 127.0.0.1:2525"));
}
