import { COMMANDS, type CommandType } from "./commands.ts";
import type { Agreement } from "./replies.ts";

/** A place in the conversation is called by the last command that moved it on. */
export type PlaceName =
  | "start"
  | Exclude<CommandType, "unknown" | "macros" | "abort" | "quit" | "quitNewConnection">;

/** MAIL and HELO may come at any time after CONNECT; within a message they end it, as ABORT does. */
const ANEW = ["helo", "mail"] as const;

/** Which commands may come at which place. */
const NEXT: Readonly<Record<PlaceName, readonly (Exclude<PlaceName, "start"> | "unknown")[]>> = {
  start: ["negotiate"],
  negotiate: ["connect"],
  connect: [...ANEW, "unknown"],
  helo: [...ANEW, "unknown"],
  mail: ["rcpt", "unknown", ...ANEW],
  // Postfix at version 2 and 3 has no DATA; a rejected DATA leaves the transaction open.
  rcpt: ["rcpt", "data", "header", "endOfHeaders", "unknown", ...ANEW],
  data: ["header", "endOfHeaders", "rcpt", "data", "unknown", ...ANEW],
  header: ["header", "endOfHeaders", ...ANEW],
  endOfHeaders: ["body", "endOfMessage", ...ANEW],
  body: ["body", "endOfMessage", ...ANEW],
  endOfMessage: [...ANEW, "unknown"],
};

/** The places at which a message is under way, so that HELO, MAIL or ABORT end it without a verdict. */
const IN_MESSAGE: readonly PlaceName[] = ["mail", "rcpt", "data", "header", "endOfHeaders", "body"];

/** Whether a command begins a new message, or the client's session anew. */
export function beginsAnew(type: CommandType | undefined): boolean {
  return (ANEW as readonly unknown[]).includes(type);
}

/** Whether both sides do without this command: it was negotiated away, or is younger than the version. */
export function isAbsent(type: CommandType, agreement: Agreement | undefined): boolean {
  if (agreement === undefined) return false;
  const { skip = 0, since = 0 } = COMMANDS[type];
  return (agreement.protocol & skip) !== 0 || agreement.version < since;
}

/** A place in the conversation. */
export class Place {
  readonly name: PlaceName;
  /** Whether a message is under way. */
  readonly inMessage: boolean;
  /** Where the commands lead that may come next. */
  readonly #next: Map<CommandType, Place> = new Map();

  private constructor(name: PlaceName) {
    this.name = name;
    this.inMessage = IN_MESSAGE.includes(name);
  }

  /** All places, and where the commands lead from each. */
  static readonly all: Readonly<Record<PlaceName, Place>> = Place.#linked();

  static #linked(): Record<PlaceName, Place> {
    const names = Object.keys(NEXT) as PlaceName[];
    const all = Object.fromEntries(names.map((name) => [name, new Place(name)])) as Record<PlaceName, Place>;
    for (const place of Object.values(all)) {
      // A second HELO within a connection changes nothing of what may follow; an unknown command never does.
      for (const type of NEXT[place.name]) place.#next.set(type, type === "unknown" ? place : all[type]);
      if (place.name === "start") continue;
      for (const type of ["macros", "quit"] as const) place.#next.set(type, place);
      place.#next.set("abort", place.inMessage ? all.helo : place);
      place.#next.set("quitNewConnection", all.negotiate);
    }
    return all;
  }

  /**
   * Where a command leads from here, or `undefined` if it may not come. A command that both sides do without is stepped
   * over: what may follow it may follow what came before it.
   */
  after(type: CommandType, agreement?: Agreement): Place | undefined {
    const place = this.#next.get(type) ?? this.#beyond(type, agreement, new Set([this]));
    return place !== undefined && type === "unknown" ? this : place;
  }

  #beyond(type: CommandType, agreement: Agreement | undefined, seen: Set<Place>): Place | undefined {
    for (const [step, place] of this.#next) {
      if (seen.has(place) || !isAbsent(step, agreement)) continue;
      const found = place.#next.get(type) ?? place.#beyond(type, agreement, seen.add(place));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
