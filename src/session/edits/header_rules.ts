/** What a filter must know of the way in which an MTA edits headers. */
export interface HeaderRules {
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
