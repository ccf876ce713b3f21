import { chunkLimit, PROTOCOL } from "../protocol/flags.ts";
import type { Agreement, Reply } from "../protocol/replies.ts";
import type { Text } from "../wire/text.ts";
import { anchorOf, type Edits } from "./edits.ts";
import { type Header, NewHeader } from "./header.ts";
import type { MtaProfile } from "./mta.ts";

/** What a plan depends on beside the edits. */
export interface PlanOptions {
  /** The headers of the message as the MTA sent them. */
  readonly received: readonly Header[];
  /** What was agreed with the MTA. */
  readonly agreement: Agreement;
  /** How the MTA counts. */
  readonly profile: MtaProfile;
}

/** Sendmail counts these many places of headers that no filter sees before the first original one. */
const SENDMAIL_HIDDEN = 8;

/**
 * The replies that make the edits, in the order that every MTA takes: envelope, headers, body, quarantine.
 *
 * Changes and deletions go from the last header to the first, because Postfix counts anew after a deletion
 * and Sendmail does not; insertions too, because each moves what is below it.
 */
export function planEdits(edits: Edits, options: PlanOptions): Reply<Text>[] {
  return [
    ...planEnvelope(edits),
    ...planChanges(edits, options),
    ...planAdditions(edits, options),
    ...planBody(edits.body, chunkLimit(options.agreement.protocol)),
    ...(edits.quarantine === undefined ? [] : [{ type: "quarantine", reason: edits.quarantine } as const]),
  ];
}

function planEnvelope({ sender, recipients }: Edits): Reply<Text>[] {
  const plan: Reply<Text>[] = recipients.map((edit) => {
    if (edit.type === "remove") return { type: "removeRecipient", address: edit.address };
    if (edit.arguments === undefined) return { type: "addRecipient", address: edit.address };
    return { type: "addRecipientWithArguments", address: edit.address, arguments: edit.arguments };
  });
  return sender === undefined ? plan : [{ type: "changeSender", ...sender }, ...plan];
}

function planChanges(edits: Edits, { received, agreement }: PlanOptions): Reply<Text>[] {
  if (edits.updated.size === 0 && edits.deleted.size === 0) return [];
  const seen = new Map<string, number>();
  const plan: Reply<Text>[] = [];
  for (const header of received) {
    const key = header.name.toLowerCase();
    const index = (seen.get(key) ?? 0) + 1;
    seen.set(key, index);
    const value = edits.deleted.has(header) ? "" : edits.updated.get(header);
    if (value === undefined) continue;
    plan.push({
      type: "changeHeader",
      index,
      name: header.rawName,
      value: value === "" ? "" : wireValue(value, agreement),
    });
  }
  return plan.reverse();
}

function planAdditions(edits: Edits, { received, agreement, profile }: PlanOptions): Reply<Text>[] {
  if (edits.added.length === 0) return [];
  const { top, list, bottom } = arrange(edits, received);
  const stays = (header: Header) => !edits.deleted.has(header);
  const insert = (header: NewHeader, index: number): Reply<Text> => {
    return { type: "insertHeader", index, name: header.name, value: wireValue(header.text, agreement) };
  };
  const plan: Reply<Text>[] = [];
  let above = received.filter((header) => countsAfterChanges(header, edits, profile)).length;
  for (const header of list.reverse()) {
    if (header instanceof NewHeader) {
      if (stays(header)) plan.push(insert(header, insertIndex(above, profile)));
    } else if (countsAfterChanges(header, edits, profile)) above--;
  }
  for (const header of top.filter(stays).reverse()) plan.push(insert(header, 0));
  for (const header of bottom.filter(stays)) {
    plan.push({ type: "addHeader", name: header.name, value: wireValue(header.text, agreement) });
  }
  return plan;
}

/** The headers as wished: above all, in between, below all. */
function arrange(edits: Edits, received: readonly Header[]): {
  readonly top: NewHeader[];
  readonly list: Header[];
  readonly bottom: NewHeader[];
} {
  const top: NewHeader[] = [];
  const list: Header[] = [...received];
  const bottom: NewHeader[] = [];
  const zones: Header[][] = [top, list, bottom];
  for (const { header, place } of edits.added) {
    if (place === "start") top.unshift(header);
    else if (place === "end") bottom.push(header);
    else {
      const anchor = anchorOf(place);
      const zone = zones.find((headers) => headers.includes(anchor)) ?? list;
      zone.splice(zone.indexOf(anchor) + ("after" in place ? 1 : 0), 0, header);
    }
  }
  return { top, list, bottom };
}

/** After a deletion Postfix counts anew; Sendmail keeps the place. */
function countsAfterChanges(header: Header, edits: Edits, profile: MtaProfile): boolean {
  return profile !== "postfix" || !edits.deleted.has(header);
}

/** The index that puts a header below so many of those that the filter saw. */
function insertIndex(above: number, profile: MtaProfile): number {
  return profile === "sendmail" && above > 0 ? SENDMAIL_HIDDEN + above : above + 1;
}

/** The MTA puts the space after the colon by itself, unless leading space was agreed. */
function wireValue(value: string, agreement: Agreement): string {
  return (agreement.protocol & PROTOCOL.LEADING_SPACE) !== 0 ? ` ${value}` : value;
}

function planBody(body: Uint8Array | undefined, limit: number): Reply<Text>[] {
  if (body === undefined) return [];
  const plan: Reply<Text>[] = [{ type: "replaceBody", chunk: body.subarray(0, limit) }];
  for (let at = limit; at < body.length; at += limit) {
    plan.push({ type: "replaceBody", chunk: body.subarray(at, at + limit) });
  }
  return plan;
}
