import type { Socket, SocketEvents } from "../adapters/socket.ts";
import type { Conversation } from "../session/conversation.ts";
import type { Listed } from "./roster.ts";

/** A connection that is served: what its socket tells goes to its conversation. */
export class Served implements Listed, SocketEvents {
  readonly socket: Socket;
  readonly conversation: Conversation;
  /** Where it is from, if that is counted. */
  readonly host: string;
  place = 0;
  readonly #leave: (served: Served) => void;

  /** `leave` is told when the connection is gone. */
  constructor(socket: Socket, conversation: Conversation, host: string, leave: (served: Served) => void) {
    this.socket = socket;
    this.conversation = conversation;
    this.host = host;
    this.#leave = leave;
  }

  data(chunk: Uint8Array, given: boolean): void {
    this.conversation.receive(chunk, given);
  }

  endOfTurn(): void {
    this.conversation.work();
  }

  end(): void {
    this.conversation.receiveEnd();
  }

  drain(): void {
    this.conversation.receiveDrain();
  }

  closed(error?: unknown): void {
    this.conversation.lose(error);
    this.#leave(this);
  }
}
