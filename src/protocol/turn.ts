import { type ErrorSide, MilterError } from "../errors.ts";
import { encodeText, type Text } from "../wire/text.ts";
import { COMMANDS, type CommandType } from "./commands.ts";
import { ACTION, chunkLimit, flagNames, PROTOCOL } from "./flags.ts";
import { type Agreement, REPLIES, type Reply, type ReplyType } from "./replies.ts";
import { parseReply } from "./reply_text.ts";

/** What goes on between the two ends: the command that waits for its answer, and what has been said to it so far. */
export class Turn {
  /** The command that waits. */
  command: CommandType | undefined;
  /** The last reply before the answer. */
  #interim: ReplyType | undefined;
  /** Whether a piece of a new body was among them. */
  #bodyReplaced = false;

  /** A command waits from now on. */
  begin(command: CommandType): void {
    this.command = command;
    this.#interim = undefined;
    this.#bodyReplaced = false;
  }

  /**
   * Checks the next reply to the command by the rules that hold for both ends.
   *
   * Neither Postfix nor Sendmail checks most of this: what breaks these rules loses mail, or lets it through.
   *
   * @throws {MilterError} `ORDER`, `NOT_AGREED` or `MESSAGE`, blaming `side`.
   */
  check(reply: Reply<Text>, agreement: Agreement | undefined, side: ErrorSide): void {
    const { command } = this;
    if (command === undefined) {
      const act = side === "local" ? "send" : "take";
      throw new MilterError("ORDER", `Cannot ${act} ${reply.type}: no command waits for an answer`, { side });
    }
    // What is told at once of most answers is told without the closure that the rest needs.
    if (reply.type === "continue" && COMMANDS[command].answers.includes(reply.type)) return;
    this.#checkOther(command, reply, agreement, side);
  }

  #checkOther(
    command: CommandType,
    reply: Reply<Text>,
    agreement: Agreement | undefined,
    side: ErrorSide,
  ): void {
    const { type } = reply;
    const refuse = (code: "ORDER" | "NOT_AGREED" | "MESSAGE", why: string, cause?: unknown) => {
      throw new MilterError(code, `Cannot answer ${command} by ${type}: ${why}`, { side, cause });
    };

    if (!COMMANDS[command].answers.includes(type)) refuse("ORDER", "it is no answer to that command");
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
      if (this.#bodyReplaced && this.#interim !== type) {
        refuse("ORDER", `${this.#interim} stands between pieces of the body`);
      }
      const limit = chunkLimit(agreement?.protocol ?? 0);
      const size = encodeText(reply.chunk).length;
      if (size > limit) refuse("MESSAGE", `${size} bytes are over the limit of ${limit}`);
    }
  }

  /** Notes a reply that was checked and has gone its way: the answer ends the turn, edits and progress do not. */
  note({ type }: Reply<Text>): void {
    if (REPLIES[type].interim !== true) {
      this.command = undefined;
      return;
    }
    this.#interim = type;
    if (type === "replaceBody") this.#bodyReplaced = true;
  }
}
