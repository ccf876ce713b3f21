import type { Command, CommandType } from "../protocol/commands.ts";
import type { FilterEnd } from "../protocol/filter_end.ts";
import type { Slice } from "../wire/slice.ts";
import type { Connection } from "./connection.ts";
import type { PlanStep } from "./edits/plan.ts";
import type { Sender } from "./envelope.ts";
import type { Memory } from "./memory.ts";
import { type Mta, mtaOf } from "./mta.ts";
import type { ObservedConnection, ObservedMessage, ObservedRecipient } from "./observer.ts";
import type { Observers } from "./observers.ts";
import type { Greeting } from "./session.ts";
import type { Verdict } from "./verdict.ts";

/** What is looked at of a conversation. */
interface ObservedConversation {
  readonly end: FilterEnd;
  readonly connection: Connection;
  readonly greeting: Greeting | undefined;
}

/** A connection under observation. */
export class ConnectionObservation implements ObservedConnection {
  readonly peer: string;
  readonly startTime: number = performance.now();
  messages = 0;
  error: unknown;
  readonly observers: Observers;
  readonly conversation: ObservedConversation;
  #endTime: number | undefined;

  constructor(observers: Observers, conversation: ObservedConversation, peer: string) {
    this.observers = observers;
    this.conversation = conversation;
    this.peer = peer;
    observers.tell("connectionOpened", this);
  }

  get mta(): Mta {
    return mtaOf(this.conversation.end.macros);
  }

  get client(): Connection {
    return this.conversation.connection;
  }

  get duration(): number {
    return (this.#endTime ?? performance.now()) - this.startTime;
  }

  /** It has ended. */
  end(error: unknown): void {
    this.error = error;
    this.#endTime = performance.now();
    this.observers.tell("connectionClosed", this);
  }
}

/** A message under observation. */
export class MessageObservation implements ObservedMessage {
  readonly connection: ConnectionObservation;
  readonly client: Connection;
  startTime = 0;
  filterTime = 0;
  bodyBytes = 0;
  verdict: Verdict | undefined;
  filter: string | undefined;
  edits: readonly PlanStep[] = [];
  error: unknown;
  readonly #memory: Memory;
  #helo: Greeting | undefined;
  #began = false;
  #endTime: number | undefined;
  /** When the event came that is being looked at. */
  #since = 0;

  constructor(connection: ConnectionObservation, memory: Memory) {
    this.connection = connection;
    this.client = connection.client;
    this.#memory = memory;
  }

  get helo(): string | undefined {
    return this.#helo?.hostname;
  }

  get queueId(): string | undefined {
    return this.#memory.macros.get("i") || undefined;
  }

  get sender(): Sender | undefined {
    return this.#memory.sender;
  }

  get recipients(): readonly ObservedRecipient[] {
    return this.#memory.recipients;
  }

  get headers(): number {
    return this.#memory.headers.length;
  }

  get stage(): CommandType {
    return this.#memory.stage;
  }

  get duration(): number {
    return this.#began ? (this.#endTime ?? performance.now()) - this.startTime : 0;
  }

  /** How long the filters have held its events, the one that they may be `holding` included. */
  spent(holding: boolean): number {
    return this.filterTime + (holding ? performance.now() - this.#since : 0);
  }

  /** An event has come, and is remembered. */
  came(event: Command<Slice>): void {
    this.#since = performance.now();
    this.connection.observers.heard(this.#since);
    if (event.type === "body") this.bodyBytes += event.chunk.length;
    if (this.#began || !this.#memory.reached("mail")) return;
    this.filterTime = 0; // What CONNECT and HELO took is none of the message's.
    this.#begin();
  }

  /** An event is being answered. */
  answered(type: CommandType): void {
    const { observers } = this.connection;
    const startTime = this.#since;
    const now = performance.now();
    const duration = now - startTime;
    observers.heard(now, this);
    if (this.#endTime === undefined) this.filterTime += duration;
    observers.tell("eventAnswered", { message: this, type, startTime, duration });
  }

  /** The verdict is known. */
  decided(verdict: Verdict, filter: string): void {
    this.verdict = verdict;
    this.filter = filter || undefined;
    if (this.#began) this.connection.observers.tell("verdictReached", this);
  }

  /** The verdict was said: to a client that is refused before MAIL, it is all that there is of a message. */
  said(): void {
    this.#begin();
    this.#end();
  }

  /** The message has gone before its verdict was said. */
  gone(error: unknown): void {
    if (!this.#began) return;
    this.error ??= error;
    this.#end();
  }

  #end(): void {
    if (this.#endTime !== undefined) return;
    this.#endTime = performance.now();
    this.connection.observers.tell("messageEnded", this);
  }

  #begin(): void {
    if (this.#began) return;
    this.#began = true;
    this.#helo = this.connection.conversation.greeting;
    this.startTime = this.#since;
    const { connection } = this;
    connection.messages++;
    connection.observers.tell("messageBegan", this);
    // A verdict on the client was there before its message.
    if (this.verdict !== undefined) connection.observers.tell("verdictReached", this);
  }
}
