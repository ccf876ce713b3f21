// A real Postfix or Sendmail on loopback, with one milter before it and a sink behind it: started, looked
// at and stopped the same way. What differs between the two is in `postfix.ts` and `sendmail.ts`.

import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import type { Address } from "../../mod.ts";
import { postfix } from "./postfix.ts";
import type { Recipe, Site } from "./recipe.ts";
import { sendmail } from "./sendmail.ts";
import type { Endpoint } from "./smtp_client.ts";
import { type Mail, SmtpSink, subjectOf } from "./smtp_sink.ts";

export type MtaName = "postfix" | "sendmail";

/** How an MTA reaches its filter. */
export type Transport = "inet" | "unix";

/** A running MTA, which `await using` stops. */
export interface Mta extends AsyncDisposable {
  readonly name: MtaName;
  /** Where it takes mail. */
  readonly smtp: Endpoint;
  /** Where it calls its filter, for `serve`: nothing listens there yet. */
  readonly milter: Address;
  /** All mails that it has delivered so far. */
  delivered(): readonly Mail[];
  /** The mail with this Subject, as delivered, waiting for it if need be. */
  delivery(subject: string): Promise<Mail>;
  /** The queue ids of the mails that it holds in quarantine. */
  quarantined(): readonly string[];
  /** What it logged against the filter: a clean conversation leaves nothing. */
  complaints(): readonly string[];
}

const RECIPES: Readonly<Record<MtaName, Recipe>> = { postfix, sendmail };

/**
 * Over TCP, Sendmail takes 40 ms for each command: it writes macros and command apart, and the second write
 * waits until the first is acknowledged.
 */
const QUICKEST: Readonly<Record<MtaName, Transport>> = { postfix: "inet", sendmail: "unix" };

/** Why this MTA can't be started here; undefined if it can. */
export function whyNot(name: MtaName): string | undefined {
  if (process.platform !== "linux") return "not on Linux";
  if (process.getuid?.() !== 0) return "not root";
  return RECIPES[name].missing();
}

/** Starts an MTA of its own, with its own queue and its own ports, within 0.1 s. */
export async function startMta(name: MtaName, transport: Transport = QUICKEST[name]): Promise<Mta> {
  const recipe = RECIPES[name];
  const sink = await SmtpSink.listen();
  const dir = mkdtempSync(join(tmpdir(), "kilter-mta-"));
  const log = join(dir, "log");
  let child: ChildProcess | undefined;

  const stop = async () => {
    if (child) await end(child);
    await sink.close();
    rmSync(dir, { recursive: true });
  };

  try {
    chmodSync(dir, 0o755); // users "postfix" and "nobody" have to get in
    const milter = transport === "inet" ? await freeEndpoint() : { path: join(dir, "milter"), mode: 0o666 };
    const site: Site = { dir, smtp: await freeEndpoint(), milter, sink: sink.endpoint };
    child = run(recipe.configure(site), log);
    await listening(site.smtp, child);
    return {
      name,
      smtp: site.smtp,
      milter,
      delivered: () => sink.mails,
      delivery: (subject) => sink.find((mail) => subjectOf(mail) === subject),
      quarantined: () => recipe.quarantined(site),
      complaints: () => readFileSync(log, "utf8").split("\n").filter((line) => recipe.complaint.test(line)),
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    const said = child && readFileSync(log, "utf8");
    await stop();
    throw new Error(`${name} does not start: ${said}`, { cause: error });
  }
}

/**
 * Runs a command until the standard input ends: by `end`, or with this process, whatever becomes of it.
 * The command is a process group of its own, of which nothing is left behind.
 */
const LEASH = `
exec 3<&0
setsid "$@" & leader=$!
{ read -r _ <&3; kill $leader; } 2>/dev/null &
wait $leader; status=$?
kill -s KILL -- -$leader 2>/dev/null
exit $status
`;

/** Runs a command; what it says goes to the end of the log. */
function run(command: readonly string[], log: string): ChildProcess {
  const file = openSync(log, "a");
  const child = spawn("sh", ["-c", LEASH, "sh", ...command], { stdio: ["pipe", file, file] });
  closeSync(file);
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((done) => child.once("exit", done));
  child.stdin?.end();
  if (child.exitCode === null) await ended;
}

/**
 * An address of loopback that nobody listens on at the moment, nor is given by the system to somebody before we
 * do: Linux hands out ports from 32768 on.
 */
async function freeEndpoint(): Promise<Endpoint> {
  for (;;) {
    const endpoint = { host: "127.0.0.1", port: 10_000 + Math.floor(Math.random() * 20_000) };
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false)).listen(endpoint.port, endpoint.host, () => resolve(true));
    });
    if (!free) continue;
    await new Promise((closed) => server.close(closed));
    return endpoint;
  }
}

/** Waits until the child listens there. Connecting to find out would bother the child and its filter. */
async function listening({ port }: Endpoint, child: ChildProcess, timeout = 10_000): Promise<void> {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A`;
  for (const deadline = Date.now() + timeout; !readFileSync("/proc/net/tcp", "latin1").includes(local);) {
    if (child.exitCode !== null) throw new Error(`exit code ${child.exitCode}`);
    if (Date.now() > deadline) throw new Error(`nothing listens on port ${port} after ${timeout} ms`);
    await setTimeout(5);
  }
}
