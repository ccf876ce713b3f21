import { formatReply } from "../../protocol/reply_text.ts";
import type { Connection } from "../../session/connection.ts";
import type { PlanStep } from "../../session/edits/plan.ts";
import type { ObservedMessage, ObservedRecipient } from "../../session/observer.ts";
import { isAbort } from "../../session/policy.ts";
import type { Verdict } from "../../session/verdict.ts";
import { decodeText } from "../../wire/text.ts";
import { visible } from "../layout.ts";
import type { Style, Terminal } from "../terminal.ts";
import type { Facts, Happening } from "./reporter.ts";

/** What becomes of a message, and what that looks like: `gone` if it went away before its verdict was said. */
const OUTCOMES: Readonly<Record<Verdict["type"] | "gone", Style>> = {
  accept: "green",
  reject: "red",
  tempfail: "yellow",
  discard: "magenta",
  quarantine: "magenta",
  gone: "dim",
};

const WIDTH: number = Math.max(...Object.keys(OUTCOMES).map(({ length }) => length));

/** How many recipients a line names; machines are told all. */
const NAMED_RECIPIENTS = 3;

/** A message that has ended. */
export function messageEnded(message: ObservedMessage): Happening {
  return {
    event: "message",
    level: "result",
    facts: () => factsOf(message),
    text: (paint) => lineOf(message, paint),
  };
}

/** What is always there comes first, so that it stands in columns. */
function lineOf(message: ObservedMessage, paint: Terminal["paint"]): string {
  const outcome = outcomeOf(message);
  const { queueId = "NOQUEUE", client, sender, recipients, edits, duration } = message;
  const to = recipientsIn(recipients);
  const from = sender && `<${visible(sender.address)}>`;
  return [
    paint(OUTCOMES[outcome], outcome.padEnd(WIDTH)),
    `${Math.round(duration)} ms`.padStart(7),
    paint("bold", visible(queueId)),
    clientIn(client),
    from && to ? `${from} → ${to}` : from,
    edits.length > 0 && `${edits.length} ${edits.length === 1 ? "edit" : "edits"}`,
    visible(reasonOf(message) ?? ""),
  ].filter(Boolean).join("  ");
}

function outcomeOf({ verdict, error }: ObservedMessage): keyof typeof OUTCOMES {
  return verdict === undefined || isAbort(error) ? "gone" : verdict.type;
}

/** What the client was told, or why the message is held or gone; and by whom. */
function reasonOf(message: ObservedMessage): string | undefined {
  const { verdict, filter = "the filter", error } = message;
  const failure = error instanceof Error ? error.message : String(error);
  if (outcomeOf(message) === "gone") return failure;
  if (error !== undefined) return `${filter} failed: ${failure}`;
  if (verdict?.type === "accept") return undefined;
  const why = verdict?.type === "quarantine" ? verdict.reason : replyIn(verdict);
  return [why, message.filter && `by ${filter}`].filter(Boolean).join(" ");
}

function replyIn(verdict: Verdict | undefined): string | undefined {
  if (verdict === undefined || !("reply" in verdict) || verdict.reply === undefined) return undefined;
  return decodeText(formatReply(verdict.reply, { utf8: true })).replaceAll("%%", "%").replaceAll(
    "\r\n",
    " / ",
  );
}

/** A client as Postfix logs it. */
function clientIn({ host, address }: Connection): string {
  if (address === undefined) return visible(host) || "no client";
  return visible(host === `[${address}]` ? host : `${host}[${address}]`);
}

function recipientsIn(recipients: readonly ObservedRecipient[]): string {
  const named = recipients.slice(0, NAMED_RECIPIENTS).map(({ address, refused, refusal }) =>
    `<${visible(address)}>${refused || refusal !== undefined ? " (refused)" : ""}`
  );
  const more = recipients.length - named.length;
  return named.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** A message for machines. */
function factsOf(message: ObservedMessage): Facts {
  const { queueId, client, helo, sender, recipients, verdict, filter, error, edits } = message;
  const { headers, bodyBytes, stage, duration, filterTime } = message;
  const { host, address, port } = client;
  return {
    queueId,
    client: { host, address, port, helo },
    sender: sender?.address,
    recipients: recipients.map(({ address, refused, refusal }) => ({
      address,
      ...refused
        ? { refusedBy: "mta" }
        : refusal === undefined
        ? {}
        : { refusedBy: "filter", reply: replyIn(refusal) },
    })),
    verdict: outcomeOf(message),
    reply: replyIn(verdict),
    reason: verdict?.type === "quarantine" ? verdict.reason : undefined,
    filter,
    stage,
    edits: edits.map(editFor),
    error: error instanceof Error ? error.message : error === undefined ? undefined : String(error),
    headers,
    bodyBytes,
    milliseconds: rounded(duration),
    filterMilliseconds: rounded(filterTime),
  };
}

/** An edit by the names of the protocol's replies, its bytes as text; of a body only how long it is. */
function editFor({ reply }: PlanStep): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(reply).map(([name, value]) => {
      if (name === "chunk") return ["bytes", (value as { readonly length: number }).length];
      return [name, value instanceof Uint8Array ? decodeText(value) : value];
    }),
  );
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
