import { MilterError } from "../errors.ts";
import { MacroLists } from "../mta/macro_lists.ts";
import { failureReply, type RefusingReply } from "../mta/smtp_replies.ts";
import {
  type Agreement,
  type Command,
  COMMANDS,
  type CommandType,
  type Reply,
  type Text,
} from "../protocol/mod.ts";
import { isAbsent } from "../protocol/order.ts";
import type { Dialogue } from "./dialogue.ts";
import { FilterLink, type ServeFilter } from "./filter_link.ts";
import { type KnownOfMessage, macroValues } from "./macro_values.ts";
import type { Settings } from "./options.ts";

/** What a filter's answer comes to. */
export type Answer =
  | Extract<Reply, { readonly type: "continue" | "accept" | "discard" | "skip" }>
  | RefusingReply;

const CONTINUE: Answer = { type: "continue" };
const NOTHING_AGREED: Agreement = { type: "negotiate", version: 6, actions: 0, protocol: 0, macros: [] };

/** The MTA's dealings with its filter, in one session of a client. */
export class FilterSide {
  readonly #serve: ServeFilter;
  readonly #settings: Settings;
  readonly #dialogue: Dialogue;
  /** The connection to the filter, as long as there is one. */
  #link: FilterLink | undefined;
  #agreement: Agreement = NOTHING_AGREED;
  #lists: MacroLists;
  #failed = false;
  #silent = false;

  constructor(serve: ServeFilter, settings: Settings, dialogue: Dialogue) {
    this.#serve = serve;
    this.#settings = settings;
    this.#dialogue = dialogue;
    this.#lists = new MacroLists(settings.mta, NOTHING_AGREED);
  }

  get agreement(): Agreement {
    return this.#agreement;
  }

  /** Whether the filter has failed: the MTA then does without it, to the end of the session. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Connects and negotiates. */
  async connect(): Promise<void> {
    const { mta, offer, timeout, macros } = this.#settings;
    this.#link = new FilterLink(this.#serve, { offer, timeout, dialogue: this.#dialogue });
    try {
      this.#agreement = await this.#link.negotiate();
      this.#lists = new MacroLists(mta, this.#agreement, macros.keys());
    } catch (error) {
      await this.#fail(error);
    }
  }

  /**
   * Tells the filter of a command, and hears what it answers: "continue" where it is not asked, and what the MTA
   * does by itself if the filter fails or has failed. Takes the edits before the answer, if there are any.
   */
  async ask(
    command: Command<Text>,
    known: KnownOfMessage = {},
    takeEdit: (edit: Reply) => void = () => {},
  ): Promise<Answer> {
    if (this.#failed) return this.#failure(command.type);
    if (this.#link === undefined || this.#silent) return CONTINUE;
    try {
      this.#tellMacros(this.#link, command.type, known);
      let answer: Answer = CONTINUE;
      for (const reply of await this.#link.ask(command)) {
        if (isAnswer(reply)) answer = reply;
        else if (reply.type !== "progress") takeEdit(reply);
      }
      return answer;
    } catch (error) {
      await this.#fail(error);
      return this.#failure(command.type);
    }
  }

  /** Asks no more in this session. Postfix closes the connection; Sendmail takes leave at the session's end. */
  async askNoMore(): Promise<void> {
    this.#silent = true;
    if (this.#settings.mta === "postfix") await this.close();
  }

  /** Ends a message without a verdict; `"later"`: with the next thing that is said. */
  abort(when: "now" | "later"): void {
    if (this.#silent) return;
    this.#link?.queue("abort");
    if (when === "now") this.#link?.flush();
  }

  /** Takes leave and closes. */
  async quit(): Promise<void> {
    this.#link?.queue("quit");
    this.#link?.flush();
    await this.close();
  }

  /** Closes the connection without a word. */
  async close(): Promise<void> {
    const link = this.#link;
    this.#link = undefined;
    await link?.close();
  }

  /** Tells macros where this MTA does: even for commands that it leaves out, other than those that come often. */
  #tellMacros(link: FilterLink, command: CommandType, known: KnownOfMessage): void {
    const names = this.#lists.namesFor(command);
    const { since = 0 } = COMMANDS[command];
    const left = since > this.#agreement.version ||
      (OFTEN.includes(command) && isAbsent(command, this.#agreement));
    if (names === undefined || left) return;
    const values = macroValues(this.#settings, known);
    const told = names.filter((name) => values.has(name));
    const entries = told.map((name) => [name.length > 1 ? `{${name}}` : name, values.get(name)!] as const);
    link.macros(command, Object.fromEntries(entries));
  }

  async #fail(error: unknown): Promise<void> {
    await this.close();
    if (!(error instanceof MilterError)) throw error;
    this.#dialogue.note(`the filter has failed: ${error.message}`);
    this.#failed = true;
  }

  /** What the MTA does by itself; the options have been checked for it. */
  #failure(command: CommandType): Answer {
    const { mta, defaultAction, hostname } = this.#settings;
    return failureReply(mta, defaultAction, command, hostname)!;
  }
}

/** The commands whose macros are left out with them: those of the text, and what may come at any time. */
const OFTEN: readonly CommandType[] = ["header", "endOfHeaders", "body", "unknown"];

const ANSWERS: ReadonlySet<string> = new Set(
  ["continue", "accept", "discard", "skip", "reject", "tempfail", "replyCode"] satisfies Answer["type"][],
);

function isAnswer(reply: Reply): reply is Answer {
  return ANSWERS.has(reply.type);
}

/** Whether an answer refuses. */
export function isRefusal(answer: Answer): answer is RefusingReply {
  return answer.type === "reject" || answer.type === "tempfail" || answer.type === "replyCode";
}
