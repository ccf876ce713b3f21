import { ACTION } from "../protocol/flags.ts";
import type { HeaderPlace } from "./edits/header_order.ts";
import type { Header } from "./header.ts";
import { Iteration, Loop } from "./iteration.ts";
import type { Part } from "./part.ts";
import type { Headers } from "./session.ts";
import { PENDING } from "./waiting.ts";

/** The headers of the message of a part. */
export class RunHeaders implements Headers {
  readonly #part: Part;

  constructor(part: Part) {
    this.#part = part;
  }

  [Symbol.asyncIterator](): AsyncIterator<Header> {
    return this.#iterate(() => true);
  }

  named(...names: readonly string[]): AsyncIterable<Header> {
    const wanted = new Set(names.map((name) => name.toLowerCase()));
    return new Loop(() => this.#iterate((header) => wanted.has(header.name.toLowerCase())));
  }

  collect(): Promise<readonly Header[]> {
    const { memory } = this.#part;
    return this.#part.ask(() => this.#complete() ? [...memory.headers] : PENDING);
  }

  getAll(name: string): Promise<readonly Header[]> {
    const { memory } = this.#part;
    return this.#part.ask(() => this.#complete() ? memory.headers.filter(isCalled(name)) : PENDING);
  }

  get(name: string): Promise<Header | undefined> {
    const { memory } = this.#part;
    return this.#part.ask(() => {
      const complete = this.#complete();
      return memory.headers.find(isCalled(name)) ?? (complete ? undefined : PENDING);
    });
  }

  append(name: string, value: string): Header {
    return this.insert(name, value, "end");
  }

  insert(name: string, value: string, place: HeaderPlace): Header {
    this.#part.checkEdit(`add header ${name}`, ACTION.ADD_HEADERS);
    return this.#part.edits.addHeader(name, value, place);
  }

  update(header: Header, value: string): void {
    this.#part.checkEdit(`update header ${header?.name}`, ACTION.CHANGE_HEADERS);
    this.#part.edits.updateHeader(header, value);
  }

  delete(header: Header): void {
    this.#part.checkEdit(`delete header ${header?.name}`, ACTION.CHANGE_HEADERS);
    this.#part.edits.deleteHeader(header);
  }

  /** Goes through the headers that match, which may have come already. */
  #iterate(matches: (header: Header) => boolean): AsyncIterator<Header> {
    const { memory } = this.#part;
    let at = 0;
    return new Iteration(this.#part, () => {
      while (at < memory.headers.length) {
        const header = memory.headers[at++]!;
        if (matches(header)) return { done: false, value: header };
      }
      return this.#complete() ? { done: true, value: undefined } : PENDING;
    });
  }

  #complete(): boolean {
    this.#part.checkSeen("header");
    return this.#part.memory.reached("endOfHeaders");
  }
}

function isCalled(name: string): (header: Header) => boolean {
  const wanted = name.toLowerCase();
  return (header) => header.name.toLowerCase() === wanted;
}
