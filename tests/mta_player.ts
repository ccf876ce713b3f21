/** Plays an MTA to a filter: says commands, and hears what the filter answers. */

import { type ConversationOptions, type Filter, type LogEntry, serveStream } from "../mod.ts";
import {
  type Agreement,
  type Command,
  decodeText,
  encodeMacros,
  MtaEnd,
  type MtaEndOptions,
  PROTOCOL,
  type Reply,
  type Text,
} from "../src/protocol/mod.ts";
import { delay } from "./harness/files.ts";
import { commandOf, type Line } from "./mta_commands.ts";
import { memoryPair, streamWire, type Wire } from "./wires.ts";

/** How an MTA behaves, and how the filter is served to it. */
export interface PlayOptions extends MtaEndOptions, ConversationOptions {
  /** Ends the serving. */
  readonly signal?: AbortSignal;
}

/** An MTA that has negotiated with a filter, over a connection in memory. */
export async function play(filter: Filter, options: PlayOptions = {}): Promise<MtaPlayer> {
  const [ours, theirs] = memoryPair();
  const logs: LogEntry[] = [];
  const log = (entry: LogEntry) => void logs.push(entry);
  const served = serveStream(theirs, filter, { log, ...options });
  const mta = new MtaPlayer(streamWire(ours), { mta: options, logs, served });
  const refused = new Promise<never>((_, reject) => served.catch(reject));
  await Promise.race([mta.negotiate(), refused]);
  return mta;
}

/** An MTA over a connection of any kind, which it ends when it is disposed of. */
export class MtaPlayer implements AsyncDisposable {
  readonly wire: Wire;
  /** Resolves when the filter's side has ended. */
  readonly served: Promise<void>;
  /** How many pieces of bytes have been read, each a write of the filter. */
  reads = 0;
  readonly #end: MtaEnd;
  readonly #logs: LogEntry[];

  constructor(
    wire: Wire,
    options: {
      readonly mta?: MtaEndOptions;
      readonly logs?: LogEntry[];
      readonly served?: Promise<void>;
    } = {},
  ) {
    this.wire = wire;
    this.served = options.served ?? Promise.resolve();
    this.#logs = options.logs ?? [];
    this.#end = new MtaEnd(options.mta);
  }

  async negotiate(): Promise<Agreement> {
    this.#end.negotiate();
    this.wire.write(this.#end.take()!);
    await this.#replies();
    return this.agreement;
  }

  get agreement(): Agreement {
    return this.#end.agreement!;
  }

  /**
   * Says a command, and waits for all that the filter says to it: edits, then the answer. Nothing is waited
   * for where an answer was negotiated away; nothing is said where the command was.
   */
  async say(line: Line): Promise<string[]> {
    if (!this.#end.send(this.#asAgreed(commandOf(line)))) return [];
    this.wire.write(this.#end.take()!);
    return (await this.#replies()).map(show);
  }

  /** Tells macros of the command with this code; they are never answered. */
  async macros(stage: string, values: Readonly<Record<string, string>>): Promise<void> {
    await this.say({ type: "macros", stage, definitions: encodeMacros(values) });
  }

  /**
   * Says one command after the other until the filter's answer ends the message, as an MTA does.
   *
   * @returns all that was answered, `"mail: continue"` for each.
   */
  async play(lines: readonly Line[]): Promise<string[]> {
    const answers: string[] = [];
    for (const line of lines) {
      const { type } = commandOf(line);
      const said = await this.say(line);
      answers.push(...said.map((reply) => `${type}: ${reply}`));
      const last = said.at(-1) ?? "continue";
      if (/^(accept|discard)/.test(last)) break;
      if (/^(reject|tempfail|replyCode)/.test(last) && type !== "rcpt" && type !== "unknown") break;
    }
    return answers;
  }

  /** What has been logged since it was last asked for. What is logged and never asked for fails the test. */
  takeLogs(): LogEntry[] {
    return this.#logs.splice(0);
  }

  /** Waits until the filter closes its side; fails if it says anything more. */
  async readEnd(): Promise<void> {
    const chunk = await this.wire.read();
    if (chunk !== undefined) throw new Error(`the filter said more than it was asked: ${chunk}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.wire.end();
    try {
      await this.readEnd();
    } finally {
      await this.wire.close();
      await this.served;
    }
    const [entry] = this.takeLogs().filter(({ level }) => level !== "debug");
    if (entry !== undefined) throw new Error(`logged: ${entry.message}`, { cause: entry.error });
  }

  async #replies(): Promise<Reply[]> {
    const replies: Reply[] = [];
    while (this.#end.awaiting !== undefined) {
      const reply = this.#end.next();
      if (reply !== undefined) replies.push(reply);
      else {
        const chunk = await this.wire.read();
        if (chunk === undefined) {
          throw new Error(`the filter has closed: ${this.#end.awaiting} has no answer`);
        }
        this.#end.receive(chunk);
        this.reads++;
      }
    }
    if (this.#end.buffered > 0) throw new Error("the filter has answered twice");
    return replies;
  }

  /** Unless it was agreed to keep it, an MTA takes one space after the colon off. */
  #asAgreed(command: Command<Text>): Command<Text> {
    const keeps = ((this.#end.agreement?.protocol ?? 0) & PROTOCOL.LEADING_SPACE) !== 0;
    if (command.type !== "header" || typeof command.value !== "string" || keeps) return command;
    return { ...command, value: command.value.replace(/^ /, "") };
  }
}

/** A reply as tests write it: `insertHeader 1 "X-Spam" "yes"`. */
function show(reply: Reply): string {
  const { type, ...fields } = reply;
  const values = Object.values(fields).filter((value) => value !== undefined).map((value) =>
    JSON.stringify(value instanceof Uint8Array ? decodeText(value) : value)
  );
  return [type, ...values].join(" ");
}

/** Lets all that is ready to happen happen: for what must not. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await delay(0);
}
