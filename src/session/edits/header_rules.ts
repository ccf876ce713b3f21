import type { MtaProfile } from "../mta.ts";

/** What a filter must know of the way in which an MTA edits headers. */
export interface HeaderRules {
  /** The MTA, as a person calls it. */
  readonly mta: string;
  /** What is added to the number of headers above a new one to get its index, if there are any. */
  readonly hidden: number;
  /** Whether that is known, or the most likely of several. */
  readonly sure: boolean;
  /** Whether a header that was deleted still counts where a new one is inserted. */
  readonly countsDeleted: boolean;
  /** Whether a header that is added goes to the end, or has to be inserted there. */
  readonly addsAtEnd: boolean;
  /** Whether a header that is changed keeps the spelling of its name. */
  readonly keepsSpelling: boolean;
  /** Headers that the MTA makes at a place of its own where a message has none, unseen by filters. */
  readonly makes: ReadonlySet<string>;
  /** Headers that never leave the MTA, whoever has added them. */
  readonly unsent: ReadonlySet<string>;
  /** Headers that leave it only if the message has come with one of them. */
  readonly unsentAlone: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * The ways of the MTAs. Their evidence: `mod-insheader-*`, `mod-chgheader-*` and `mod-addheader-*` of the
 * transcripts, and the tests against the MTAs themselves.
 *
 * Sendmail's list starts with the headers of its configuration: Received, then seven that it makes or sends at
 * need. Without a known MTA the list is taken to be plain, as in Postfix; and nothing is done that only one of
 * the two does.
 */
export const HEADER_RULES: Readonly<Record<MtaProfile, HeaderRules>> = {
  postfix: {
    mta: "Postfix",
    hidden: 1,
    sure: true,
    countsDeleted: false,
    addsAtEnd: true,
    keepsSpelling: false,
    makes: NONE,
    unsent: NONE,
    unsentAlone: NONE,
  },
  sendmail: {
    mta: "Sendmail",
    hidden: 8,
    sure: true,
    countsDeleted: true,
    addsAtEnd: false,
    keepsSpelling: true,
    makes: new Set(["resent-date", "date", "resent-from", "from", "resent-message-id", "message-id"]),
    unsent: new Set(["return-path", "full-name", "content-length", "bcc", "resent-bcc"]),
    unsentAlone: new Set([
      ...["resent-cc", "resent-date", "resent-from", "resent-message-id", "resent-reply-to"],
      ...["resent-sender", "resent-to"],
    ]),
  },
  unknown: {
    mta: "The MTA, which has not told its name,",
    hidden: 1,
    sure: false,
    countsDeleted: false,
    addsAtEnd: false,
    keepsSpelling: true,
    makes: NONE,
    unsent: NONE,
    unsentAlone: NONE,
  },
};
