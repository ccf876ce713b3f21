import { MilterError } from "../errors.ts";
import { ACTION } from "../protocol/flags.ts";
import { concat } from "../wire/concat.ts";
import { encodeText } from "../wire/text.ts";
import { Iteration } from "./iteration.ts";
import type { Part } from "./part.ts";
import type { Body } from "./session.ts";
import { streamOf } from "./stream.ts";
import { handled, PENDING } from "./waiting.ts";

/** The body of the message of a part. */
export class RunBody implements Body {
  readonly #part: Part;

  constructor(part: Part) {
    this.#part = part;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const part = this.#part;
    const { memory } = part;
    let seen = 0;
    let reading = false;
    const iteration = new Iteration<Uint8Array>(part, () => {
      part.checkSeen("body");
      if (memory.chunks > seen) {
        if (memory.chunk === undefined || memory.chunks > seen + 1) {
          throw new MilterError(
            "PASSED",
            `Cannot read the body: ${memory.chunks - seen} chunks of it have passed`,
          );
        }
        seen++;
        memory.chunkTaken = true;
        return { done: false, value: memory.chunk };
      }
      return memory.reached("endOfMessage") ? { done: true, value: undefined } : PENDING;
    });
    return {
      next: () => {
        if (!reading) memory.bodyReaders++;
        reading = true;
        return iteration.next();
      },
      return: () => {
        if (reading) memory.bodyReaders--;
        reading = false;
        memory.bodyLeft = true;
        return iteration.return();
      },
    };
  }

  stream(): ReadableStream<Uint8Array> {
    return streamOf(this[Symbol.asyncIterator]());
  }

  collect(options: { readonly limit?: number } = {}): Promise<Uint8Array> {
    return handled(this.#collect(options.limit));
  }

  async #collect(limit: number | undefined): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this) {
      size += chunk.length;
      this.#part.run.keep(chunk.length, size, limit);
      chunks.push(chunk);
    }
    return chunks.length === 1 ? chunks[0]! : concat(chunks);
  }

  replace(content: Uint8Array | string | AsyncIterable<Uint8Array>): void {
    this.#part.checkEdit("replace the body", ACTION.CHANGE_BODY);
    if (typeof content === "string") {
      this.#part.edits.body = encodeText(content.replace(/\r\n|\n|\r/g, "\r\n"));
    } else if (content instanceof Uint8Array) {
      // A copy; that of a Buffer's own slice() would be none.
      this.#part.edits.body = new Uint8Array(content);
    } else if (typeof content === "object" && content !== null && Symbol.asyncIterator in content) {
      this.#part.edits.body = content;
    } else {
      throw new TypeError(
        `Cannot replace the body: it must be bytes, a string or a stream of bytes, not ${typeof content}`,
      );
    }
  }
}
