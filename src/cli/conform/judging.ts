import { MilterError } from "../../errors.ts";
import { Fault } from "./case.ts";

/** Answers that refuse. */
export const REFUSALS: readonly string[] = ["reject", "tempfail", "replyCode"];

/** The name of a command or a reply for a person to read: `end of message`. */
export function spelled(text: string): string {
  return text.replace(/([a-z])([A-Z])/g, (_, before, letter) => `${before} ${letter.toLowerCase()}`);
}

/** Does what our own rules judge; what they refuse is the milter's fault. */
export function judged<T>(judge: () => T): T {
  try {
    return judge();
  } catch (error) {
    if (!(error instanceof MilterError)) throw error;
    const cause = error.cause instanceof Error ? ` (${error.cause.message})` : "";
    throw new Fault(spelled(
      error.message.replace(/^Cannot negotiate: the filter /, "")
        .replace(/^Cannot answer /, "answers ")
        .replace(/^Cannot (?:decode|read) /, "sends a broken ") + cause,
    ));
  }
}
