import { decodeReply, encodeCommand } from "../../protocol/codec.ts";
import { COMMANDS, type CommandType, type Offer } from "../../protocol/commands.ts";
import { PROTOCOL } from "../../protocol/flags.ts";
import { checkAgreement } from "../../protocol/negotiation.ts";
import { isAbsent } from "../../protocol/order.ts";
import type { Agreement, Reply } from "../../protocol/replies.ts";
import { Turn } from "../../protocol/turn.ts";
import { concat } from "../../wire/concat.ts";
import { Framer } from "../../wire/framer.ts";
import { Fault, NotApplicable } from "./case.ts";
import { Course } from "./course.ts";
import { judged, spelled } from "./judging.ts";
import { pause } from "./patience.ts";
import { QUIT, type Said } from "./samples.ts";
import type { Wire } from "./wire.ts";

/** The longest frame that is taken from a milter. */
const LONGEST = 16 * 1024 * 1024;

/** A frame in one piece. */
export const WHOLE = (frame: Uint8Array): readonly Uint8Array[] => [frame];

/** A conversation with a milter: plays the MTA, and takes nothing that breaks the rules. */
export class Talk {
  readonly wire: Wire;
  /** How a frame is cut for its way: each piece is sent by itself. */
  cut: (frame: Uint8Array) => readonly Uint8Array[] = WHOLE;
  /** How long is waited between two pieces, in milliseconds. */
  gap = 1;
  /** Whether macros go out with the command that follows, as Postfix does. */
  joins = true;
  /** Whether commands that are not answered go out with one that is. */
  gathers = false;
  /** What has become of the message. */
  course: Course = new Course();
  /** All replies so far, each with the command that it was given to. */
  readonly replies: { readonly to: CommandType; readonly reply: Reply }[] = [];
  readonly #offer: Offer;
  readonly #framer = new Framer(LONGEST);
  readonly #sent = new Set<CommandType>();
  readonly #silent = new Set<CommandType>();
  #held: Uint8Array[] = [];
  #agreement: Agreement | undefined;

  constructor(wire: Wire, offer: Offer) {
    this.wire = wire;
    this.#offer = offer;
  }

  /** What was agreed. */
  get agreement(): Agreement {
    return this.#agreement!;
  }

  /**
   * Negotiates; `false` if the milter closes instead.
   *
   * @param allowed What it may ask for, if that is not what is offered.
   */
  async negotiate(allowed: Pick<Offer, "version" | "actions" | "protocol"> = this.#offer): Promise<boolean> {
    await this.#write(encodeCommand({ ...this.#offer, type: "negotiate" }));
    const reply = await this.next("does not answer the offer");
    if (reply === undefined) return false;
    if (reply.type !== "negotiate") throw new Fault(`answers the offer by ${spelled(reply.type)}`);
    judged(() => checkAgreement(allowed, reply));
    this.#agreement = reply;
    return true;
  }

  /** Whether this command is sent at all. */
  sends(type: CommandType): boolean {
    return !isAbsent(type, this.#agreement) && !(type === "body" && this.course.skipping);
  }

  /** Whether this command is answered. */
  answers(type: CommandType): boolean {
    const { answers, silent = 0 } = COMMANDS[type];
    return answers.length > 0 && ((this.#agreement?.protocol ?? 0) & silent) === 0;
  }

  /** Plays commands as an MTA does: until an answer ends the message. A new MAIL or HELO begins anew. */
  async play(commands: readonly Said[]): Promise<void> {
    for (const said of commands) {
      if (this.course.admits(said)) await this.say(said);
    }
    await this.flush();
  }

  /** Plays a message that must be seen up to this command. */
  async reach(type: CommandType, commands: readonly Said[]): Promise<void> {
    const end = commands.findLastIndex((said) => said.type === type);
    await this.play(commands.slice(0, end + 1));
    this.need(type);
  }

  /**
   * Makes sure that a command was sent.
   *
   * @throws {NotApplicable} if it was negotiated away, or an answer came in between.
   */
  need(type: CommandType): void {
    if (this.#sent.has(type)) return;
    const { at, by } = this.course.ending ?? {};
    throw new NotApplicable(
      at === undefined || by === undefined
        ? `it does without ${spelled(type)}`
        : `it answers ${spelled(at)} by ${spelled(by)}`,
    );
  }

  /** Says a command, and hears its answer; `undefined` where there is none. */
  async say(said: Said): Promise<Reply | undefined> {
    const { type } = said;
    if (!this.sends(type)) return undefined;
    if (type !== "macros") this.#sent.add(type);
    this.#held.push(encodeCommand(this.#asAgreed(said)));
    const answered = this.answers(type);
    if (!answered && COMMANDS[type].answers.length > 0) this.#silent.add(type);
    if (type === "macros" ? this.joins : this.gathers && !answered) return undefined;
    await this.flush();
    return answered ? await this.hear(type) : undefined;
  }

  /** Sends what is held back. */
  async flush(): Promise<void> {
    if (this.#held.length === 0) return;
    this.#checkQuiet();
    await this.#write(concat(this.#held.splice(0)));
  }

  /** Hears all that is said to a command, and returns the answer. */
  async hear(type: CommandType): Promise<Reply> {
    const turn = new Turn();
    turn.begin(type);
    for (;;) {
      const reply = await this.next(`does not answer ${spelled(type)}`);
      if (reply === undefined) throw new Fault(`closes instead of answering ${spelled(type)}`);
      judged(() => turn.check(reply, this.#agreement, "peer"));
      this.replies.push({ to: type, reply });
      turn.note(reply);
      if (turn.command !== undefined) continue;
      this.course.note(type, reply.type);
      return reply;
    }
  }

  /** The next reply; `undefined` when the milter has closed. */
  async next(otherwise: string): Promise<Reply | undefined> {
    for (;;) {
      const packet = judged(() => this.#framer.next());
      if (packet !== undefined) return judged(() => decodeReply(packet));
      const chunk = await this.wire.read(otherwise);
      if (chunk !== undefined) this.#framer.push(chunk);
      else if (this.#framer.midPacket) throw new Fault("closes within a frame");
      else return undefined;
    }
  }

  /**
   * Ends the conversation, and makes sure that nothing was said that was not asked for.
   *
   * @param quits Whether QUIT comes before the close, as is usual.
   */
  async finish(quits = true): Promise<void> {
    if (quits) this.#held.push(encodeCommand(QUIT));
    await this.flush();
    this.wire.end();
    await this.expectEnd(quits ? "does not close after QUIT" : "does not close after the MTA did");
  }

  /** Makes sure that the milter closes, and says nothing before. */
  async expectEnd(otherwise: string): Promise<void> {
    const reply = await this.next(otherwise);
    if (reply !== undefined) this.#complain(reply);
  }

  /** Nothing may have been said since the last answer. */
  #checkQuiet(): void {
    for (let chunk = this.wire.take(); chunk !== undefined; chunk = this.wire.take()) {
      this.#framer.push(chunk);
    }
    const packet = judged(() => this.#framer.next());
    if (packet !== undefined) this.#complain(judged(() => decodeReply(packet)));
  }

  #complain({ type }: Reply): never {
    const quiet = [...this.#silent].map(spelled).join(", ");
    const last = this.replies.at(-1)?.to;
    throw new Fault(
      `says ${spelled(type)} without being asked` +
        (last === undefined ? "" : `, after its answer to ${spelled(last)}`) +
        (quiet === "" ? "" : `; it agreed not to answer ${quiet}`),
    );
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (const [index, piece] of this.cut(bytes).entries()) {
      if (index > 0) await pause(this.gap);
      this.wire.write(piece);
    }
  }

  /** Unless it was agreed to keep it, an MTA takes one space after the colon off. */
  #asAgreed(said: Said): Said {
    const keeps = ((this.#agreement?.protocol ?? 0) & PROTOCOL.LEADING_SPACE) !== 0;
    if (said.type !== "header" || typeof said.value !== "string" || keeps) return said;
    return { ...said, value: said.value.replace(/^ /, "") };
  }
}
