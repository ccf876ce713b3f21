import { type ErrorSide, MilterError } from "../errors.ts";
import { encodeText, type Text } from "../wire/text.ts";
import { COMMANDS, type CommandType } from "./commands.ts";
import { ACTION, chunkLimit, flagNames, PROTOCOL } from "./flags.ts";
import { type Agreement, REPLIES, type Reply, type ReplyType } from "./replies.ts";
import { parseReply } from "./reply_text.ts";

/** A command that waits for its answer, and what has been said to it so far. */
export interface Turn {
  readonly command: CommandType;
  /** The last reply before the answer. */
  interim: ReplyType | undefined;
  /** Whether a piece of a new body was among them. */
  bodyReplaced: boolean;
}

/**
 * Checks the next reply to a command by the rules that hold for both ends.
 *
 * Neither Postfix nor Sendmail checks most of this: what breaks these rules loses mail, or lets it through.
 *
 * @throws {MilterError} `ORDER`, `NOT_AGREED` or `MESSAGE`, blaming `side`.
 */
export function checkReply(
  turn: Turn,
  reply: Reply<Text>,
  agreement: Agreement | undefined,
  side: ErrorSide,
): void {
  // What is told at once of most answers is told without the closure that the rest needs.
  if (reply.type === "continue" && COMMANDS[turn.command].answers.includes(reply.type)) return;
  checkOther(turn, reply, agreement, side);
}

function checkOther(
  turn: Turn,
  reply: Reply<Text>,
  agreement: Agreement | undefined,
  side: ErrorSide,
): void {
  const { type } = reply;
  const refuse = (code: "ORDER" | "NOT_AGREED" | "MESSAGE", why: string, cause?: unknown) => {
    throw new MilterError(code, `Cannot answer ${turn.command} by ${type}: ${why}`, { side, cause });
  };

  if (!COMMANDS[turn.command].answers.includes(type)) refuse("ORDER", "it is no answer to that command");
  const { action = 0 } = REPLIES[type];
  if ((action & ~(agreement?.actions ?? 0)) !== 0) {
    refuse("NOT_AGREED", `${flagNames(ACTION, action)} was not negotiated`);
  }
  if (type === "skip" && ((agreement?.protocol ?? 0) & PROTOCOL.SKIP) === 0) {
    refuse("NOT_AGREED", "SKIP was not negotiated");
  }
  if (type === "replyCode") {
    try {
      parseReply(encodeText(reply.text));
    } catch (error) {
      refuse("MESSAGE", "its text is no SMTP reply", error);
    }
  }
  if (type === "replaceBody") {
    // Postfix fails the message if anything stands between the pieces.
    if (turn.bodyReplaced && turn.interim !== type) {
      refuse("ORDER", `${turn.interim} stands between pieces of the body`);
    }
    const limit = chunkLimit(agreement?.protocol ?? 0);
    const size = encodeText(reply.chunk).length;
    if (size > limit) refuse("MESSAGE", `${size} bytes are over the limit of ${limit}`);
  }
}

/**
 * Notes a reply that was checked and has gone its way.
 *
 * @returns whether it is the answer, so that the turn is over; edits and progress are not.
 */
export function noteReply(turn: Turn, { type }: Reply<Text>): boolean {
  turn.interim = type;
  if (type === "replaceBody") turn.bodyReplaced = true;
  return REPLIES[type].interim !== true;
}
