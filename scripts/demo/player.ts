import type { Socket } from "../../src/adapters/socket.ts";
import {
  type Agreement,
  type Command,
  decodeText,
  encodeMacros,
  MtaEnd,
  REPLIES,
  type Reply,
  type Text,
} from "../../src/protocol/mod.ts";
import { said } from "./paper.ts";

/** How a conversation ended. */
export interface Outcome {
  /** The reply that ended it. */
  readonly verdict: Reply;
  /** The command that it answered. */
  readonly at: Command["type"];
  /** The edits before it. */
  readonly edits: readonly Reply[];
}

/** Plays an MTA to a filter, and shows what is said. */
export class Player {
  readonly #socket: Socket;
  readonly #end: MtaEnd = new MtaEnd();
  #heard: () => void = () => {};
  #lost: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    const lose = () => {
      this.#lost ??= new Error("The filter has closed the connection");
      this.#heard();
    };
    socket.start({
      data: (chunk) => {
        this.#end.receive(chunk);
        this.#heard();
      },
      end: lose,
      closed: lose,
      drain: () => {},
    });
  }

  /** What was agreed. */
  get agreement(): Agreement {
    return this.#end.agreement!;
  }

  /** Offers all that Postfix and Sendmail offer. */
  async negotiate(): Promise<void> {
    this.#end.negotiate();
    said("mta", "what I can do: protocol version 6, every kind of edit");
    this.#flush();
    await this.#reply();
    said("filter", "what I need of it, so that you send no more than that");
  }

  /** Tells macros for the command with this code. */
  macros(stage: string, values: Readonly<Record<string, string>>): void {
    this.#end.send({ type: "macros", stage, definitions: encodeMacros(values) });
  }

  /** Says commands until one is answered by a verdict. */
  async converse(commands: readonly Command<Text>[]): Promise<Outcome> {
    const edits: Reply[] = [];
    for (const command of commands) {
      if (!this.#end.send(command)) continue;
      said("mta", describe(command));
      this.#flush();
      while (this.#end.awaiting !== undefined) {
        const reply = await this.#reply();
        said("filter", describe(reply));
        if (REPLIES[reply.type].interim) edits.push(reply);
        else if (reply.type !== "continue") return { verdict: reply, at: command.type, edits };
      }
    }
    throw new Error("The filter gave no verdict");
  }

  /** Takes leave. */
  close(): void {
    if (this.#end.awaiting === undefined) this.#end.send({ type: "quit" });
    this.#flush();
    this.#socket.close();
  }

  #flush(): void {
    const bytes = this.#end.take();
    if (bytes !== undefined) this.#socket.write(bytes);
  }

  async #reply(): Promise<Reply> {
    while (true) {
      const reply = this.#end.next();
      if (reply !== undefined) return reply;
      if (this.#lost !== undefined) throw this.#lost;
      await new Promise<void>((resolve) => this.#heard = resolve);
    }
  }
}

/** The words for what is said; what carries its meaning in its type alone is said by that. */
const WORDS: Readonly<Partial<Record<(Command | Reply)["type"], string>>> = {
  connect: "a client connected:",
  helo: "it calls itself",
  mail: "the sender is",
  rcpt: "a recipient is",
  data: "here comes the mail",
  header: "header",
  endOfHeaders: "that was the last header",
  body: "body,",
  endOfMessage: "that was all of it: your verdict?",
  continue: "go on",
  accept: "accept it",
  reject: "refuse it",
  changeHeader: "change header",
  addHeader: "add header",
};

function describe(message: Command<Text> | Reply): string {
  const words = WORDS[message.type] ?? message.type;
  switch (message.type) {
    case "changeHeader":
      return message.value.length === 0
        ? `delete header ${text(message.name)}`
        : `${words} ${text(message.name)} to ${text(message.value)}`;
    case "connect":
      return `${words} ${text(message.hostname)} [${text(message.address ?? "")}]`;
    case "helo":
      return `${words} ${text(message.hostname)}`;
    case "mail":
    case "rcpt":
      return `${words} ${text(message.address)}`;
    case "header":
    case "addHeader":
      return `${words} ${text(message.name)}:${text(message.value)}`;
    case "body":
      return `${words} ${message.chunk.length} bytes`;
    case "replyCode":
      return `refuse it: ${text(message.text)}`;
    default:
      return words;
  }
}

function text(value: Text): string {
  return typeof value === "string" ? value : decodeText(value);
}
