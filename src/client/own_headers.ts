import { writtenAddress } from "../mta/client_spelling.ts";
import type { OwnValues } from "../mta/header_list.ts";
import type { MtaName } from "../mta/mta_name.ts";
import type { ClientParty, Settings } from "./options.ts";

/** What an MTA's own headers tell. */
export interface Trace {
  readonly queueId: string;
  readonly sender: ClientParty;
  readonly recipients: readonly ClientParty[];
}

/** The values of the headers that an MTA makes itself. */
export function ownHeaders(settings: Settings, { queueId, sender, recipients }: Trace): Required<OwnValues> {
  const { mta, client, helo, hostname } = settings;
  const date = settings.now();
  const address = client.address === undefined ? "unknown" : writtenAddress(client.address, mta);
  const software = mta === "postfix" ? "Postfix" : "8.17.1.9/8.17.1.9";
  const only = recipients.length === 1 ? `\n\tfor ${recipients[0]!.path};` : ";\n\t";
  const time = date.toISOString().replace(/\D/g, "");
  return {
    received: `from ${helo ?? client.name ?? address} (${client.name ?? "unknown"} [${address}])` +
      `\n\tby ${hostname} (${software}) with ESMTP id ${queueId}` +
      `${only}${recipients.length === 1 ? " " : ""}${mailDate(date, mta)}`,
    date: mailDate(date, mta),
    from: sender.address || `MAILER-DAEMON${mta === "postfix" ? "" : `@${hostname}`}`,
    messageId: `<${time.slice(0, mta === "postfix" ? 14 : 12)}.${queueId}@${hostname}>`,
  };
}

/** A time as an MTA writes it into a header. */
export function mailDate(date: Date, mta: MtaName): string {
  const text = date.toUTCString().replace(/, 0/, ", ");
  return mta === "postfix" ? text.replace("GMT", "+0000 (UTC)") : text;
}
