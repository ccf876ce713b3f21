import { createHash, type Hash } from "node:crypto";
import { Buffer } from "node:buffer";
import { describe, describeChunk } from "../../protocol/description.ts";
import { decodeReply, type Reply } from "../../protocol/mod.ts";

/** A part of an answer, as two are compared: an edit, or the answer itself. */
export interface AnswerPart {
  /** The same for parts that are the same. */
  readonly key: string;
  /** What a person reads. */
  readonly text: string;
}

/** The most bytes of a value that a line shows. */
const LONGEST = 300;

/**
 * Collects the parts of one answer. The pieces of a new body are one part, however they are cut; that the filter is
 * still at work is none, because it depends on the clock.
 */
export class Answer {
  readonly #parts: AnswerPart[] = [];
  readonly #bySize: boolean;
  readonly #redact: (packet: Uint8Array) => Uint8Array;
  #body: { readonly hash: Hash; readonly first: Uint8Array; size: number } | undefined;

  /**
   * Of bodies that were left out of a redacted recording only the size can be compared; `redact` leaves out of each
   * packet what the recording does not have.
   */
  constructor(redacted: boolean, redact: (packet: Uint8Array) => Uint8Array = (packet) => packet) {
    this.#bySize = redacted;
    this.#redact = redact;
  }

  /** Takes the next packet of the answer. */
  take(said: Uint8Array): void {
    const packet = this.#redact(said);
    const reply = understood(packet);
    if (reply?.type === "replaceBody") return this.#takeBody(reply.chunk);
    this.#endBody();
    if (reply?.type === "progress") return;
    this.#parts.push({
      key: Buffer.from(packet).toString("latin1"),
      text: reply === undefined ? `${describeChunk(packet)} that is no answer` : describe(reply, LONGEST),
    });
  }

  /** All parts so far. */
  get parts(): readonly AnswerPart[] {
    this.#endBody();
    return this.#parts;
  }

  #takeBody(chunk: Uint8Array): void {
    this.#body ??= { hash: createHash("sha256"), first: chunk, size: 0 };
    this.#body.hash.update(chunk);
    this.#body.size += chunk.length;
  }

  #endBody(): void {
    if (this.#body === undefined) return;
    const { hash, first, size } = this.#body;
    this.#body = undefined;
    const start = describeChunk(first)?.replace(/^\d+ bytes /, "") ?? "";
    this.#parts.push({
      key: `body ${this.#bySize ? size : hash.digest("hex")}`,
      text: `replaceBody ${size} bytes ${start}`.trimEnd(),
    });
  }
}

/** The parts of a whole answer. */
export function partsOf(packets: readonly Uint8Array[], redacted: boolean): readonly AnswerPart[] {
  const answer = new Answer(redacted);
  for (const packet of packets) answer.take(packet);
  return answer.parts;
}

/** What a filter says in a packet; `undefined` if that is not known. */
export function understood(packet: Uint8Array): Reply | undefined {
  try {
    return decodeReply(packet);
  } catch {
    return undefined; // It is shown as it is.
  }
}

/** The key of an answer that says to go on. */
export const CONTINUE = "c";
