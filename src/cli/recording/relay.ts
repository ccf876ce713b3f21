import type { Socket } from "../../adapters/socket.ts";
import { type Deed, NO_BYTES, OTHER, type Side } from "./entry.ts";
import { END, Tap } from "./tap.ts";

/** Who looks at what passes. */
export interface Watcher {
  /** Told after the bytes have been passed on. */
  saw(side: Side, deed: Deed): void;
  /** Both connections are gone. The last that is told. */
  closed(): void;
  /** While it resolves, nothing more is read: whoever prints or records is behind. */
  room(): Promise<void> | undefined;
}

/** One of the two connections of a relay. */
interface Line {
  readonly socket: Socket;
  readonly tap: Tap;
  ended: boolean;
  closed: boolean;
  /** Why nothing is read from it: the other side takes no more, or the watcher is behind. */
  blocked: boolean;
  behind: boolean;
}

/**
 * Passes on all that an MTA and a filter send, unchanged and at once, whatever it is; at the pace of the slower one,
 * and of who watches. A side that closes is closed on the other side, which may still answer.
 */
export class Relay {
  readonly #watcher: Watcher;
  readonly #lines: Readonly<Record<Side, Line>>;
  #destroyed = false;

  constructor(sockets: Readonly<Record<Side, Socket>>, watcher: Watcher) {
    this.#watcher = watcher;
    const line = (socket: Socket): Line => ({
      socket,
      tap: new Tap(),
      ended: false,
      closed: false,
      blocked: false,
      behind: false,
    });
    this.#lines = { mta: line(sockets.mta), filter: line(sockets.filter) };
    this.#start("filter");
    this.#start("mta");
  }

  /** Ends both connections at once; that they end is not told of the two sides, who have not done it. */
  destroy(): void {
    this.#destroyed = true;
    for (const { socket } of Object.values(this.#lines)) socket.destroy();
  }

  #start(side: Side): void {
    const line = this.#lines[side];
    const other = this.#lines[OTHER[side]];
    line.socket.start({
      data: (lent) => {
        const chunk = Uint8Array.from(lent);
        if (!other.socket.write(chunk)) this.#hold(line, "blocked", true);
        for (const deed of line.tap.hear(chunk)) this.#watcher.saw(side, deed);
        this.#keepPace(line);
      },
      drain: () => this.#hold(other, "blocked", false),
      end: () => {
        this.#end(side);
        other.socket.end();
        if (!other.ended) return;
        line.socket.close();
        other.socket.close();
      },
      closed: (error) => {
        line.closed = true;
        if (error === undefined) this.#end(side);
        else this.#lose(side, error);
        // Whatever it said last still goes out.
        if (!other.closed) other.socket.close();
        else this.#watcher.closed();
      },
    });
  }

  /** Stops reading, or reads on when nothing else is against it. */
  #hold(line: Line, reason: "blocked" | "behind", on: boolean): void {
    const before = line.blocked || line.behind;
    line[reason] = on;
    const after = line.blocked || line.behind;
    if (before !== after && !line.closed) line.socket[after ? "pause" : "resume"]();
  }

  #keepPace(line: Line): void {
    const room = line.behind ? undefined : this.#watcher.room();
    if (room === undefined) return;
    this.#hold(line, "behind", true);
    room.finally(() => this.#hold(line, "behind", false));
  }

  #end(side: Side): void {
    const line = this.#lines[side];
    if (line.ended || this.#destroyed) return;
    line.ended = true;
    for (const deed of [...line.tap.end(), END]) this.#watcher.saw(side, deed);
  }

  #lose(side: Side, error: unknown): void {
    const line = this.#lines[side];
    if (this.#destroyed) return;
    line.ended = true;
    const why = error instanceof Error ? error.message : String(error);
    for (const deed of line.tap.end()) this.#watcher.saw(side, deed);
    this.#watcher.saw(side, { what: "lost", bytes: NO_BYTES, why });
  }
}
