import {
  checkCall,
  type Negotiation,
  type SendOptions,
  type SessionOptions,
  type Settings,
} from "../client/options.ts";
import type { DefaultAction } from "../mta/smtp_replies.ts";
import type { MtaName } from "../mta/mta_name.ts";
import type { ConversationOptions } from "../session/conversation.ts";
import { checkPolicy } from "../session/policy.ts";

/**
 * The MTA of a test, and its client; on top of them everything that `serve` takes for a filter. By default
 * `client.example` [192.0.2.1] connects to `mx.example`.
 */
export interface TestMtaOptions extends SessionOptions, ConversationOptions {
  /** As for all MTAs; `"tempfail"` by default. */
  readonly defaultAction?: DefaultAction;
  /** What the MTA offers to the filter; as much as Postfix and Sendmail do by default. */
  readonly negotiate?: Negotiation;
  /** How long the MTA waits for an answer, in milliseconds; for ever by default. */
  readonly timeout?: number;
  /** The time by the MTA's clock; always the same by default, so that a test can compare. */
  readonly date?: Date;
}

/** Who sends a message, and to whom. An address stands with or without `<>`, ESMTP arguments after it. */
export interface TestEnvelope {
  /** The sender, `"sender@client.example"` by default; `""` is the null sender. */
  readonly from?: string;
  /** The recipients, `"user@mx.example"` by default. */
  readonly to?: string | readonly string[];
}

/** How a message is delivered. */
export interface DeliverOptions extends TestEnvelope, Pick<SendOptions, "vanishAfter"> {}

/** Checks options, which may come from JavaScript. */
export function checkSettings(options: TestMtaOptions): Settings {
  if (options.onError !== undefined) checkPolicy(options.onError);
  const { date = new Date("2026-01-15T12:00:00Z"), timeout = Number.MAX_SAFE_INTEGER, mta, ...rest } =
    options;
  if (!(date instanceof Date) || Number.isNaN(date.getTime())) refuse("date is no Date");
  if (!(timeout > 0)) refuse("timeout is no positive number");
  const settings = checkCall({
    ...{ hostname: "mx.example", helo: "client.example", defaultAction: "tempfail" },
    ...rest,
    ...mta === undefined ? {} : { mta },
    client: { name: "client.example", address: "192.0.2.1", ...options.client },
    timeouts: { command: timeout, content: timeout, total: timeout },
    maxMessage: Infinity,
  });
  return { ...settings, now: () => date, nextId: countedIds(settings.mta) };
}

/** The envelope of a test, with what is not given. */
export function testEnvelope(options: DeliverOptions): SendOptions {
  return { ...options, from: options.from ?? "sender@client.example", to: options.to ?? "user@mx.example" };
}

/** Ids that are the same in each run of a test. */
function countedIds(mta: MtaName): () => string {
  let number = 0;
  return mta === "postfix"
    ? () => (0x1a2b3c40000 + ++number).toString(16).toUpperCase()
    : () => `60FC0a${String(++number).padStart(8, "0")}`;
}

function refuse(why: string): never {
  throw new TypeError(`Cannot deliver: ${why}`);
}
