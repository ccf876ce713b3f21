import type { Address } from "../../adapters/address.ts";
import type { Agreement, Command } from "../../protocol/mod.ts";
import { isAbsent } from "../../protocol/order.ts";
import { Answer, type AnswerPart, CONTINUE } from "./answers.ts";
import { FilterLink } from "./filter_link.ts";
import { comesAfter, isAnswered, misfit, type Over, overAfter } from "./fit.ts";
import { type Answered, FAILURES, GRACE, hearAnswer, hearEnd, isAsked, recordedAnswer } from "./hearing.ts";
import { Redactor } from "./redactor.ts";
import type { Script, Step } from "./steps.ts";

/** What was found by playing a connection. */
export type Finding =
  /** An answer that is not the recorded one. */
  | {
    readonly kind: "different";
    readonly command: Command | undefined;
    readonly recorded: readonly AnswerPart[];
    readonly actual: readonly AnswerPart[];
  }
  /** The filter failed where the recorded one did not. */
  | { readonly kind: "trouble"; readonly command: Command | undefined; readonly why: string }
  /** Something was not played, because an MTA would not say it after such answers. */
  | { readonly kind: "left out"; readonly why: string }
  /** What could not be played. */
  | { readonly kind: "unplayed"; readonly why: string };

/** How a recording is played. */
export interface PlayOptions {
  readonly to: Address;
  /** How long a filter may take for an answer, in milliseconds. */
  readonly timeout: number;
  /** Whether the recording is redacted. */
  readonly redacted: boolean;
  /** Takes what is found. */
  readonly found: (finding: Finding) => void;
}

/** How much of a connection was played. */
export interface Played {
  /** Commands that were to be answered, and how many were answered as recorded. */
  readonly answers: number;
  readonly same: number;
}

/**
 * Plays one connection to a filter: commands as recorded, each when what came before it is answered.
 *
 * @throws {MilterError} `CONNECTION` if the filter cannot be reached.
 */
export async function play(script: Script, options: PlayOptions): Promise<Played> {
  using link = await FilterLink.connect(options.to, options.timeout);
  const player = new Player(link, script, options);
  await player.play();
  return player.played;
}

class Player {
  readonly #link: FilterLink;
  readonly #script: Script;
  readonly #options: PlayOptions;
  readonly #redactor: Redactor | undefined;
  #recorded: Agreement | undefined;
  #actual: Agreement | undefined;
  #over: Over = "nothing";
  /** How many commands were left out since the last that was played. */
  #leftOut = 0;
  #answers = 0;
  #same = 0;

  constructor(link: FilterLink, script: Script, options: PlayOptions) {
    this.#link = link;
    this.#script = script;
    this.#options = options;
    this.#redactor = options.redacted ? new Redactor() : undefined;
  }

  get played(): Played {
    return { answers: this.#answers, same: this.#same };
  }

  async play(): Promise<void> {
    for (const step of this.#script.steps) {
      const stop = this.#whyStop(step);
      if (stop !== undefined) return this.#options.found(stop);
      if (this.#isLeftOut(step)) continue;
      if (!await this.#playStep(step)) return;
    }
    this.#tellLeftOut();
    await this.#end();
  }

  /** Why the rest of the connection cannot be played. */
  #whyStop({ deed, command }: Step): Finding | undefined {
    if (deed.leftOut && command === undefined) {
      return { kind: "unplayed", why: "bytes that are no command were left out of the recording" };
    }
    // Some MTAs say what was agreed to be left out.
    if (
      command !== undefined && isAbsent(command.type, this.#actual) && !isAbsent(command.type, this.#recorded)
    ) {
      return {
        kind: "left out",
        why: `the rest of the connection: the filter no longer takes ${command.type}`,
      };
    }
    return undefined;
  }

  #isLeftOut({ command }: Step): boolean {
    if (this.#over === "nothing") return false;
    if (command === undefined || !comesAfter(this.#over, command)) {
      this.#leftOut++;
      return true;
    }
    this.#tellLeftOut();
    this.#over = "nothing";
    return false;
  }

  #tellLeftOut(): void {
    if (this.#leftOut === 0) return;
    this.#options.found({
      kind: "left out",
      why: `the rest of the ${this.#over}: an MTA says no more of it after that answer`,
    });
    this.#leftOut = 0;
  }

  /** Whether it goes on after this. */
  async #playStep(step: Step): Promise<boolean> {
    const { deed, command } = step;
    const { found, timeout } = this.#options;
    if (deed.what === "packet") this.#redactor?.redact("mta", deed);
    if (!await this.#link.send(deed.what === "packet" ? framed(deed.bytes) : deed.bytes, timeout)) {
      found({ kind: "trouble", command, why: `the filter reads nothing for ${timeout / 1000} s` });
      return false;
    }

    const expected = recordedAnswer(step, this.#recorded, this.#options.redacted);
    if (expected.final?.type === "negotiate") this.#recorded = expected.final;
    const answered = await hearAnswer(this.#link, {
      asked: isAsked(step, this.#actual),
      extra: expected.extra,
      timeout,
      answer: this.#answer(),
    });
    if (answered.final?.type === "negotiate") this.#actual = answered.final;
    if (this.#isToldOf(step)) this.#answers++;
    if (answered.failed !== undefined) {
      if (answered.failed === expected.failed && sameParts(answered.parts, expected.parts)) {
        this.#same++;
        return false;
      }
      if (answered.parts.length > 0) this.#compare(command, expected.parts, answered.parts);
      found({ kind: "trouble", command, why: answered.why! });
      return false;
    }
    const same = expected.failed === undefined && this.#compare(step.command, expected.parts, answered.parts);
    if (expected.failed !== undefined) {
      const nothing = { key: expected.failed, text: FAILURES[expected.failed] };
      found({ kind: "different", command, recorded: [...expected.parts, nothing], actual: answered.parts });
    }
    if (same && this.#isToldOf(step)) this.#same++;
    return this.#goOn(command, expected, answered);
  }

  /** Whether an answer is asked for by either agreement, or was given all the same. */
  #isToldOf({ command, replies }: Step): boolean {
    return command === undefined || replies.length > 0 || isAnswered(command.type, this.#actual);
  }

  #compare(
    command: Command | undefined,
    recorded: readonly AnswerPart[],
    actual: readonly AnswerPart[],
  ): boolean {
    if (sameParts(recorded, actual) || this.#isSilence(command, recorded, actual)) return true;
    this.#options.found({ kind: "different", command, recorded, actual });
    return false;
  }

  /** To go on is the same as to say nothing where only one of the two had agreed to say nothing. */
  #isSilence(
    command: Command | undefined,
    recorded: readonly AnswerPart[],
    actual: readonly AnswerPart[],
  ): boolean {
    if (command === undefined) return false;
    if (isAnswered(command.type, this.#recorded) === isAnswered(command.type, this.#actual)) return false;
    return [...recorded, ...actual].every(({ key }) => key === CONTINUE) &&
      recorded.length + actual.length === 1;
  }

  /** Whether what was recorded next still fits. */
  #goOn(command: Command | undefined, expected: Answered, answered: Answered): boolean {
    if (command?.type === "negotiate" && this.#actual !== undefined) {
      const why = misfit(this.#recorded, this.#actual);
      if (why === undefined) return true;
      this.#options.found({ kind: "left out", why: `the rest of the connection: ${why}` });
      return false;
    }
    if (command === undefined || answered.final === undefined) return true;
    const over = overAfter(command.type, answered.final.type);
    const before = expected.final === undefined ? "nothing" : overAfter(command.type, expected.final.type);
    if (over !== before) this.#over = over;
    return true;
  }

  /** What the filter still says when all has been said to it. */
  async #end(): Promise<void> {
    const { ends } = this.#script;
    const { timeout, found } = this.#options;
    if (ends.mta) this.#link.end();
    const patience = ends.filter ? timeout : ends.mta ? Math.min(timeout, GRACE) : 0;
    const { parts, failed, why } = await hearEnd(this.#link, patience, this.#answer());
    if (parts.length > 0) found({ kind: "different", command: undefined, recorded: [], actual: parts });
    if (failed === "broken") found({ kind: "trouble", command: undefined, why: why! });
    else if (failed === "silent" && ends.filter) {
      found({ kind: "trouble", command: undefined, why: "the filter does not close the connection" });
    }
  }

  /** Collects an answer as the recording has it: without what was left out. */
  #answer(): Answer {
    const { redacted } = this.#options;
    return new Answer(
      redacted,
      (packet) => this.#redactor?.redact("filter", { what: "packet", bytes: packet }).bytes ?? packet,
    );
  }
}

function sameParts(one: readonly AnswerPart[], other: readonly AnswerPart[]): boolean {
  return one.length === other.length && one.every(({ key }, index) => key === other[index]!.key);
}

/** A packet with its length in front. */
function framed(packet: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + packet.length);
  new DataView(bytes.buffer).setUint32(0, packet.length);
  bytes.set(packet, 4);
  return bytes;
}
