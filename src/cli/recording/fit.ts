import { type Agreement, type Command, COMMANDS, type CommandType, PROTOCOL } from "../../protocol/mod.ts";
import { isAbsent } from "../../protocol/order.ts";
import { REPLIES, type Reply, type ReplyType } from "../../protocol/mod.ts";

/*
 * Whether what was recorded still fits a filter that answers otherwise than the recorded one did: an MTA would go
 * on in another way then, and what it would say is not known.
 */

/** What an MTA does not offer to anybody, or a mail need not have. */
const MAY_BE_MISSING: readonly CommandType[] = ["unknown"];

/** Why nothing that was recorded fits after another agreement; `undefined` if it does. */
export function misfit(recorded: Agreement | undefined, actual: Agreement): string | undefined {
  if (recorded === undefined) return "no agreement was recorded";
  const missing = (Object.keys(COMMANDS) as CommandType[]).filter((type) =>
    isAbsent(type, recorded) && !isAbsent(type, actual) && !MAY_BE_MISSING.includes(type)
  );
  if (missing.length > 0) return `the filter now wants ${missing.join(", ")}, which was not recorded`;
  const spaced = ({ protocol }: Agreement) => (protocol & PROTOCOL.LEADING_SPACE) !== 0;
  if (spaced(recorded) !== spaced(actual)) {
    return `values of headers were recorded ${spaced(recorded) ? "with" : "without"} the space before them`;
  }
  return undefined;
}

/** Whether an MTA waits for an answer to a command. */
export function isAnswered(type: CommandType, agreement: Agreement | undefined): boolean {
  const { answers, silent = 0 } = COMMANDS[type];
  return answers.length > 0 && ((agreement?.protocol ?? 0) & silent) === 0;
}

/** Whether a reply is the answer itself, which nothing follows. */
export function isFinal({ type }: Reply): boolean {
  return REPLIES[type].interim !== true;
}

/** What is over for this filter after an answer: nothing, the body, the message or the whole connection. */
export type Over = "nothing" | "body" | "message" | "connection";

/** Answers that let the MTA go on, and those that end the filtering. */
const GOES_ON: readonly ReplyType[] = ["negotiate", "continue", "progress"];

/** What an MTA takes for over after this answer. */
export function overAfter(command: CommandType, answer: ReplyType): Over {
  if (GOES_ON.includes(answer) || command === "unknown") return "nothing";
  if (answer === "skip") return command === "body" ? "body" : "nothing";
  if (answer === "shutdown" || answer === "connectionFailure") return "connection";
  if (command === "connect" || command === "helo") return answer === "discard" ? "nothing" : "connection";
  // Refused is that recipient alone.
  if (command === "rcpt") return answer === "accept" || answer === "discard" ? "message" : "nothing";
  return "message";
}

/** Commands, and by their codes those that macros are for, that come after the end of a message. */
const AFTER_MESSAGE: readonly CommandType[] = ["abort", "mail", "helo", "quit", "quitNewConnection"];
const AFTER_MESSAGE_CODES: readonly string[] = AFTER_MESSAGE.map((type) => COMMANDS[type].code);

const AFTER_CONNECTION: readonly CommandType[] = ["quit", "quitNewConnection"];

/** Whether an MTA says this after what is over. */
export function comesAfter(over: Over, command: Command): boolean {
  if (over === "nothing") return true;
  if (over === "body") {
    return command.type !== "body" && !(command.type === "macros" && command.stage === "B");
  }
  if (over === "connection") return AFTER_CONNECTION.includes(command.type);
  return command.type === "macros"
    ? AFTER_MESSAGE_CODES.includes(command.stage)
    : AFTER_MESSAGE.includes(command.type);
}
