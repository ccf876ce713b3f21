import type { Socket } from "../adapters/socket.ts";
import { MilterError } from "../errors.ts";
import { type Command, COMMANDS, type CommandType } from "../protocol/commands.ts";
import { encodeMacros } from "../protocol/macros.ts";
import { MtaEnd, type MtaEndOptions } from "../protocol/mta_end.ts";
import type { Agreement, Reply } from "../protocol/replies.ts";
import type { Text } from "../wire/text.ts";

/** How long a milter may take, in milliseconds, as Postfix has it: `milter_*_timeout`. */
export interface ClientTimeouts {
  /** To take the connection; 30,000 by default. */
  readonly connect?: number;
  /** To answer the negotiation and each command before the text of a message; 30,000 by default. */
  readonly command?: number;
  /**
   * To answer a header, a piece of the body or the end of the message, and between what it says there: PROGRESS and
   * each edit start it anew; 300,000 by default.
   */
  readonly content?: number;
  /** To answer the end of a message in all, PROGRESS or not; 3,600,000 by default. */
  readonly total?: number;
}

/** Is told of all that is said. */
export interface Listening {
  said(command: Command<Text>): void;
  heard(reply: Reply): void;
}

/** What a link needs. */
export interface LinkOptions {
  /** What is offered to the milter, and the most bytes that it may say at once. */
  readonly offer: MtaEndOptions;
  readonly timeouts: Required<ClientTimeouts>;
  /** Ends every wait, and the connection. */
  readonly signal?: AbortSignal | undefined;
  readonly listening?: Listening | undefined;
}

/** The commands that belong to the text of a message. */
const CONTENT: readonly CommandType[] = ["header", "endOfHeaders", "body", "endOfMessage"];

/** The most bytes of edits to one message: what a milter says is kept until it has given its verdict. */
const MAX_EDITS = 256 * 1024 * 1024;

/** The most bytes from a milter that was asked nothing: they wait in memory until it is asked something. */
const MAX_UNASKED = 1024 * 1024;

/** The MTA's end of a connection to a milter: says commands, and waits for the answers, each in its time. */
export class Link {
  readonly #end: MtaEnd;
  readonly #socket: Socket;
  readonly #options: LinkOptions;
  /** What goes out with what comes next. */
  #queued: Command<Text>[] = [];
  /** Why nothing more can be said or heard. */
  #lost: unknown;
  #room = true;
  /** Wakes who waits for bytes, or for room. */
  #wake: () => void = () => {};
  readonly #closed: Promise<void>;
  readonly #onAbort = (): void => void this.#lose(this.#options.signal!.reason);

  constructor(socket: Socket, options: LinkOptions) {
    this.#options = options;
    this.#socket = socket;
    this.#end = new MtaEnd(options.offer);
    const gone = (cause?: unknown) =>
      new MilterError("CONNECTION", "Cannot read: the milter has closed the connection", {
        side: "peer",
        cause,
      });
    this.#closed = new Promise((resolve) => {
      socket.start({
        data: (chunk) => {
          if (this.#lost !== undefined) return;
          try {
            this.#end.receive(chunk);
          } catch (error) {
            return void this.#lose(error);
          }
          if (this.#end.awaiting === undefined && this.#end.buffered > MAX_UNASKED) {
            this.#lose(
              new MilterError(
                "LIMIT",
                `Cannot read: the milter says more than ${MAX_UNASKED} bytes unasked`,
                {
                  side: "peer",
                },
              ),
            );
          }
          this.#wake();
        },
        // What it has said before can still be read.
        end: () => this.#note(gone()),
        drain: () => {
          this.#room = true;
          this.#wake();
        },
        closed: (error) => {
          this.#note(gone(error));
          resolve();
        },
      });
    });
    const { signal } = options;
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (signal?.aborted) this.#onAbort();
  }

  /** What was agreed, once it was. */
  get agreement(): Agreement | undefined {
    return this.#end.agreement;
  }

  /** Whether nothing more can be said or heard. */
  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /**
   * Offers what the options say, and hears what the milter wants of it.
   *
   * @throws {MilterError} as {@linkcode Link.ask} does.
   */
  async negotiate(): Promise<Agreement> {
    this.#end.negotiate();
    await this.#hear("negotiate");
    return this.#end.agreement!;
  }

  /** Tells macros for a command; they go out with it. */
  macros(command: CommandType, values: Readonly<Record<string, string>>): void {
    this.queue({ type: "macros", stage: COMMANDS[command].code, definitions: encodeMacros(values) });
  }

  /** Says what is never answered; it goes out with what comes next. */
  queue(command: Command<Text>): void {
    if (this.#end.send(command)) this.#queued.push(command);
  }

  /** Sends what was queued. */
  flush(): void {
    for (const command of this.#queued.splice(0)) this.#options.listening?.said(command);
    const bytes = this.#end.take();
    if (bytes !== undefined && this.#lost === undefined) this.#room = this.#socket.write(bytes);
  }

  /**
   * Says a command, and waits for all that the milter says to it: edits, then the answer. Where an answer was
   * negotiated away it waits only until there is room for more; nothing is said where the command was.
   *
   * @throws {MilterError} if the milter closes the connection, breaks the protocol, or takes too long; the connection
   * is gone then.
   */
  async ask(command: Command<Text>): Promise<readonly Reply[]> {
    this.#checkQuiet();
    if (this.#lost !== undefined) throw this.#lose(this.#lost);
    if (!this.#end.send(command)) return [];
    this.#queued.push(command);
    return await this.#hear(command.type);
  }

  /**
   * Takes leave, if the milter still listens, and closes. Resolves when the connection is gone.
   *
   * @throws {MilterError} `ORDER` if the milter has said more than it was asked.
   */
  async quit(): Promise<void> {
    try {
      this.#checkQuiet();
      if (this.#lost === undefined && this.#end.awaiting === undefined) this.queue({ type: "quit" });
      this.flush();
    } finally {
      await this.close();
    }
  }

  /** Closes without a word, after what was said. Resolves when the connection is gone. */
  async close(): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    const { signal } = this.#options;
    if (signal?.aborted) this.#socket.destroy();
    else this.#socket.close();
    const timer = setTimeout(() => this.#socket.destroy(), LINGER);
    await this.#closed;
    clearTimeout(timer);
  }

  /** A milter that says more than it was asked has lost count, and its next answer would be taken for another. */
  #checkQuiet(): void {
    if (this.#end.awaiting !== undefined || this.#end.buffered === 0) return;
    try {
      this.#end.next();
    } catch (error) {
      throw this.#lose(error);
    }
  }

  async #hear(command: CommandType): Promise<readonly Reply[]> {
    this.flush();
    const replies: Reply[] = [];
    const { timeouts } = this.#options;
    const patience = timeouts[CONTENT.includes(command) ? "content" : "command"];
    const end = performance.now() + timeouts.total;
    let size = 0;
    try {
      while (this.#end.awaiting !== undefined) {
        const before = this.#end.buffered;
        const reply = this.#end.next();
        if (reply === undefined) {
          await this.#wait(Math.min(patience, end - performance.now()), command);
          continue;
        }
        size += before - this.#end.buffered;
        if (size > MAX_EDITS) {
          throw new MilterError("LIMIT", `Cannot take its edits: they are over ${MAX_EDITS} bytes`, {
            side: "peer",
          });
        }
        replies.push(reply);
        this.#options.listening?.heard(reply);
      }
      while (!this.#room) await this.#wait(patience, command);
    } catch (error) {
      throw this.#lose(error);
    }
    return replies;
  }

  /** Waits until something comes, or there is room. */
  async #wait(time: number, command: CommandType): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<true>((resolve) =>
      timer = setTimeout(() => resolve(true), Math.min(Math.max(time, 0), MAX_TIMER))
    );
    const woken = new Promise<false>((resolve) => this.#wake = () => resolve(false));
    const isLate = await Promise.race([woken, late]);
    clearTimeout(timer);
    this.#wake = () => {};
    if (!isLate) return;
    const waited = Math.round(time / 100) / 10;
    throw new MilterError("TIMEOUT", `Cannot wait: the milter has not answered ${command} for ${waited} s`, {
      side: "peer",
    });
  }

  /** Notes that no more will come; what was heard before is still there to be read. */
  #note(reason: unknown): void {
    this.#lost ??= reason;
    this.#wake();
  }

  /** Gives the connection up. */
  #lose(reason: unknown): unknown {
    this.#note(reason);
    this.#socket.destroy();
    return reason;
  }
}

/** How long what was said last may take to go out after the connection was closed, in milliseconds. */
const LINGER = 5_000;

/** The longest time that a timer takes. */
const MAX_TIMER = 2 ** 31 - 1;
