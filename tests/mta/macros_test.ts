/** What MTAs tell beside the conversation: the macros that were asked for, and what the session makes of them. */

import { execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { accept, type Declaration, defineFilter, serve, type Session, type Tls } from "../../mod.ts";
import { MACRO_STAGE, Macros } from "../../src/protocol/mod.ts";
import { assertEquals, assertMatch, tempDir, test } from "../harness.ts";
import { deliver, messageOf, open, sendMail } from "./mail.ts";
import { type MtaName, startMta, whyNot } from "./mta.ts";
import { testOnEachMta } from "./on_each_mta.ts";
import { RawFilter } from "./raw_filter.ts";
import { type Endpoint, SmtpClient } from "./smtp_client.ts";
import { type Said, serveTapped } from "./wiretap.ts";

/** Names by the code of the command that they come with: `C` for CONNECT, `L` for a header. */
type Names = Readonly<Record<string, readonly string[]>>;

/** What a filter asks for, and what comes of it. */
interface MacroCase {
  readonly name: string;
  readonly asked: NonNullable<Declaration["macros"]>;
  /** The names that each MTA tells then, at those commands that a case is about. */
  readonly told: Readonly<Record<MtaName, Names>>;
}

/** What both tell of lists that neither has by itself. */
const ALL: Names = {
  C: ["v", "{client_addr}"],
  H: ["j", "{client_name}"],
  M: ["{client_addr}", "{mail_addr}"],
  R: ["j", "{rcpt_addr}"],
  T: ["i", "{client_port}"],
  N: ["{client_addr}"],
  E: ["i", "{client_addr}"],
};

const TLS = ["{tls_version}", "{cipher}"];

const MACROS: readonly MacroCase[] = [
  {
    name: "a list for each stage",
    asked: {
      connect: ["v", "{client_addr}"],
      helo: ["j", "{client_name}"],
      mail: ["{client_addr}", "mail_addr"],
      rcpt: ["{j}", "{rcpt_addr}"],
      data: ["i", "{client_port}"],
      endOfHeaders: ["{client_addr}"],
      endOfMessage: ["i", "client_addr"],
    },
    // To Postfix, single headers are of the stage of their end, and chunks of the body of that of the message's.
    // The library asks for `i` with MAIL by itself, where Sendmail has it and Postfix not yet.
    told: {
      postfix: { ...ALL, L: ALL["N"]!, B: ALL["E"]! },
      sendmail: { ...ALL, M: ["i", ...ALL["M"]!], L: [], B: [] },
    },
  },
  {
    name: "a list for the end of the message alone, beside which Sendmail is sent an empty one",
    asked: { endOfMessage: ["i", "{client_addr}"] },
    told: {
      postfix: { L: ["i"], N: ["i"], E: ["i", "{client_addr}"] },
      sendmail: { L: [], N: [], E: ["i", "{client_addr}"] },
    },
  },
  {
    name: "a list for the end of the headers alone",
    asked: { endOfHeaders: ["i", "j"] },
    told: {
      postfix: { L: ["i", "j"], N: ["i", "j"], E: ["i"] },
      sendmail: { L: [], N: ["i", "j"], E: [] },
    },
  },
  {
    name: "what both tell anyway, for which nothing is asked",
    asked: { connect: ["j"], mail: ["i", "{mail_addr}"], rcpt: ["{rcpt_addr}"] },
    told: {
      postfix: {
        C: ["_", "j", "v", "{daemon_addr}", "{daemon_name}"],
        // The queue id comes with the first recipient that Postfix takes, after him.
        M: ["{mail_addr}", "{mail_host}", "{mail_mailer}"],
        R: ["i", "{rcpt_addr}", "{rcpt_host}", "{rcpt_mailer}"],
      },
      sendmail: {
        C: ["_", "j", "{daemon_name}", "{if_name}"],
        M: ["i", "{mail_addr}", "{mail_host}", "{mail_mailer}"],
        R: ["{rcpt_addr}", "{rcpt_host}", "{rcpt_mailer}"],
      },
    },
  },
  {
    name: "names that mean nothing to the MTA, or have no value, which it leaves out",
    asked: { connect: ["j", "{no_such_thing}"], helo: [...TLS, "j"], mail: ["i", "{auth_authen}", "{j}"] },
    told: {
      postfix: { C: ["j", "v"], H: ["j"], M: ["j"] },
      sendmail: { C: ["j", "v"], H: ["j"], M: ["i", "j"] },
    },
  },
  {
    name: "empty lists: Postfix's own choice, and nothing in Sendmail; but the MTA always tells who it is",
    asked: { connect: [], data: [] },
    told: { postfix: { C: ["v"], T: ["i"] }, sendmail: { C: ["v"], T: [] } },
  },
];

/** The names that were told at a command; of one that came again those of the last. */
function namesAt(code: string, said: readonly Said[]): string[] {
  const last = said.flatMap((one) => one.by === "mta" && one.command.type === "macros" ? one.command : [])
    .findLast(({ stage }) => stage === code);
  return last === undefined ? [] : Object.keys(Macros.none.define(code, last.definitions).toObject()).sort();
}

testOnEachMta("the MTA tells the macros that were asked for, and no others", async (mta, options) => {
  for (const { name, asked, told } of MACROS) {
    const filter = defineFilter({ macros: asked, answers: [] }, async (session) => {
      await session.endOfMessage();
      return accept();
    });
    await using server = await serveTapped(filter, options);
    await sendMail(mta);
    const said = server.tap.take();
    for (const [code, names] of Object.entries(told[mta.name])) {
      assertEquals(namesAt(code, said), [...names].sort(), `${name}: ${code}`);
    }
  }
});

testOnEachMta(
  "a list for the end of the message counts in Sendmail only beside one for the end of the headers",
  async (mta) => {
    await using filter = await RawFilter.listen(mta.milter);
    const { endOfHeaders, endOfMessage } = MACRO_STAGE;
    const told: Record<string, string[]> = {};
    for (
      const [name, stages] of Object.entries({ alone: [endOfMessage], both: [endOfMessage, endOfHeaders] })
    ) {
      const macros = stages.map((stage) => ({
        stage,
        names: stage === endOfMessage ? ["{client_addr}"] : [],
      }));
      filter.script = { macros };
      await sendMail(mta);
      told[name] = Object.keys(filter.macros);
    }
    const alone = mta.name === "postfix" ? "{client_addr}" : "{msg_id}";
    assertEquals(told, { alone: [alone], both: ["{client_addr}"] });
  },
);

testOnEachMta("macros come whether or not their command does", async (mta, options) => {
  const macros = { connect: ["{client_addr}"], mail: ["{mail_addr}", "j"], data: ["j"] };
  let seen: Record<string, string> = {};
  const filter = defineFilter({ sees: [], edits: [], macros }, async (session) => {
    await session.endOfMessage();
    seen = session.macros.toObject();
    return accept();
  });
  await using _server = await serve(filter, options);
  await sendMail(mta);
  assertEquals(
    [seen["{client_addr}"], seen["{mail_addr}"], seen["{rcpt_addr}"], seen["j"]],
    ["127.0.0.1", "sender@example.test", "two@example.test", "mx.example.test"],
  );
});

testOnEachMta("macros have their values at each stage, by either spelling", async (mta, options) => {
  let ids: Record<string, string | undefined> = {};
  let seen: Record<string, unknown> = {};
  const filter = async (session: Session) => {
    ids = { start: session.queueId };
    await session.envelopeFrom();
    ids["mail"] = session.queueId;
    await session.data();
    ids["data"] = session.queueId;
    await session.headers.collect();
    ids["headers"] = session.queueId;
    await session.endOfMessage();
    ids["end"] = session.queueId;
    const { macros, authenticatedUser, tls } = session;
    seen = {
      i: [macros.get("i"), macros.get("{i}"), macros.toObject()["i"]],
      mail_addr: [macros.get("mail_addr"), macros.get("{mail_addr}"), macros.has("{mail_addr}")],
      authenticatedUser,
      tls,
    };
    return accept();
  };
  await using _server = await serve(filter, options);
  const client = SmtpClient.to(mta.smtp);
  await open(client);
  for (const message of ["first", "second"]) {
    const { queueId } = await deliver(client, { message: messageOf(message) });
    // Postfix has it from the first recipient on. The first run starts at CONNECT, the next at MAIL.
    const mail = mta.name === "postfix" ? undefined : queueId;
    const start = message === "first" ? undefined : mail;
    assertEquals(ids, { start, mail, data: queueId, headers: queueId, end: queueId }, message);
    assertEquals(seen, {
      i: [queueId, queueId, queueId],
      mail_addr: ["sender@example.test", "sender@example.test", true],
      authenticatedUser: undefined,
      tls: undefined,
    });
  }
  await client.quit();
});

testOnEachMta("each recipient keeps the macros of its moment", async (mta, options) => {
  const seen: unknown[] = [];
  const filter = async (session: Session) => {
    const recipients = [];
    for await (const recipient of session.envelopeRecipients()) recipients.push(recipient);
    await session.endOfMessage();
    for (const { address, macros } of recipients) {
      seen.push([address, macros.get("rcpt_addr"), macros.get("{rcpt_mailer}"), macros.get("j")]);
    }
    seen.push(session.macros.get("{rcpt_addr}"));
    return accept();
  };
  await using _server = await serve(filter, options);
  const to = ["one", "two", "three"].map((name) => `${name}@example.test`);
  await sendMail(mta, { to: to.map((address) => `<${address}>`) });
  const mailer = mta.name === "postfix" ? "smtp" : "relay";
  assertEquals(seen, [
    ...to.map((address) => [address, address, mailer, "mx.example.test"]),
    "three@example.test",
  ]);
});

/** Why those tests are skipped that are about Postfix alone. */
const NO_POSTFIX = whyNot("postfix") ?? false;

test(
  "postfix: authenticatedUser is the name by which the client has logged in",
  { ignore: NO_POSTFIX },
  async () => {
    const seen: (string | undefined)[] = [];
    const filter = defineFilter({ sees: ["mail"], answers: [] }, async (session) => {
      await session.envelopeFrom();
      seen.push(session.authenticatedUser, session.macros.get("{auth_type}"));
      return accept();
    });
    await using mta = await startMta("postfix", { mainCf: { smtpd_authorized_xclient_hosts: "127.0.0.1" } });
    await using _server = await serve(filter, { listen: mta.milter });
    const client = SmtpClient.to(mta.smtp);
    await open(client);
    // A proxy in front of Postfix may tell who has logged in with it.
    assertEquals((await client.command("XCLIENT LOGIN=arthur")).code, 220);
    assertEquals((await client.command("EHLO client.example.test")).code, 250);
    assertEquals((await deliver(client)).refused, {});
    await client.quit();
    assertEquals(seen, ["arthur", "XCLIENT"]);
  },
);

/** TLS between the client and the MTA. */
const TLS_1_3 = { version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384", bits: 256, certificate: undefined };
const TLS_1_2 = { version: "TLSv1.2", cipher: "ECDHE-ECDSA-AES256-GCM-SHA384", bits: 256 };
const CERTIFICATE: Readonly<Record<MtaName, Tls["certificate"]>> = {
  postfix: { subject: "camelot.example.test", issuer: "camelot.example.test" },
  sendmail: { subject: "/CN=camelot.example.test", issuer: "/CN=camelot.example.test" },
};

const LOGIN: Readonly<Record<MtaName, readonly string[]>> = { postfix: [], sendmail: ["AUTH EXTERNAL ="] };

for (const name of ["postfix", "sendmail"] as const) {
  const ignore = whyNot(name) ?? noOpenSsl();
  test(
    `${name}: tls is what the client and the MTA have agreed on, also as a login`,
    { ignore },
    async () => {
      const seen: (readonly [Tls | undefined, user?: string | undefined])[] = [];
      const note = async (session: Pick<Session, "endOfMessage" | "tls" | "authenticatedUser">) => {
        await session.endOfMessage();
        seen.push([session.tls, session.authenticatedUser]);
        return accept();
      };
      await using dir = await tempDir();
      const [key, cert] = [dir.file("key.pem"), dir.file("cert.pem")];
      execFileSync("openssl", [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
        ...["-keyout", key, "-out", cert, "-subj", "/CN=camelot.example.test", "-days", "2"],
      ], { stdio: "ignore" });
      await using mta = await startMta(name, {
        mainCf: {
          smtpd_tls_security_level: "may",
          smtpd_tls_key_file: key,
          smtpd_tls_cert_file: cert,
          smtpd_tls_CAfile: cert,
          smtpd_tls_ask_ccert: "yes",
        },
        mc: {
          confSERVER_KEY: key,
          confSERVER_CERT: cert,
          confCACERT: cert,
          confCACERT_PATH: dir.path,
          confAUTH_MECHANISMS: "EXTERNAL",
        },
      });
      // It comes with the second HELO, also to a filter that sees none of them.
      for (const filter of [note, defineFilter({ sees: [], edits: [] }, note)]) {
        await using _server = await serve(filter, { listen: mta.milter });
        await sendOverTls(mta.smtp, ["-tls1_3"]);
        await sendOverTls(mta.smtp, ["-tls1_2", "-key", key, "-cert", cert], LOGIN[name]);
      }
      // Sendmail takes a certificate for a login, and writes "=" as "+3D".
      const user = name === "sendmail" ? "/CN=camelot.example.test" : undefined;
      const certified = [{ ...TLS_1_2, certificate: CERTIFICATE[name] }, user] as const;
      const anonymous = [TLS_1_3, undefined] as const;
      assertEquals(seen, [anonymous, certified, anonymous, certified]);
    },
  );
}

function noOpenSsl(): string | false {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return false;
  } catch {
    return "there is no openssl";
  }
}

/** Sends a mail after STARTTLS, and these commands before it. */
async function sendOverTls(
  { host, port }: Endpoint,
  options: readonly string[],
  before: readonly string[] = [],
): Promise<void> {
  const client = spawn("openssl", [
    ...["s_client", "-quiet", "-starttls", "smtp", "-connect", `${host}:${port}`, ...options],
  ], { stdio: ["pipe", "pipe", "ignore"] });
  const closed = new Promise((done) => client.on("close", done));
  const envelope = ["MAIL FROM:<sender@example.test>", "RCPT TO:<one@example.test>", "DATA"];
  const commands = ["EHLO client.example.test", ...before, ...envelope, `${messageOf("secret")}.`, "QUIT"];
  const said: string[] = [];
  const sayNext = () => client.stdin.write(`${commands.shift() ?? "QUIT"}\r\n`);
  sayNext();
  for await (const line of createInterface(client.stdout)) {
    said.push(line);
    if (/^\d{3} /.test(line) && commands.length > 0) sayNext();
  }
  await closed;
  assertMatch(said.join("\n"), /queued as|Message accepted/);
}
