import type { Plan } from "./edits/plan.ts";
import type { Needs } from "./needs.ts";
import type { ErrorPolicy } from "./policy.ts";
import type { Session } from "./session.ts";
import type { Verdict } from "./verdict.ts";

/** One filter among those that run side by side on a message; alone in most cases. */
export interface Member {
  /** Its name, for logs and errors; may be empty. */
  readonly name: string;
  /** What it does. */
  readonly run: (session: Session) => Verdict | Promise<Verdict>;
  /** What it has declared, beside what others have: its edits, where it answers, whom it sees. */
  readonly needs: Needs;
  /** What becomes of a message when it fails; the server's policy by default. */
  readonly onError: ErrorPolicy | undefined;
  /** For one that is only watched: who is told what it would have said. */
  readonly shadow: Shadow | undefined;
}

/** How a filter is watched. */
export interface Shadow {
  /** The part of all messages that it looks at, from 0 to 1. */
  readonly sample: number;
  /** Takes what it would have said. */
  readonly onVerdict: (report: ShadowReport) => void;
}

/** What a filter that is only watched would have made of a message. */
export interface ShadowReport {
  /** The filter's name. */
  readonly name: string;
  /** What it would have said. */
  readonly verdict: Verdict;
  /** What was said. */
  readonly actual: Verdict;
  /** What it would have changed. */
  readonly plan: Plan;
}
