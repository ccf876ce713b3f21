import type { Socket } from "../adapters/socket.ts";
import { MacroLists } from "../mta/macro_lists.ts";
import type { RefusingReply } from "../mta/smtp_replies.ts";
import { type Command, COMMANDS, type CommandType } from "../protocol/commands.ts";
import { isAbsent } from "../protocol/order.ts";
import type { Agreement, Reply } from "../protocol/replies.ts";
import type { Text } from "../wire/text.ts";
import type { Dialogue } from "./dialogue.ts";
import { Link } from "./link.ts";
import { type KnownOfMessage, macroValues } from "./macro_values.ts";
import type { Settings } from "./options.ts";

/** A milter that can be called, wherever it is. */
export interface Callee {
  /** Its name for a person: its address. */
  readonly name: string;
  /** Connects to it. Fails with an error that says why not. */
  open(): Promise<Socket>;
}

/** What a milter's answer comes to. */
export type MilterAnswer =
  | Extract<Reply, { readonly type: "continue" | "accept" | "discard" | "skip" }>
  | RefusingReply;

/** What a milter said to a command: edits, which only the end of a message brings, and the answer. */
export interface Heard {
  readonly answer: MilterAnswer;
  readonly edits: readonly Reply[];
}

const CONTINUE: MilterAnswer = { type: "continue" };
const NOTHING: Heard = { answer: CONTINUE, edits: [] };
const NOTHING_AGREED: Agreement = { type: "negotiate", version: 6, actions: 0, protocol: 0, macros: [] };

/** One milter, as an MTA calls it in a session with one of its clients: with the macros that this MTA tells. */
export class Milter {
  readonly name: string;
  readonly #callee: Callee;
  readonly #settings: Settings;
  readonly #dialogue: Dialogue;
  readonly #label: string;
  #link: Link | undefined;
  /** Macros that were not found by this MTA's rules. */
  readonly #more = new Map<CommandType, Readonly<Record<string, string>>>();
  /** What it was told of the client, by the command's type, and has answered: it is not told the same again. */
  readonly #introduced = new Map<CommandType, { readonly text: string; readonly heard: Heard }>();
  #lists: MacroLists;

  /** @param label What stands for it in the dialogue: nothing where it is alone. */
  constructor(callee: Callee, settings: Settings, dialogue: Dialogue, label = "") {
    this.name = callee.name;
    this.#label = label;
    this.#callee = callee;
    this.#settings = settings;
    this.#dialogue = dialogue;
    this.#lists = new MacroLists(settings.mta, NOTHING_AGREED);
  }

  /** What was agreed; nothing before {@linkcode Milter.connect}. */
  get agreement(): Agreement {
    return this.#link?.agreement ?? NOTHING_AGREED;
  }

  /** Whether the connection has failed. */
  get lost(): boolean {
    return this.#link?.lost ?? false;
  }

  /** Whether there is a connection. */
  get connected(): boolean {
    return this.#link !== undefined;
  }

  /**
   * Connects and negotiates.
   *
   * @throws {MilterError} if it cannot be reached, or breaks the protocol.
   */
  async connect(): Promise<void> {
    const { mta, offer, timeouts, signal, macros } = this.#settings;
    const { version = 6, actions = 0x1ff, protocol = 0x1fffff } = offer;
    const socket = await this.#callee.open();
    this.#link = new Link(socket, {
      ...{ offer, timeouts, signal },
      listening: {
        said: (command) => this.#dialogue.command(command, this.#label),
        heard: (reply) => this.#dialogue.reply(reply, this.#label),
      },
    });
    this.#dialogue.note(
      `the MTA offers version ${version}, actions 0x${actions.toString(16)}, protocol 0x${
        protocol.toString(16)
      }`,
    );
    const agreement = await this.#link.negotiate();
    this.#lists = new MacroLists(mta, agreement, macros.keys());
  }

  /**
   * Says a command, its macros before it, and hears what the milter says: "continue" where it is not asked.
   *
   * @throws {MilterError} if it closes the connection, breaks the protocol, or takes too long.
   */
  async ask(command: Command<Text>, known: KnownOfMessage = {}): Promise<Heard> {
    if (this.#link === undefined) return NOTHING;
    const text = INTRODUCTION.includes(command.type) ? JSON.stringify(command) : undefined;
    const before = this.#introduced.get(command.type);
    if (before !== undefined && before.text === text) return before.heard;
    this.#tellMacros(this.#link, command.type, known);
    const replies = await this.#link.ask(command);
    const answer = replies.at(-1);
    const heard = {
      answer: answer !== undefined && isAnswer(answer) ? answer : CONTINUE,
      edits: replies.filter((reply) => !isAnswer(reply) && reply.type !== "progress"),
    };
    if (text !== undefined) this.#introduced.set(command.type, { text, heard });
    return heard;
  }

  /** Has more macros told with the next command of that type. */
  tell(command: CommandType, macros: Readonly<Record<string, string>>): void {
    this.#more.set(command, { ...this.#more.get(command), ...macros });
  }

  /** Ends a message without a verdict; `"later"`: with the next thing that is said. */
  abort(when: "now" | "later"): void {
    this.#link?.queue({ type: "abort" });
    if (when === "now") this.#link?.flush();
  }

  /** Takes leave and closes. @throws {MilterError} `ORDER` if the milter has said more than it was asked. */
  async quit(): Promise<void> {
    const link = this.#link;
    this.#link = undefined;
    await link?.quit();
  }

  /** Closes the connection without a word. */
  async close(): Promise<void> {
    const link = this.#link;
    this.#link = undefined;
    await link?.close();
  }

  /** Tells macros where this MTA does: even for commands that it leaves out, other than those that come often. */
  #tellMacros(link: Link, command: CommandType, known: KnownOfMessage): void {
    const more = this.#more.get(command);
    this.#more.delete(command);
    const names = this.#lists.namesFor(command) ?? (more && []);
    const { since = 0 } = COMMANDS[command];
    const left = since > this.agreement.version ||
      (OFTEN.includes(command) && isAbsent(command, this.agreement));
    if (names === undefined || left) return;
    const values = macroValues(this.#settings, known);
    const told = names.filter((name) => values.has(name));
    const entries = told.map((name) => [name.length > 1 ? `{${name}}` : name, values.get(name)!] as const);
    link.macros(command, { ...Object.fromEntries(entries), ...more });
  }
}

/** The commands that are about the client. */
const INTRODUCTION: readonly CommandType[] = ["connect", "helo"];

/** The commands whose macros are left out with them: those of the text, and what may come at any time. */
const OFTEN: readonly CommandType[] = ["header", "endOfHeaders", "body", "unknown"];

const ANSWERS: ReadonlySet<string> = new Set(
  [
    "continue",
    "accept",
    "discard",
    "skip",
    "reject",
    "tempfail",
    "replyCode",
  ] satisfies MilterAnswer["type"][],
);

function isAnswer(reply: Reply): reply is MilterAnswer {
  return ANSWERS.has(reply.type);
}

/** Whether an answer refuses. */
export function isRefusal(answer: MilterAnswer): answer is RefusingReply {
  return answer.type === "reject" || answer.type === "tempfail" || answer.type === "replyCode";
}
