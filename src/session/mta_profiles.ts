import type { HeaderRules } from "./edits/header_rules.ts";
import type { MtaProfile } from "./mta.ts";

/** What a filter must know of an MTA beside the protocol. */
export interface Profile {
  /** The MTA, as a person calls it. */
  readonly label: string;
  /** How long a filter may hold an event before the end of the message, in milliseconds: a bit less than the MTA waits. */
  readonly event: number;
  /** How long it may take at the end of the message. */
  readonly endOfMessage: number;
  /** How often it is told there that the filter is at work: it would give up if it heard nothing. */
  readonly progress: number;
  /** Whether each such word gives the filter as long as it had at first. */
  readonly waitsAnew: boolean;
  /** How the MTA edits headers. */
  readonly headers: HeaderRules;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * The ways of the MTAs, and the evidence: transcripts by name (`tests/transcripts`), or the MTA's manual.
 *
 * What is done alike for all has no row: SKIP is said after a body chunk alone (`body-skip-unnegotiated`), PROGRESS at
 * the end of the message alone (`mod-progress`), a list of macros for the end of the message goes beside one for the
 * end of the headers (`symlist-all`), and `IPv6:` is taken off addresses.
 *
 * Where the MTA is not known, nothing is done that only one of the two does, and its headers are taken for a plain
 * list, as Postfix has it.
 */
export const PROFILES: Readonly<Record<MtaProfile, Profile>> = {
  postfix: {
    label: "Postfix",
    // milter_command_timeout is 30 s, milter_content_timeout 300 s: postconf(5); what follows a longer wait: `fail-*-stall`.
    event: 28_000,
    endOfMessage: 290_000,
    progress: 145_000,
    waitsAnew: true,
    headers: {
      // `mod-insheader-*`: one plain list, with Postfix's own Received as the first.
      hidden: 1,
      sure: true,
      // `mod-chgheader-delete1-thrice`, `mod-chgheader-delete-then-change`
      countsDeleted: false,
      // `mod-addheader-existing`, `mod-addheader-order`
      addsAtEnd: true,
      // `mod-chgheader-dup1`
      keepsSpelling: false,
      makes: NONE,
      unsent: NONE,
      unsentAlone: NONE,
    },
  },
  sendmail: {
    label: "Sendmail",
    // Timeouts S and R of INPUT_MAIL_FILTER are 10 s, E is 5 min: the operations guide; `fail-*-stall`. At the end of
    // the message R holds too, from one word of the filter to the next, and E for all of them: `slow-progress-*`,
    // and `tests/mta/progress_test.ts`.
    event: 9_000,
    endOfMessage: 290_000,
    progress: 4_500,
    waitsAnew: false,
    headers: {
      // `mod-insheader-*`, `mod-insheader-missing-std-*`: Received, then seven that the configuration makes at need.
      hidden: 8,
      sure: true,
      // `mod-chgheader-delete1-thrice`, `mod-chgheader-delete-all-ascending`
      countsDeleted: true,
      // `mod-addheader-existing`: before the first namesake, or at a place of Sendmail's own.
      addsAtEnd: false,
      // `mod-chgheader-dup1`
      keepsSpelling: true,
      // `mod-insheader-missing-std-*`
      makes: new Set(["resent-date", "date", "resent-from", "from", "resent-message-id", "message-id"]),
      // What follows was seen on Sendmail itself: `tests/mta/models_test.ts`.
      unsent: new Set(["return-path", "full-name", "content-length", "bcc", "resent-bcc"]),
      unsentAlone: new Set([
        ...["resent-cc", "resent-date", "resent-from", "resent-message-id", "resent-reply-to"],
        ...["resent-sender", "resent-to"],
      ]),
    },
  },
  unknown: {
    label: "The MTA, which has not told its name,",
    event: 9_000,
    endOfMessage: 290_000,
    progress: 4_500,
    waitsAnew: false,
    headers: {
      hidden: 1,
      sure: false,
      countsDeleted: false,
      addsAtEnd: false,
      keepsSpelling: true,
      makes: NONE,
      unsent: NONE,
      unsentAlone: NONE,
    },
  },
};
