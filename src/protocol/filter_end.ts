import { MilterError } from "../errors.ts";
import { Framer } from "../wire/framer.ts";
import type { Slice } from "../wire/slice.ts";
import type { Text } from "../wire/text.ts";
import { Writer } from "../wire/writer.ts";
import { commandCodec, replyCodec, withViews } from "./codec.ts";
import { type Command, type CommandRow, COMMANDS, type CommandType } from "./commands.ts";
import { Macros } from "./macros.ts";
import { negotiate, type Wish } from "./negotiation.ts";
import { beginsAnew, Place } from "./order.ts";
import type { Agreement, Reply } from "./replies.ts";
import { Turn } from "./turn.ts";

/** How a {@linkcode FilterEnd} behaves. */
export interface FilterEndOptions {
  /** What to agree on with the MTA. */
  readonly wish?: Wish;
  /** The most bytes of one packet, 1 MiB by default: Postfix sends headers of some 100 KB in one. */
  readonly maxPacket?: number;
}

const ABORT: Command<Slice> = Object.freeze({ type: "abort" });

/** Commands that end the connection of a client, and so its message. */
const LAST: readonly CommandType[] = ["quit", "quitNewConnection"];

/** The commands by their codes. */
const BY_CODE: ReadonlyMap<string, CommandType> = new Map(
  (Object.keys(COMMANDS) as CommandType[]).map((type) => [COMMANDS[type].code, type]),
);

/**
 * The filter's end of a connection: bytes in, commands out; replies in, bytes out.
 *
 * It holds the rules and nothing else: no clock, no socket, no promise. It negotiates, keeps the order of
 * the commands, tells each message's end (a HELO or MAIL within a message, or its macros, give an `abort`
 * first; an ABORT with no message to end gives nothing), keeps the macros, and refuses a reply that may not be sent.
 *
 * @example
 * ```ts
 * import { encodeCommand, FilterEnd } from "@kilter/milter/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const end = new FilterEnd();
 * end.receive(encodeCommand({ type: "negotiate", version: 6, actions: 0x1ff, protocol: 0x1fffff, extra: "" }));
 * assertEquals(end.next()?.type, "negotiate"); // answered by the end itself
 * end.receive(encodeCommand({ type: "connect", hostname: "localhost", family: "unknown", port: undefined, address: undefined }));
 * assertEquals(end.next()?.type, "connect");
 * assertEquals(end.awaiting, "connect");
 * end.send({ type: "continue" });
 * assertEquals(end.take()?.length, 22); // both answers in one write
 * ```
 */
export class FilterEnd {
  readonly #framer: Framer;
  readonly #writer: Writer = new Writer();
  readonly #wish: Wish;
  #agreement: Agreement | undefined;
  #place: Place = Place.all.start;
  #macros: Macros = Macros.none;
  #macrosFor = "";
  readonly #turn: Turn = new Turn();
  #kept: Command<Slice> | undefined;
  #closed = false;

  /** Makes an end that expects a negotiation first. */
  constructor(options: FilterEndOptions = {}) {
    this.#framer = new Framer(options.maxPacket ?? 1024 * 1024);
    this.#wish = options.wish ?? {};
  }

  /** What was agreed, once it was. */
  get agreement(): Agreement | undefined {
    return this.#agreement;
  }

  /** The macros as of the last command. */
  get macros(): Macros {
    return this.#macros;
  }

  /** The command that waits for its answer. */
  get awaiting(): CommandType | undefined {
    return this.#turn.command;
  }

  /** How many bytes came in and were not asked for as commands yet. */
  get buffered(): number {
    return this.#framer.buffered;
  }

  /** Whether QUIT has come: nothing is read after it. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Takes bytes from the MTA, as {@linkcode Framer.push} does. */
  receive(chunk: Uint8Array, given = false): void {
    this.#framer.push(chunk, given);
  }

  /**
   * The next command; `undefined` while more bytes are needed, or while the last command waits for its answer.
   *
   * A negotiation is answered before it is returned.
   *
   * @throws {MilterError} `FRAME`, `LIMIT`, `MESSAGE`, `ORDER` or `NEGOTIATION` if the MTA broke the protocol: the
   * connection must be closed then.
   */
  next(): Command | undefined {
    const command = this.read();
    return command && withViews(command);
  }

  /** As {@linkcode FilterEnd.next}, for who does not look at all of it. */
  read(): Command<Slice> | undefined {
    if (this.#turn.command !== undefined || this.#closed) return undefined;
    if (this.#kept !== undefined) {
      const command = this.#kept;
      this.#kept = undefined;
      return this.#enter(command);
    }
    for (let packet = this.#framer.read(); packet !== undefined; packet = this.#framer.read()) {
      const command = commandCodec.decode(packet);
      if (this.#place.inMessage) {
        if (beginsAnew(begunBy(command))) {
          this.#place = Place.all.helo;
          this.#kept = command;
          return ABORT;
        }
      } else if (command.type === "abort" && this.#place !== Place.all.start) continue;
      return this.#enter(command);
    }
    return undefined;
  }

  #enter(command: Command<Slice>): Command<Slice> {
    const { type } = command;
    const place = this.#place.after(type, this.#agreement);
    if (place === undefined) {
      throw new MilterError("ORDER", `Cannot take ${type}: it may not follow ${this.#place.name}`, {
        side: "peer",
      });
    }
    this.#place = place;
    if (type === "macros") {
      this.#macros = this.#macros.define(command.stage, command.definitions);
      this.#macrosFor = command.stage;
      return command;
    }
    const row = COMMANDS[type];
    // A command that came without macros of its own has none of an earlier one's.
    if (row.code !== this.#macrosFor) this.#macros = this.#macros.clear(row.code);
    this.#macrosFor = "";

    if (type === "negotiate") {
      this.#agreement = negotiate(command, this.#wish);
      replyCodec.encode(this.#writer, this.#agreement);
    } else if (type === "quit") {
      this.#closed = true;
    } else if (type === "quitNewConnection") {
      this.#macros = Macros.none;
    } else if (type === "abort") {
      this.#macros = this.#macros.clear(COMMANDS.mail.code);
    } else if (this.#isAnswered(row)) {
      this.#turn.begin(type);
    }
    return command;
  }

  /**
   * Whether what has come, and was not asked for yet, ends the message: an MTA that awaits no answer does not wait
   * with it. Looks through all that waits, so it is not to be asked at every turn.
   */
  get endsAhead(): boolean {
    if (this.#turn.command !== undefined) return false;
    const { inMessage } = this.#place;
    for (const code of this.#framer.codes()) {
      const type = BY_CODE.get(String.fromCharCode(code));
      if (type === undefined) return false;
      if (LAST.includes(type) || (inMessage && (type === "abort" || beginsAnew(type)))) return true;
      // Behind what is answered nothing comes before the answer.
      if (this.#isAnswered(COMMANDS[type])) return false;
    }
    return false;
  }

  /** Whether it was agreed that this command is not answered. */
  isSilent(type: CommandType): boolean {
    return this.#isSilent(COMMANDS[type]);
  }

  #isSilent({ silent = 0 }: CommandRow<unknown>): boolean {
    return ((this.#agreement?.protocol ?? 0) & silent) !== 0;
  }

  #isAnswered(row: CommandRow<unknown>): boolean {
    return row.answers.length > 0 && !this.#isSilent(row);
  }

  /**
   * Answers the command that waits, or makes an edit before the answer. What it gives is to be fetched by
   * {@linkcode FilterEnd.take}; what falls together leaves together.
   *
   * @throws {MilterError} `ORDER` if nothing waits for an answer or this one may not be given to it,
   * `NOT_AGREED` if it was not negotiated.
   * @throws {TypeError | RangeError} if a value cannot be sent.
   */
  send(reply: Reply<Text>): void {
    this.#turn.check(reply, this.#agreement, "local");
    replyCodec.encode(this.#writer, reply);
    this.#turn.note(reply);
  }

  /** The bytes to be written to the MTA, or `undefined` when there are none. */
  take(): Uint8Array | undefined {
    return this.#writer.size > 0 ? this.#writer.take() : undefined;
  }
}

/** The command that has come, or that announces itself: its macros are all that tells of one that was negotiated away. */
function begunBy(command: Command<Slice>): CommandType | undefined {
  return command.type === "macros" ? BY_CODE.get(command.stage) : command.type;
}
