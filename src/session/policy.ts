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
