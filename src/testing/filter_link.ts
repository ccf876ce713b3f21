import { MilterError } from "../errors.ts";
import {
  type Agreement,
  type Command,
  COMMANDS,
  encodeMacros,
  MtaEnd,
  type MtaEndOptions,
  type Reply,
  type Text,
} from "../protocol/mod.ts";
import type { StreamPair } from "../adapters/stream.ts";
import type { Dialogue } from "./dialogue.ts";
import { memoryPair } from "./memory_pair.ts";

/** What a link needs. */
export interface FilterLinkOptions {
  readonly offer: MtaEndOptions;
  /** How long an answer may take, in milliseconds; for ever if it is `undefined`. */
  readonly timeout: number | undefined;
  readonly dialogue: Dialogue;
}

/** Serves a filter to one MTA; resolves when the connection has ended. */
export type ServeFilter = (streams: StreamPair) => Promise<void>;

/** A filter, served, and the MTA's end of the connection to it: the bytes between them lie in memory. */
export class FilterLink {
  readonly #end: MtaEnd;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #served: Promise<void>;
  /** Rejects if the filter cannot be served. */
  readonly #refused: Promise<never>;
  /** What will be sent with what comes next. */
  #queued: Command<Text>[] = [];
  readonly #options: FilterLinkOptions;

  constructor(serve: ServeFilter, options: FilterLinkOptions) {
    this.#options = options;
    this.#end = new MtaEnd(options.offer);
    const [ours, theirs] = memoryPair();
    this.#reader = ours.readable.getReader();
    this.#writer = ours.writable.getWriter();
    this.#writer.closed.catch(ignore);
    this.#served = serve(theirs);
    this.#refused = this.#served.then(() => new Promise<never>(() => {}));
    this.#refused.catch(ignore);
  }

  /**
   * Offers what the MTA can, and hears what the filter wants of it.
   *
   * @throws {MilterError} as {@linkcode FilterLink.ask} does.
   */
  async negotiate(): Promise<Agreement> {
    const { version, actions, protocol } = this.#options.offer;
    this.#end.negotiate();
    this.#options.dialogue.note(
      `the MTA offers version ${version ?? 6}, actions 0x${(actions ?? 0x1ff).toString(16)}, ` +
        `protocol 0x${(protocol ?? 0x1fffff).toString(16)}`,
    );
    await this.#hear();
    return this.#end.agreement!;
  }

  /** Tells macros for a command; they go out with it. */
  macros(command: Command["type"], values: Readonly<Record<string, string>>): void {
    const macros: Command<Text> = {
      type: "macros",
      stage: COMMANDS[command].code,
      definitions: encodeMacros(values),
    };
    this.#end.send(macros);
    this.#queued.push(macros);
  }

  /** Says what is never answered; it goes out with what comes next. */
  queue(type: "abort" | "quit"): void {
    this.#end.send({ type });
    this.#queued.push({ type });
  }

  /** Sends what was queued. */
  flush(): void {
    for (const command of this.#queued.splice(0)) this.#options.dialogue.command(command);
    const bytes = this.#end.take();
    if (bytes !== undefined) this.#writer.write(bytes).catch(ignore);
  }

  /**
   * Says a command, and waits for all that the filter says to it: edits, then the answer. Nothing is waited for
   * where an answer was negotiated away; nothing is said where the command was.
   *
   * @throws {MilterError} if the filter closes the connection, breaks the protocol, or takes too long.
   * @throws {TypeError | RangeError} if it cannot be served with these options.
   */
  async ask(command: Command<Text>): Promise<readonly Reply[]> {
    if (!this.#end.send(command)) return [];
    this.#queued.push(command);
    return await this.#hear();
  }

  /** Closes the connection, and waits until the filter's side has ended. */
  async close(): Promise<void> {
    const closed = Promise.all([this.#writer.close().catch(ignore), this.#reader.cancel().catch(ignore)]);
    // That it cannot be served was told to who asked; and then nobody is there who would let the stream close.
    await Promise.race([closed, this.#refused]).catch(ignore);
    await this.#served.catch(ignore);
  }

  async #hear(): Promise<readonly Reply[]> {
    this.flush();
    const replies: Reply[] = [];
    while (this.#end.awaiting !== undefined) {
      const reply = this.#end.next();
      if (reply === undefined) this.#end.receive(await this.#read());
      else {
        replies.push(reply);
        this.#options.dialogue.reply(reply);
      }
    }
    return replies;
  }

  async #read(): Promise<Uint8Array> {
    const read = this.#reader.read().then(({ value }) => value, () => undefined);
    const chunk = await this.#inTime(Promise.race([read, this.#refused]));
    if (chunk !== undefined) return chunk;
    throw new MilterError("CONNECTION", `Cannot read: the filter has closed the connection`, {
      side: "peer",
    });
  }

  async #inTime<T>(promise: Promise<T>): Promise<T> {
    const { timeout } = this.#options;
    if (timeout === undefined) return await promise;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(
          new MilterError("TIMEOUT", `Cannot wait: the filter has not answered for ${timeout} ms`, {
            side: "peer",
          }),
        );
      }, timeout);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What fails in a connection in memory shows when it is read. */
function ignore(): void {}
