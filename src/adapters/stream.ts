import { type Socket, type SocketEvents, WRITE_HIGH_WATER } from "./socket.ts";

/** A pair of Web Streams: a test, a pipe, a tunnel. */
export interface StreamPair {
  /** What the peer sends. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What goes to the peer. */
  readonly writable: WritableStream<Uint8Array>;
}

/** A connection over a pair of Web Streams. */
export class StreamSocket implements Socket {
  readonly peer = "";
  readonly host = undefined;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #queued = 0;
  #blocked = false;
  #ended: Promise<void> | undefined;
  #closing = false;
  #closed = false;
  #paused = false;
  #resume: (() => void) | undefined;
  #events: SocketEvents | undefined;

  constructor({ readable, writable }: StreamPair) {
    this.#reader = readable.getReader();
    this.#writer = writable.getWriter();
  }

  start(events: SocketEvents): void {
    this.#events = events;
    this.#writer.closed.catch((error) => this.#finish(error));
    this.#readAll(events);
  }

  async #readAll(events: SocketEvents): Promise<void> {
    try {
      while (!this.#closed) {
        const { done, value } = await this.#reader.read();
        if (this.#closed) return;
        if (done) return events.end();
        events.data(value, false);
        if (!this.#closed) events.endOfTurn?.();
        if (this.#paused) await new Promise<void>((resolve) => this.#resume = resolve);
      }
    } catch (error) {
      this.#finish(error);
    }
  }

  write(bytes: Uint8Array): boolean {
    this.#queued += bytes.length;
    this.#writer.write(bytes).then(() => {
      this.#queued -= bytes.length;
      if (this.#blocked && this.#queued === 0) {
        this.#blocked = false;
        this.#events?.drain();
      }
    }, (error) => this.#finish(error));
    this.#blocked ||= this.#queued > WRITE_HIGH_WATER;
    return !this.#blocked;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#resume?.();
    this.#resume = undefined;
  }

  end(): void {
    if (this.#closed) return;
    this.#ended ??= this.#writer.close();
    this.#ended.catch((error) => this.#finish(error));
  }

  close(): void {
    if (this.#closing || this.#closed) return;
    this.#closing = true;
    this.#ended ??= this.#writer.close();
    this.#ended.then(() => this.#finish(), (error) => this.#finish(error));
  }

  destroy(): void {
    this.#writer.abort().catch(() => {
      // The stream has failed already, which is told elsewhere.
    });
    this.#finish();
  }

  #finish(error?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.resume();
    this.#reader.cancel().catch(() => {
      // As above.
    });
    this.#events?.closed(error);
  }
}
