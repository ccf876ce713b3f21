import { MilterError } from "../errors.ts";
import { Framer } from "../wire/framer.ts";
import type { Text } from "../wire/text.ts";
import { Writer } from "../wire/writer.ts";
import { commandCodec, replyCodec, withViews } from "./codec.ts";
import { type Command, COMMANDS, type CommandType, type Offer } from "./commands.ts";
import { VERSION } from "./flags.ts";
import { checkAgreement } from "./negotiation.ts";
import { isAbsent, Place } from "./order.ts";
import type { Agreement, Reply } from "./replies.ts";
import { Turn } from "./turn.ts";

/** How an {@linkcode MtaEnd} behaves. */
export interface MtaEndOptions {
  /** The highest version to speak, 6 by default. */
  readonly version?: number;
  /** The actions to offer, a mask of {@linkcode ACTION}; all that Postfix and Sendmail offer by default. */
  readonly actions?: number;
  /** The protocol flags to offer, a mask of {@linkcode PROTOCOL}; all that Postfix and Sendmail offer by default. */
  readonly protocol?: number;
  /** The most bytes of one packet from the filter, 1 MiB by default. */
  readonly maxPacket?: number;
}

/**
 * The MTA's end of a connection: commands in, bytes out; bytes in, replies out.
 *
 * The reverse of {@linkcode FilterEnd}, and as strict: it leaves out what was negotiated away, keeps the
 * order of the commands, knows which of them are answered, and refuses an answer that breaks the rules.
 *
 * @example
 * ```ts
 * import { FilterEnd, MtaEnd } from "@kilter/milter/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const mta = new MtaEnd();
 * const filter = new FilterEnd();
 * mta.negotiate();
 * filter.receive(mta.take()!);
 * filter.next();
 * mta.receive(filter.take()!);
 * mta.next();
 * assertEquals(mta.agreement?.version, 6);
 * ```
 */
export class MtaEnd {
  readonly #framer: Framer;
  readonly #writer: Writer = new Writer();
  readonly #offer: Offer<Text>;
  #agreement: Agreement | undefined;
  #place: Place = Place.all.start;
  readonly #turn: Turn = new Turn();
  #skipping = false;

  /** Makes an end that has said nothing yet. */
  constructor(options: MtaEndOptions = {}) {
    this.#framer = new Framer(options.maxPacket ?? 1024 * 1024);
    this.#offer = {
      type: "negotiate",
      version: options.version ?? VERSION,
      actions: options.actions ?? 0x1ff,
      protocol: options.protocol ?? 0x1fffff,
      extra: "",
    };
  }

  /** What was agreed, once it was. */
  get agreement(): Agreement | undefined {
    return this.#agreement;
  }

  /** The command that waits for its answer. */
  get awaiting(): CommandType | undefined {
    return this.#turn.command;
  }

  /** How many bytes came in and were not asked for as replies yet: some at the end of the stream mean a cut reply. */
  get buffered(): number {
    return this.#framer.buffered;
  }

  /** Offers what the options say. */
  negotiate(): void {
    this.send(this.#offer);
  }

  /**
   * Says something to the filter; its bytes are to be fetched by {@linkcode MtaEnd.take}.
   *
   * @returns whether it goes out: not if it was negotiated away, or the filter skips the rest of the body.
   * @throws {MilterError} `ORDER` if the last command waits for its answer, or this one may not follow it.
   * @throws {TypeError | RangeError} if a value cannot be sent.
   */
  send(command: Command<Text>): boolean {
    const { type } = command;
    if (this.#turn.command !== undefined) {
      throw new MilterError("ORDER", `Cannot send ${type}: ${this.#turn.command} waits for its answer`);
    }
    if (isAbsent(type, this.#agreement) || (this.#skipping && type === "body")) return false;
    const place = this.#place.after(type, this.#agreement);
    if (place === undefined) {
      throw new MilterError("ORDER", `Cannot send ${type}: it may not follow ${this.#place.name}`);
    }
    commandCodec.encode(this.#writer, command);
    this.#place = place;
    if (place.name !== "body") this.#skipping = false;
    const { answers, silent = 0 } = COMMANDS[type];
    if (answers.length > 0 && ((this.#agreement?.protocol ?? 0) & silent) === 0) {
      this.#turn.begin(type);
    }
    return true;
  }

  /** Takes bytes from the filter, as {@linkcode Framer.push} does. */
  receive(chunk: Uint8Array, given = false): void {
    this.#framer.push(chunk, given);
  }

  /**
   * The next reply, or `undefined` while more bytes are needed.
   *
   * @throws {MilterError} `FRAME`, `LIMIT`, `MESSAGE`, `ORDER`, `NOT_AGREED` or `NEGOTIATION` if the filter broke the
   * protocol: the connection must be closed then.
   */
  next(): Reply | undefined {
    for (let packet = this.#framer.read(); packet !== undefined; packet = this.#framer.read()) {
      const reply = withViews(replyCodec.decode(packet));
      // An MTA takes a "continue" that nobody asked for; any other answer it would take for the next command's.
      if (this.#turn.command !== undefined || reply.type !== "continue") return this.#hear(reply);
    }
    return undefined;
  }

  #hear(reply: Reply): Reply {
    this.#turn.check(reply, this.#agreement, "peer");
    if (reply.type === "negotiate") {
      checkAgreement(this.#offer, reply);
      this.#agreement = reply;
    }
    if (reply.type === "skip") this.#skipping = true;
    this.#turn.note(reply);
    return reply;
  }

  /** The bytes to be written to the filter, or `undefined` when there are none. */
  take(): Uint8Array | undefined {
    return this.#writer.size > 0 ? this.#writer.take() : undefined;
  }
}
