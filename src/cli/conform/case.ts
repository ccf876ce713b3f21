import type { Stand } from "./stand.ts";

/** A hard case: something that an MTA, or a broken peer, may do to a milter. */
export interface Case {
  /** Its name, for `--only`. */
  readonly name: string;
  /** What is played, in a few words. */
  readonly about: string;
  /** What a milter owes, and where that rule comes from. */
  readonly rule: string;
  /**
   * Plays it; a milter that stands it lets it end.
   *
   * @throws {Fault} if the milter does wrong.
   * @throws {NotApplicable} if it can't be judged for this milter.
   */
  play(stand: Stand): Promise<void>;
}

/** Cases that look at one thing. */
export interface CaseGroup {
  readonly title: string;
  readonly cases: readonly Case[];
}

/** What a milter does wrong: `closes the connection instead of answering helo`. */
export class Fault extends Error {
  /** Always `"Fault"`. */
  override readonly name = "Fault";
}

/** Why a case says nothing about this milter: `it does without body`. */
export class NotApplicable extends Error {
  /** Always `"NotApplicable"`. */
  override readonly name = "NotApplicable";
}
