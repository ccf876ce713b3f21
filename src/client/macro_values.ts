import { writtenAddress } from "../mta/client_spelling.ts";
import type { ClientParty, Settings } from "./options.ts";

/** What is known of a message so far. */
export interface KnownOfMessage {
  readonly queueId?: string | undefined;
  readonly sender?: ClientParty | undefined;
  readonly recipient?: ClientParty | undefined;
  /** The enhanced code and the text by which the MTA refuses the recipient. */
  readonly refusal?: { readonly enhanced: string; readonly text: string } | undefined;
  readonly recipients?: number | undefined;
  readonly messageId?: string | undefined;
}

/** The values of macros by their bare names, as the MTA knows them: those of the options first. */
export function macroValues(settings: Settings, known: KnownOfMessage): ReadonlyMap<string, string> {
  const { mta, client, hostname } = settings;
  const postfix = mta === "postfix";
  const address = client.address ?? "unknown";
  const name = client.name ?? (postfix ? "unknown" : `[${writtenAddress(address, mta)}]`);
  const mailer = postfix ? "smtp" : "esmtp";
  const { sender, recipient, refusal } = known;
  const values: Readonly<Record<string, string | undefined>> = {
    j: hostname,
    _: client.name === undefined ? `[${address}]` : `${client.name} [${address}]`,
    v: postfix ? "Postfix 3.7.11" : "8.17.1.9",
    daemon_name: postfix ? hostname : "MTA",
    daemon_addr: "192.0.2.25",
    if_name: hostname,
    if_addr: address.startsWith("127.") || address === "::1" ? undefined : "192.0.2.25",
    client_addr: postfix ? address : writtenAddress(address, mta),
    client_name: name,
    client_ptr: name,
    client_port: String(client.port),
    i: known.queueId,
    mail_addr: sender && (sender.address || (postfix ? "" : "<>")),
    mail_host: sender && domainOf(sender.address),
    mail_mailer: sender && mailer,
    rcpt_addr: refusal?.text ?? recipient?.address,
    rcpt_host: refusal?.enhanced ?? (recipient && domainOf(recipient.address)),
    rcpt_mailer: refusal === undefined ? recipient && mailer : "error",
    nrcpts: postfix || known.recipients === undefined ? undefined : String(known.recipients),
    msg_id: postfix ? undefined : known.messageId,
  };
  const all = new Map<string, string>();
  for (const [key, value] of [...Object.entries(values), ...settings.macros]) {
    if (value !== undefined) all.set(key, value);
  }
  return all;
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1);
}
