/**
 * Tables of edits: each is made by a served filter in front of a real MTA, and what is delivered is compared with what
 * the filter's author wished.
 */

import {
  accept,
  type Declaration,
  defineFilter,
  type LogEntry,
  type Plan,
  serve,
  type Session,
  type Verdict,
} from "../../../mod.ts";
import { assertEquals, assertMatch } from "../../harness.ts";
import { deliver, open, type Refused } from "../mail.ts";
import type { Mta, MtaName } from "../mta.ts";
import { testOnEachMta } from "../on_each_mta.ts";
import { SmtpClient } from "../smtp_client.ts";
import { understate } from "../understate.ts";
import { assertDelivered, type Delivered, messageOf, nextMail, OWN, SENT, type Sent } from "./delivered.ts";

/** What becomes of a mail: it is delivered like this, or not at all, or is held for a person to look at. */
export type Outcome = Delivered | "nothing" | { readonly held: RegExp };

/** One mail, one filter, and what is to come of it. */
export interface EditCase {
  readonly name: string;
  /** What the client sends, where it differs from {@linkcode SENT}. */
  readonly sent?: Partial<Sent>;
  readonly edit: (session: Session) => unknown;
  /** By default the mail is accepted, when all of it was seen. */
  readonly verdict?: Verdict;
  /** Whether the filter returns when it has edited, and not at the end of the message. */
  readonly early?: boolean;
  /** What was wished. */
  readonly gives: Outcome;
  /** On an MTA that cannot do it: what it does instead, and what the plan says of it. */
  readonly instead?: Readonly<Partial<Record<MtaName, Instead>>>;
  /** Where the client is refused; nowhere by default. */
  readonly refused?: readonly (keyof Refused)[];
  /** The one MTA that can do this at all. */
  readonly only?: MtaName;
}

/** What an MTA makes of a wish that it cannot fulfil. */
export interface Instead {
  /** What is delivered; by default what was wished. */
  readonly gives?: Outcome;
  readonly warns: readonly RegExp[];
}

/** The optional part of {@linkcode testEdits}. */
export interface EditsOptions {
  /** What the filter declares; by default nothing, so that it may do everything. */
  readonly declaration?: Declaration;
  /** Protocol flags that the MTA is not to offer. */
  readonly withhold?: number;
}

/**
 * Declares a test for each MTA that goes through a table, one mail after the other in one SMTP session. All cases are
 * tried; those that fail are named with their plan.
 */
export function testEdits(
  title: string,
  cases: readonly EditCase[],
  { declaration = {}, withhold = 0 }: EditsOptions = {},
): void {
  testOnEachMta(`${title}, ${cases.length} cases`, async (mta, serving) => {
    const running = new RunningCase();
    const onWarning = ({ message }: LogEntry) => void running.warnings.push(message);
    const listen = withhold === 0 ? mta.milter : { host: "127.0.0.1", port: 0 };
    const filter = defineFilter(declaration, (session) => running.filter(session));
    await using server = await serve(filter, { ...serving, listen, onWarning });
    await using _relay = withhold === 0 ? undefined : await understate(mta.milter, server.address, withhold);
    const client = SmtpClient.to(mta.smtp);
    await open(client);
    const failures: string[] = [];
    for (const edit of cases.filter(({ only }) => only === undefined || only === mta.name)) {
      try {
        await running.run(edit, mta, client);
      } catch (error) {
        failures.push(`── ${edit.name}\n${error}\nThe plan:\n${running.plan?.explain()}`);
      }
    }
    await client.quit();
    if (failures.length > 0) throw new Error(`${failures.length} cases fail:\n${failures.join("\n")}`);
  });
}

/** The case of the moment: what the filter does, and what came of it. */
class RunningCase {
  /** What the library said that the MTA cannot do. */
  warnings: string[] = [];
  plan: Plan | undefined;
  #case: EditCase | undefined;

  async filter(session: Session): Promise<Verdict> {
    await session.envelopeFrom(); // The first run starts before the first case.
    const { edit, verdict = accept(), early = false } = this.#case!;
    await edit(session);
    if (!early) await session.endOfMessage();
    this.plan = session.plan();
    return verdict;
  }

  #begin(edit: EditCase): void {
    this.#case = edit;
    this.warnings = [];
    this.plan = undefined;
  }

  /** Sends the mail and looks at what becomes of it. */
  async run(edit: EditCase, mta: Mta, client: SmtpClient): Promise<void> {
    this.#begin(edit);
    const sent: Sent = { ...SENT, ...edit.sent };
    const count = mta.delivered().length;
    const { refused, queueId = "" } = await deliver(client, { ...sent, message: messageOf(sent) });
    assertEquals(Object.keys(refused), [...edit.refused ?? []], Object.values(refused).join());

    const { gives = edit.gives, warns = [] } = edit.instead?.[mta.name] ?? {};
    const held = mta.quarantined()[queueId];
    if (gives === "nothing") assertEquals(held, undefined);
    else if ("held" in gives) assertMatch(held ?? "", gives.held);
    else assertDelivered(await nextMail(mta, count), { ...sent, headers: [OWN, ...sent.headers], ...gives });

    assertEquals(this.warnings, [...this.plan?.warnings ?? []], "warnings that were logged");
    const said = this.warnings.length === warns.length &&
      warns.every((text, at) => text.test(this.warnings[at]!));
    if (!said) assertEquals(this.warnings, warns.map(String), "warnings");
  }
}
