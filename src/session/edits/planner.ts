import { chunkLimit } from "../../protocol/flags.ts";
import type { Agreement } from "../../protocol/replies.ts";
import type { EnvelopeAddress } from "../envelope.ts";
import type { MtaProfile } from "../mta.ts";
import { PROFILES } from "../mta_profiles.ts";
import type { Edits } from "./edits.ts";
import { Plan, type PlanStep } from "./plan.ts";
import { planHeaders } from "./plan_headers.ts";
import { planRecipients } from "./plan_recipients.ts";

/** What a plan depends on beside the edits. */
export interface PlanOptions {
  /** What was agreed with the MTA. */
  readonly agreement: Agreement;
  /** How the MTA counts. */
  readonly profile: MtaProfile;
  /** The recipients that the filter has seen and that were not refused; `undefined` if it sees none. */
  readonly recipients: readonly Pick<EnvelopeAddress, "address">[] | undefined;
}

/** The plan that makes the edits, in the order that every MTA takes: envelope, headers, body, quarantine. */
export function planEdits(edits: Edits, { agreement, profile, recipients }: PlanOptions): Plan {
  const warnings = new Set<string>();
  const warn = (warning: string) => void warnings.add(warning);
  const { sender, body, quarantine } = edits;
  return new Plan([
    ...sender === undefined ? [] : [{ reply: { type: "changeSender", ...sender } } as const],
    ...planRecipients(edits.recipients, { recipients, profile, warn }),
    ...planHeaders(edits, { profile: PROFILES[profile], agreement, warn }),
    ...body instanceof Uint8Array ? planBody(body, chunkLimit(agreement.protocol)) : [],
    ...quarantine === undefined ? [] : [{ reply: { type: "quarantine", reason: quarantine } } as const],
  ], [...warnings]);
}

/** An empty piece empties the body; the others have as many bytes as the MTA takes at once. */
function planBody(body: Uint8Array, limit: number): PlanStep[] {
  const steps: PlanStep[] = [{ reply: { type: "replaceBody", chunk: body.subarray(0, limit) } }];
  for (let at = limit; at < body.length; at += limit) {
    steps.push({ reply: { type: "replaceBody", chunk: body.subarray(at, at + limit) } });
  }
  return steps;
}
