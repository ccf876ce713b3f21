/** What differs between one kind of MTA and the next. */

import type { Address } from "../../mod.ts";
import type { Endpoint } from "./smtp_client.ts";

/** What an MTA has to be told before it starts. */
export interface Site {
  /** All of its files are below this directory, which is removed at the end. */
  readonly dir: string;
  /** Where it takes mail. */
  readonly smtp: Endpoint;
  /** Where it calls its filters, one after the other. */
  readonly milters: readonly Address[];
  /** What Postfix is set up with beside the usual. */
  readonly mainCf: Readonly<Record<string, string>>;
  /** What Sendmail is set up with beside the usual. */
  readonly mc: Readonly<Record<string, string>>;
  /** Where it delivers. */
  readonly sink: Endpoint;
  /** Whether it tempfails the mail of a filter that fails. */
  readonly tempfails: boolean;
}

/** How one kind of MTA is run and read. */
export interface Recipe {
  /** Why it can't be started on this machine; undefined if it can. */
  missing(): string | undefined;
  /** Writes its configuration, and returns the command that runs it in the foreground. */
  configure(site: Site): readonly string[];
  /** The mails that it holds in quarantine: by queue id, the queue file. */
  quarantined(site: Site): Readonly<Record<string, string>>;
  /** The queue files of the mails that it has taken, and has not delivered yet. */
  queued(site: Site): readonly string[];
  /** Whether a process of it serves a client: by its name and that of its parent. */
  serves(name: string, parent: string): boolean;
  /** A line of its log that says that the filter misbehaved. */
  readonly complaint: RegExp;
}
