import type { MtaName } from "./mta_name.ts";

/** What a client is told at the end of a message. */
export interface SmtpReplies {
  /** The message is taken, be it to be delivered, held or thrown away. */
  readonly accept: (queueId: string) => string;
  readonly reject: string;
  readonly tempfail: string;
  /** The filter broke the protocol in a way that the MTA looks for. */
  readonly broken: string;
  /** The filter has failed, and the MTA does what it does then. */
  readonly failed: string | undefined;
}

/** What each MTA tells its clients; `undefined` where it goes on as if there were no filter. */
export const SMTP_REPLIES: Readonly<Record<MtaName, SmtpReplies>> = {
  postfix: {
    accept: (queueId) => `250 2.0.0 Ok: queued as ${queueId}`,
    reject: "550 5.7.1 Command rejected",
    tempfail: "451 4.7.1 Service unavailable - try again later",
    broken: "451 4.3.5 Server configuration problem - try again later",
    failed: "451 4.7.1 Service unavailable - try again later",
  },
  sendmail: {
    accept: (queueId) => `250 2.0.0 ${queueId} Message accepted for delivery`,
    reject: "554 5.7.1 Command rejected",
    tempfail: "451 4.3.2 Please try again later",
    broken: "451 4.3.2 Please try again later",
    failed: undefined,
  },
};
