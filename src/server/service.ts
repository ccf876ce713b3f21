import type { Socket } from "../adapters/socket.ts";
import { Conversation, type ConversationOptions } from "../session/conversation.ts";
import type { Filter } from "../session/filter.ts";
import { type Listed, Roster } from "./roster.ts";

/** How often deadlines are looked at, in milliseconds; more often if one is short. */
const TICK = 1000;

/** A connection that is served. */
interface Served extends Listed {
  readonly conversation: Conversation;
  readonly socket: Socket;
}

/** A filter at work on connections: keeps them, and looks after their deadlines by one timer for all. */
export class Service {
  readonly #filter: Filter;
  readonly #options: ConversationOptions;
  readonly #open: Roster<Served> = new Roster();
  #timer: ReturnType<typeof setInterval> | undefined;
  #whenIdle: (() => void)[] = [];
  #closing = false;

  constructor(filter: Filter, options: ConversationOptions) {
    this.#filter = filter;
    this.#options = options;
  }

  /** How many connections are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Takes a connection. */
  readonly take = (socket: Socket): void => {
    const conversation = new Conversation(this.#filter, socket, this.#options);
    const served: Served = { conversation, socket, place: 0 };
    this.#open.add(served);
    this.#timer ??= setInterval(() => this.#tick(), this.#interval());
    socket.start({
      data: (chunk) => conversation.receive(chunk),
      end: () => conversation.receiveEnd(),
      drain: () => conversation.receiveDrain(),
      closed: (error) => {
        conversation.lose(error);
        this.#open.remove(served);
        if (this.#open.size === 0) this.#rest();
      },
    });
    if (this.#closing) conversation.finish();
  };

  /** Waits until no connection is open. */
  idle(): Promise<void> {
    return this.#open.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** Lets each connection end when its message has its verdict. */
  drain(): void {
    this.#closing = true;
    for (const { conversation } of this.#open.members()) conversation.finish();
  }

  /** Ends all connections at once. */
  destroy(): void {
    for (const { socket } of this.#open.members()) socket.destroy();
  }

  #tick(): void {
    const now = performance.now();
    for (const { conversation } of this.#open.members()) conversation.tick(now);
  }

  #interval(): number {
    const timeouts: number[] = Object.values(this.#options.timeouts ?? {});
    return Math.max(5, Math.min(TICK, ...timeouts.map((timeout) => timeout / 4)));
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}
