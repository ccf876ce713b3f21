import type { MilterError } from "../errors.ts";
import { isIn, type Network } from "../adapters/network.ts";
import type { Socket } from "../adapters/socket.ts";
import { Conversation, type ConversationOptions } from "../session/conversation.ts";
import type { Filter } from "../session/filter.ts";
import { Load } from "../session/load.ts";
import type { LogEntry } from "../session/log.ts";
import type { LoopBlock, ObservedMessage } from "../session/observer.ts";
import { Quiet } from "../session/quiet.ts";
import { Reporter } from "../session/reporter.ts";
import { checkTimeouts } from "../session/timeouts.ts";
import { Gate } from "./gate.ts";
import { Roster } from "./roster.ts";
import { Served } from "./served.ts";

/** How often deadlines are looked at, in milliseconds; more often if one is short. */
const TICK = 1000;

/** How late a look may be, in milliseconds, before observers are told that the process was busy, and everybody is. */
const BLOCKED = { told: 200, warned: 3_000 } as const;

/** A filter at work on connections: keeps them, and looks after their deadlines by one timer for all. */
export class Service {
  /** What the next connection is served by. */
  filter: Filter;
  readonly #options: ConversationOptions;
  readonly #load: Load;
  readonly #gate: Gate;
  /** Who may connect; without it everybody may. */
  readonly #allowed: readonly Network[] | undefined;
  readonly #denials: Quiet = new Quiet();
  readonly #misses: Quiet = new Quiet();
  readonly #open: Roster<Served> = new Roster();
  #timer: ReturnType<typeof setInterval> | undefined;
  /** When the next look at the deadlines is due. */
  #due = Infinity;
  #whenIdle: (() => void)[] = [];
  /** How long connections are kept that have no message in progress, once all are to end. */
  #idle: number | undefined;

  /** @throws {TypeError | RangeError} if an option is none. */
  constructor(filter: Filter, options: ConversationOptions, allowed?: readonly Network[]) {
    this.#allowed = allowed;
    this.filter = filter;
    this.#options = options;
    checkTimeouts(options.timeouts);
    this.#load = new Load(options.limits, new Reporter(options));
    this.#gate = new Gate(this.#load.limits);
  }

  /** How many connections are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Takes a connection. */
  readonly take = (socket: Socket): void => {
    if (!this.#admits(socket)) return this.#turnAway(socket);
    // Where it is from costs a system call, and is asked only where it matters.
    const host = this.#gate.countsPeers ? socket.host ?? "" : "";
    const tooMany = this.#gate.enter(host);
    if (tooMany?.outcome === "closed") {
      const { peer } = socket;
      this.#load.hit(tooMany.limit, { outcome: "closed", peer, message: undefined, where: { peer } });
      return socket.destroy();
    }
    const conversation = new Conversation(this.filter, socket, this.#options, this.#load, tooMany?.limit);
    const served = new Served(socket, conversation, host, this.#leave);
    this.#open.add(served);
    if (this.#timer === undefined) this.#watch();
    socket.start(served);
    // Its first wait begins now.
    conversation.tick(performance.now());
    if (this.#idle !== undefined) conversation.finish(this.#idle);
  };

  readonly #leave = (served: Served): void => {
    this.#open.remove(served);
    this.#gate.leave(served.host);
    if (this.#open.size === 0) this.#rest();
  };

  /** Whether a peer may connect; the file of a Unix socket has said so already. */
  #admits(socket: Socket): boolean {
    if (this.#allowed === undefined) return true;
    const { host } = socket;
    return host === undefined || isIn(this.#allowed, host);
  }

  #turnAway(socket: Socket): void {
    const { peer } = socket;
    this.#load.reporter.observers?.tell("connectionDenied", { peer });
    this.#warnNowAndThen(this.#denials, { message: `Closed a connection: ${peer} may not connect`, peer });
    socket.destroy();
  }

  /** Learns that a connection could not be taken. */
  readonly miss = (error: MilterError): void => {
    this.#load.reporter.observers?.tell("acceptFailed", { error });
    this.#warnNowAndThen(this.#misses, { message: error.message, error });
  };

  #warnNowAndThen(quiet: Quiet, { message, ...where }: Omit<LogEntry, "level">): void {
    const more = quiet.next(performance.now());
    if (more === undefined) return;
    const since = more === 0 ? "" : `, after ${more} more since the last warning`;
    this.#load.reporter.report({ ...where, level: "warning", message: `${message}${since}` });
  }

  /** Warns of something that concerns no connection. */
  warn(message: string): void {
    this.#load.reporter.report({ level: "warning", message });
  }

  /** Waits until no connection is open. */
  idle(): Promise<void> {
    return this.#open.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** Lets each connection end when its message has its verdict, and nothing follows for `idle` milliseconds. */
  drain(idle: number): void {
    this.#idle = idle;
    for (const { conversation } of this.#open.members()) conversation.finish(idle);
    if (this.#timer === undefined) return;
    this.#watch();
    this.#tick();
  }

  /** Lets the policy answer what filters still hold, and ends all connections after that. */
  cut(): void {
    for (const { conversation } of this.#open.members()) conversation.cut();
  }

  /** Ends all connections at once. */
  destroy(): void {
    for (const { socket } of this.#open.members()) socket.destroy();
  }

  #tick(): void {
    const now = performance.now();
    const late = now - this.#due;
    const message = this.#nextDue(now + this.#interval());
    if (late >= BLOCKED.told) this.#tellBlock({ duration: late, message });
    for (const { conversation } of this.#open.members()) conversation.tick(now);
  }

  #tellBlock(block: LoopBlock): void {
    const { reporter } = this.#load;
    reporter.observers?.tell("loopBlocked", block);
    if (block.duration < BLOCKED.warned) return;
    reporter.report({
      level: "warning",
      message: `The process was busy for ${Math.round(block.duration)} ms, and served nobody`,
      stage: block.message?.stage,
      queueId: block.message?.queueId,
    });
  }

  /** Begins to look at deadlines, or to look more often. */
  #watch(): void {
    clearInterval(this.#timer);
    const interval = this.#interval();
    this.#timer = setInterval(() => this.#tick(), interval);
    this.#nextDue(performance.now() + interval);
  }

  /** Sets when the next look is due, and gives the message that went on first after the last was. */
  #nextDue(due: number): ObservedMessage | undefined {
    this.#due = due;
    return this.#load.reporter.observers?.blocker(due);
  }

  #interval(): number {
    const timeouts: (number | undefined)[] = [...Object.values(this.#options.timeouts ?? {}), this.#idle];
    return Math.max(5, Math.min(...timeouts.map((timeout = Infinity) => timeout / 4), TICK));
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}
