/**
 * A real Postfix or Sendmail on loopback, with one milter before it and a sink behind it: started, looked
 * at and stopped the same way. What differs between the two is in `postfix.ts` and `sendmail.ts`.
 */

import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Address } from "../../mod.ts";
import { LeashedProcess } from "./leash.ts";
import { listening, type ReservedEndpoint, reserveEndpoint } from "./ports.ts";
import { descendants } from "../processes.ts";
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
  /** Where it calls each of its filters, if it has several: the first is `milter`. */
  readonly milters: readonly Address[];
  /** All mails that it has delivered so far. */
  delivered(): readonly Mail[];
  /** The mail with this Subject, as delivered, waiting for it if need be. */
  delivery(subject: string): Promise<Mail>;
  /** The mails that it holds in quarantine: by queue id, what its queue file says. */
  quarantined(): Readonly<Record<string, string>>;
  /** The mails that it has taken and not delivered yet: what their queue files say. */
  queued(): readonly string[];
  /** The processes of it that serve clients. */
  servers(): readonly number[];
  /** What it logged against the filter: a clean conversation leaves nothing. */
  complaints(): readonly string[];
}

const RECIPES: Readonly<Record<MtaName, Recipe>> = { postfix, sendmail };

/**
 * Over TCP, Sendmail takes 40 ms for each command: it writes macros and command apart, and the second write waits until
 * the first is acknowledged. And a test that serves one filter after the other on one port finds it in use now and then,
 * though the last server has closed it: with a path that cannot be.
 */
const QUICKEST: Readonly<Record<MtaName, Transport>> = { postfix: "unix", sendmail: "unix" };

/** Why this MTA can't be started here; undefined if it can. */
export function whyNot(name: MtaName): string | undefined {
  if (process.platform !== "linux") return "not on Linux";
  if (process.getuid?.() !== 0) return "not root";
  return RECIPES[name].missing();
}

/** What a file says; nothing if it has gone meanwhile. */
function textOf(file: string): string[] {
  try {
    return [readFileSync(file, "latin1")];
  } catch {
    return [];
  }
}

/** How an MTA of a test is set up. */
export interface MtaOptions {
  /** How it reaches its filters. */
  readonly transport?: Transport | undefined;
  /** How many filters it calls, one after the other. Default: 1. */
  readonly filters?: number | undefined;
  /**
   * Whether it tempfails the mail of a filter that fails, as an administrator has it. By default it says what no filter
   * of the tests does.
   */
  readonly tempfails?: boolean | undefined;
  /** What Postfix is set up with beside the usual: parameters of its main.cf. */
  readonly mainCf?: Readonly<Record<string, string>> | undefined;
  /** What Sendmail is set up with beside the usual: definitions of its mc file. */
  readonly mc?: Readonly<Record<string, string>> | undefined;
}

/** Starts an MTA of its own, with its own queue and its own ports, within 0.1 s. */
export async function startMta(name: MtaName, options: MtaOptions = {}): Promise<Mta> {
  const { transport = QUICKEST[name], filters = 1, tempfails = false, mainCf = {}, mc = {} } = options;
  const recipe = RECIPES[name];
  const sink = await SmtpSink.listen();
  const dir = mkdtempSync(join(tmpdir(), "kilter-mta-"));
  const log = join(dir, "log");
  let child: LeashedProcess | undefined;
  const reserved: ReservedEndpoint[] = [];

  const reserve = async () => {
    reserved.push(await reserveEndpoint());
    return reserved.at(-1)!.endpoint;
  };
  const stop = async () => {
    await child?.end();
    await sink.close();
    for (const { release } of reserved) await release();
    rmSync(dir, { recursive: true });
  };

  try {
    chmodSync(dir, 0o755); // users "postfix" and "nobody" have to get in
    const milters: Address[] = [];
    for (let at = 0; at < filters; at++) {
      milters.push(
        transport === "inet" ? await reserve() : { path: join(dir, `milter${at}`), mode: 0o666 },
      );
    }
    const site: Site = { dir, smtp: await reserve(), milters, tempfails, mainCf, mc, sink: sink.endpoint };
    const running = child = new LeashedProcess(recipe.configure(site), log);
    await listening(site.smtp, child);
    return {
      name,
      smtp: site.smtp,
      milter: milters[0]!,
      milters,
      delivered: () => sink.mails,
      delivery: (subject) => sink.find((mail) => subjectOf(mail) === subject),
      quarantined: () => {
        const files = recipe.quarantined(site);
        return Object.fromEntries(
          Object.entries(files).map(([id, file]) => [id, readFileSync(file, "latin1")]),
        );
      },
      queued: () => recipe.queued(site).flatMap((file) => textOf(file)),
      servers: () =>
        descendants(running.pid).filter(({ name, parent }) => recipe.serves(name, parent)).map(({ pid }) =>
          pid
        ),
      complaints: () => readFileSync(log, "utf8").split("\n").filter((line) => recipe.complaint.test(line)),
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    const said = child && readFileSync(log, "utf8");
    await stop();
    throw new Error(`${name} does not start: ${said}`, { cause: error });
  }
}
