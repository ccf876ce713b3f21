import type { MilterError } from "../errors.ts";
import type { Session } from "./session.ts";
import { accept, isVerdict, reject, tempfail, type Verdict } from "./verdict.ts";

/**
 * What becomes of a message whose filter threw, returned no verdict or overran its deadline: a word, or a
 * function of the error that returns a verdict at once.
 */
export type ErrorPolicy =
  | "tempfail"
  | "accept"
  | "reject"
  | ((error: unknown, session: Session) => Verdict);

/** The words of an {@linkcode ErrorPolicy}. */
const VERDICTS: Readonly<Record<Extract<ErrorPolicy, string>, () => Verdict>> = { tempfail, accept, reject };

/** How long things may take, in milliseconds. Checked once a second at most. */
export interface Timeouts {
  /**
   * How long a filter may hold an event before the end of the message. By default 28,000 with Postfix and 9,000
   * with others: less than the 30 and 10 seconds after which Postfix and Sendmail give the filter up.
   */
  readonly event?: number;
  /** How long a filter may take at the end of the message; 290,000 by default, as both MTAs give up after 300 s. */
  readonly endOfMessage?: number;
  /** How long a packet may take from its first byte to its last, and the MTA to say anything; 60,000 by default. */
  readonly packet?: number;
  /** How long an MTA may be silent while nothing is awaited from the filter; 7,210,000 by default, as in libmilter. */
  readonly idle?: number;
  /** How long a filter may go on after the MTA has closed its side of the connection; 5,000 by default. */
  readonly halfOpen?: number;
}

/** Checks a policy that may come from JavaScript. */
export function checkPolicy(policy: ErrorPolicy): ErrorPolicy {
  if (typeof policy === "function" || Object.hasOwn(VERDICTS, policy)) return policy;
  throw new TypeError(
    `Cannot serve: onError must be one of ${Object.keys(VERDICTS).join(", ")} or a function`,
  );
}

/** The verdict of a policy about an error; one that fails itself gives a tempfail, and `onFailure` its error. */
export function judgeError(
  policy: ErrorPolicy,
  error: unknown,
  session: Session,
  onFailure: (error: unknown) => void,
): Verdict {
  if (typeof policy === "string") return VERDICTS[policy]();
  try {
    const verdict: unknown = policy(error, session);
    if (isVerdict(verdict)) return verdict;
    onFailure(new TypeError("onError returned no verdict"));
  } catch (failure) {
    onFailure(failure);
  }
  return tempfail();
}

/** Whether an error says only that the message went away under the filter. */
export function isAbort(error: unknown): error is MilterError {
  return error instanceof Error && "code" in error && (error.code === "ABORTED" || error.code === "SETTLED");
}
