import type { LimitName, Limits } from "../session/limits.ts";

/** What is to be done with a connection that is one too many. */
export interface TooMany {
  readonly limit: LimitName;
  readonly outcome: "answered" | "closed";
}

/** Counts those who are in, and says who is one too many. */
export class Gate {
  readonly #limits: Required<Limits>;
  #open = 0;
  /** How many are in from each address; kept only where they are limited. */
  readonly #peers: Map<string, number> = new Map();

  constructor(limits: Required<Limits>) {
    this.#limits = limits;
  }

  /** Whether it matters where those who come are from. */
  get countsPeers(): boolean {
    return this.#limits.connectionsPerPeer < Infinity;
  }

  /** Lets one in, from `host`; not if it must be closed at once. */
  enter(host: string): TooMany | undefined {
    const { connections, connectionsPerPeer } = this.#limits;
    const peers = this.countsPeers ? this.#peers.get(host) ?? 0 : 0;
    const tooMany = over("connections", this.#open, connections) ??
      over("connectionsPerPeer", peers, connectionsPerPeer);
    if (tooMany?.outcome === "closed") return tooMany;
    this.#open++;
    if (this.countsPeers) this.#peers.set(host, peers + 1);
    return tooMany;
  }

  /** One has left. */
  leave(host: string): void {
    this.#open--;
    if (!this.countsPeers) return;
    const peers = (this.#peers.get(host) ?? 1) - 1;
    if (peers > 0) this.#peers.set(host, peers);
    else this.#peers.delete(host);
  }
}

/** Those over a limit can still be given an answer, as long as they are no more than those under it. */
function over(limit: LimitName, count: number, allowed: number): TooMany | undefined {
  if (count < allowed) return undefined;
  return { limit, outcome: count < 2 * allowed ? "answered" : "closed" };
}
