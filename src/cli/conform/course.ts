import { COMMANDS, type CommandType } from "../../protocol/commands.ts";
import type { ReplyType } from "../../protocol/replies.ts";
import { REFUSALS } from "./judging.ts";
import type { Said } from "./samples.ts";

/** Where an answer ended what was played, and what it ends. */
export interface Ending {
  readonly at: CommandType;
  readonly by: ReplyType;
  readonly ends: "message" | "connection";
}

/** Codes of the commands that begin a message, or a conversation, anew. */
const BEGINS: string = [COMMANDS.mail, COMMANDS.helo, COMMANDS.quitNewConnection].map(({ code }) => code)
  .join("");

/** Codes of the commands that come only when a recipient was taken. */
const NEEDS_RECIPIENT = "TLNBE";

/** What has become of a message by its answers: whether an MTA would still go on with it. */
export class Course {
  /** The answer that ended the message or the connection, if one did. */
  ending: Ending | undefined;
  /** Whether the rest of the body is not sent. */
  skipping = false;
  #recipients = 0;
  #refused: Ending | undefined;

  /** Whether this may still be said: MAIL and HELO begin anew, and so do their macros. */
  admits(said: Said): boolean {
    const code = said.type === "macros" ? said.stage : COMMANDS[said.type].code;
    if (BEGINS.includes(code)) this.#begin();
    if (NEEDS_RECIPIENT.includes(code) && this.#recipients === 0) this.ending ??= this.#refused;
    return this.ending === undefined;
  }

  /** Notes an answer. */
  note(at: CommandType, by: ReplyType): void {
    if (at === "rcpt" && by === "continue") this.#recipients++;
    if (by === "skip") this.skipping = true;
    if (by === "skip" || at === "unknown" || (by === "continue" && at !== "endOfMessage")) return;
    const ending: Ending = { at, by, ends: at === "connect" || at === "helo" ? "connection" : "message" };
    if (at === "rcpt" && REFUSALS.includes(by)) this.#refused = ending;
    else this.ending = ending;
  }

  #begin(): void {
    if (this.ending?.ends === "message") this.ending = undefined;
    this.skipping = false;
    this.#recipients = 0;
    this.#refused = undefined;
  }
}
