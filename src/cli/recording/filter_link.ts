import type { Address } from "../../adapters/address.ts";
import { runtimeAdapter } from "../../adapters/runtime.ts";
import { addressError, type Socket } from "../../adapters/socket.ts";
import { MilterError } from "../../errors.ts";
import { decodeReply, type Reply } from "../../protocol/mod.ts";
import { Tap } from "./tap.ts";

/** What a filter does while it is waited for: a reply, its end, silence, or what is no reply. */
export type Heard =
  | { readonly what: "reply"; readonly packet: Uint8Array; readonly reply: Reply }
  | { readonly what: "closed" }
  | { readonly what: "silent" }
  | { readonly what: "broken"; readonly packet?: Uint8Array; readonly why: string };

/** How many bytes of replies may wait to be looked at. */
const HIGH_WATER = 1024 * 1024;

/** A connection to a filter, to which any bytes can be sent. */
export class FilterLink implements Disposable {
  readonly #socket: Socket;
  readonly #tap: Tap = new Tap();
  readonly #heard: Heard[] = [];
  #waiting = 0;
  #paused = false;
  #closed = false;
  #drained: (() => void) | undefined;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.start({
      data: (chunk) => {
        for (const { what, bytes, why = "" } of this.#tap.hear(chunk)) {
          this.#hear(what === "packet" ? heardIn(bytes) : { what: "broken", why });
          this.#waiting += bytes.length;
        }
        if (this.#waiting <= HIGH_WATER || this.#paused) return;
        this.#paused = true;
        socket.pause();
      },
      end: () => this.#close(),
      drain: () => this.#drained?.(),
      closed: () => this.#close(),
    });
  }

  /**
   * Connects to a filter.
   *
   * @throws {MilterError} `CONNECTION` if nobody listens there.
   */
  static async connect(address: Address, timeout: number): Promise<FilterLink> {
    const connecting = (await runtimeAdapter()).connect(address);
    const socket = await within(connecting, timeout, undefined).catch((error) => {
      throw addressError("connect to", address, error);
    });
    if (socket !== undefined) return new FilterLink(socket);
    connecting.then((late) => new FilterLink(late)[Symbol.dispose](), () => {}); // Nobody waits for it.
    throw addressError("connect to", address, new Error(`it takes longer than ${timeout / 1000} s`));
  }

  /** Sends bytes as they are, at the filter's pace; tells whether it took them within so many milliseconds. */
  async send(bytes: Uint8Array, timeout: number): Promise<boolean> {
    if (this.#closed || this.#socket.write(bytes)) return true;
    return await within(new Promise<true>((resolve) => this.#drained = () => resolve(true)), timeout, false);
  }

  /** The next thing that the filter does, were it nothing for so many milliseconds. */
  async next(timeout: number): Promise<Heard> {
    if (this.#heard.length === 0 && !this.#closed) {
      await within(new Promise<void>((resolve) => this.#wake = resolve), timeout, undefined);
    }
    return this.ready() ?? { what: this.#closed ? "closed" : "silent" };
  }

  /** What it has done and was not asked for yet. */
  ready(): Heard | undefined {
    const heard = this.#heard.shift();
    if (heard?.what === "reply") this.#waiting -= heard.packet.length;
    if (this.#paused && this.#waiting <= HIGH_WATER) {
      this.#paused = false;
      this.#socket.resume();
    }
    return heard;
  }

  /** Says no more. */
  end(): void {
    this.#socket.end();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #hear(heard: Heard): void {
    this.#heard.push(heard);
    this.#wake?.();
  }

  #close(): void {
    if (this.#closed) return;
    for (const { why = "" } of this.#tap.end()) this.#hear({ what: "broken", why });
    this.#closed = true;
    this.#wake?.();
    this.#drained?.();
  }
}

function heardIn(packet: Uint8Array): Heard {
  try {
    return { what: "reply", packet, reply: decodeReply(packet) };
  } catch (error) {
    if (error instanceof MilterError) return { what: "broken", packet, why: error.message };
    throw error;
  }
}

/** What a promise gives, or after so many milliseconds something else. */
async function within<Value, Late>(
  promise: Promise<Value>,
  timeout: number,
  late: Late,
): Promise<Value | Late> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<Late>((resolve) => timer = setTimeout(() => resolve(late), timeout)),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
