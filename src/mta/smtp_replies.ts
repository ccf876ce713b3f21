import type { CommandType } from "../protocol/commands.ts";
import type { Reply } from "../protocol/replies.ts";
import { parseReply, type SmtpReply } from "../protocol/reply_text.ts";
import { encodeText } from "../wire/text.ts";
import type { MtaName } from "./mta_name.ts";

/** Where an SMTP client is answered. */
export type SmtpStage = "connect" | "helo" | "mail" | "rcpt" | "data" | "message" | "unknown";

/** A reply of a filter that refuses. */
export type RefusingReply = Extract<Reply, { readonly type: "reject" | "tempfail" | "replyCode" }>;

/** What the text of an answer may name. */
export interface SmtpContext {
  /** The MTA's own name. */
  readonly hostname: string;
  /** The sender or the recipient as the client named it. */
  readonly path: string;
  /** The MTA's id for the message. */
  readonly queueId: string;
  /** The client's name for itself. */
  readonly helo: string;
  /** A command that the MTA does not know. */
  readonly line: string;
  readonly date: string;
}

type Line = (context: SmtpContext) => string;

/** What an MTA tells its clients by itself. Lines of one answer have CRLF between. */
export interface SmtpTexts {
  readonly greeting: Line;
  /** The greeting of a client whom nothing will help. */
  readonly unwelcome: Line;
  readonly helo: Line;
  readonly mail: Line;
  readonly rcpt: Line;
  readonly data: Line;
  readonly message: Line;
  readonly reset: Line;
  readonly quit: Line;
  readonly unknown: Line;
  /** A recipient whom the MTA itself does not want. */
  readonly noSuchUser: Line;
  /** DATA without a recipient. */
  readonly noRecipients: Line;
  /** DATA when each recipient was refused. */
  readonly noneLeft: Line;
  /** The filter broke the protocol in a way that the MTA looks for. */
  readonly broken: Line;
}

/** The texts of each MTA. */
export const SMTP_TEXTS: Readonly<Record<MtaName, SmtpTexts>> = {
  postfix: {
    greeting: ({ hostname }) => `220 ${hostname} ESMTP Postfix`,
    unwelcome: ({ hostname }) => `554 ${hostname} ESMTP not accepting connections`,
    helo: ({ hostname }) => `250-${hostname}\r\n250-8BITMIME\r\n250-DSN\r\n250 SMTPUTF8`,
    mail: () => "250 2.1.0 Ok",
    rcpt: () => "250 2.1.5 Ok",
    data: () => "354 End data with <CR><LF>.<CR><LF>",
    message: ({ queueId }) => `250 2.0.0 Ok: queued as ${queueId}`,
    reset: () => "250 2.0.0 Ok",
    quit: () => "221 2.0.0 Bye",
    unknown: () => "500 5.5.2 Error: command not recognized",
    noSuchUser: ({ path }) => `550 5.1.1 ${path}: Recipient address rejected: User unknown`,
    noRecipients: () => "503 5.5.1 Error: need RCPT command",
    noneLeft: () => "554 5.5.1 Error: no valid recipients",
    broken: () => "451 4.3.5 Server configuration problem - try again later",
  },
  sendmail: {
    greeting: ({ hostname, date }) => `220 ${hostname} ESMTP Sendmail 8.17.1.9/8.17.1.9; ${date}`,
    unwelcome: ({ hostname }) => `554 ${hostname} ESMTP not accepting messages`,
    helo: ({ hostname, helo }) =>
      `250-${hostname} Hello ${helo}, pleased to meet you\r\n250-8BITMIME\r\n250 DSN`,
    mail: ({ path }) => `250 2.1.0 ${path}... Sender ok`,
    rcpt: ({ path }) => `250 2.1.5 ${path}... Recipient ok`,
    data: () => "354 End data with <CR><LF>.<CR><LF>",
    message: ({ queueId }) => `250 2.0.0 ${queueId} Message accepted for delivery`,
    reset: () => "250 2.0.0 Reset state",
    quit: ({ hostname }) => `221 2.0.0 ${hostname} closing connection`,
    unknown: ({ line }) => `500 5.5.1 Command unrecognized: "${line}"`,
    noSuchUser: ({ path }) => `550 5.1.1 ${path}... User unknown`,
    noRecipients: () => "503 5.0.0 Need RCPT (recipient)",
    noneLeft: () => "503 5.0.0 Need RCPT (recipient)",
    broken: () => "451 4.3.2 Please try again later",
  },
};

/** What the client is told when a filter refuses. */
export const refusalText: Readonly<
  Record<MtaName, (reply: RefusingReply, stage: SmtpStage, context: SmtpContext) => string>
> = {
  postfix(reply, stage, { hostname }) {
    if (reply.type === "reject") return "550 5.7.1 Command rejected";
    if (reply.type === "tempfail") return "451 4.7.1 Service unavailable - try again later";
    const refusal = parseReply(reply.text);
    return refusal.code === 421 && stage === "connect"
      ? `421 ${hostname} Service unavailable - try again later`
      : format(refusal);
  },

  sendmail(reply, stage, { hostname, path }) {
    const refusal = reply.type === "replyCode" ? withEnhanced(parseReply(reply.text)) : undefined;
    // At CONNECT the filter's own text is lost.
    if (stage === "connect" && refusal?.code === 421) return `421 4.7.0 ${hostname} closing connection`;
    const later = reply.type === "tempfail" ||
      (stage === "connect" && refusal !== undefined && refusal.code < 500);
    if (later) return "451 4.3.2 Please try again later";
    if (stage === "connect" || (stage === "helo" && refusal === undefined)) {
      return "550 5.0.0 Command rejected";
    }
    const rejection = {
      code: stage === "message" ? 554 : 550,
      enhanced: "5.7.1",
      lines: ["Command rejected"],
    };
    const { lines: [first = "", ...more], ...codes } = refusal ?? rejection;
    const named = path !== "" && NAMED.includes(codes.code);
    return format({ ...codes, lines: [named ? `${path}... ${first}` : first, ...more] });
  },
};

/** The codes with which Sendmail names the sender or the recipient that is refused. */
const NAMED: readonly number[] = [450, 550, 553];

/** Sendmail gives a reply without an enhanced code one. */
function withEnhanced(reply: SmtpReply): SmtpReply {
  return reply.enhanced === undefined ? { ...reply, enhanced: `${Math.floor(reply.code / 100)}.0.0` } : reply;
}

/** A reply as the client sees it. */
function format({ code, enhanced, lines }: SmtpReply): string {
  const codes = enhanced === undefined ? "" : `${enhanced} `;
  return lines.map((line, index) => `${code}${index < lines.length - 1 ? "-" : " "}${codes}${line}`).join(
    "\r\n",
  );
}

/** What an MTA does when a filter has failed, from then on to the end of the client's session. */
export type DefaultAction = "tempfail" | "reject" | "accept" | "quarantine" | "shutdown";

/** What a failed filter is taken to have said. */
export type FailureReply = RefusingReply | { readonly type: "accept" };

/**
 * What a failed filter is taken to have said to a command; `undefined` for an action that the MTA does not have. A
 * `quarantine` is an accept, the message held. Postfix: `milter_default_action`; Sendmail: `F=` of its filter.
 */
export function failureReply(
  mta: MtaName,
  action: DefaultAction,
  command: CommandType,
  hostname: string,
): FailureReply | undefined {
  if (action === "tempfail" || action === "accept") return { type: action };
  if (mta === "postfix") {
    if (action === "quarantine") return { type: "accept" };
    return replyCode(
      action === "reject"
        ? "550 5.5.0 Service unavailable"
        : "451 4.3.5 Server configuration problem - try again later",
    );
  }
  if (action === "reject") return { type: "reject" };
  if (action === "quarantine") return undefined;
  const ofEnvelope = command === "mail" || command === "rcpt";
  return replyCode(ofEnvelope ? "421 4.3.0 closing connection" : `421 4.7.0 ${hostname} closing connection`);
}

function replyCode(text: string): RefusingReply {
  return { type: "replyCode", text: encodeText(text) };
}
