import { COMMANDS, type CommandType } from "./commands.ts";
import type { Agreement } from "./replies.ts";

/** A place in the conversation: the last command that moved it on. */
export type Place =
  | "start"
  | "negotiate"
  | "connect"
  | "helo"
  | "mail"
  | "rcpt"
  | "data"
  | "header"
  | "endOfHeaders"
  | "body"
  | "endOfMessage";

/** MAIL and HELO may come at any time after CONNECT; within a message they end it, as ABORT does. */
const ANEW = ["helo", "mail"] as const;

/** Which commands move the conversation on from which place. */
const NEXT: Readonly<Record<Place, readonly CommandType[]>> = {
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

/** The places at which a message is under way. */
const IN_MESSAGE: ReadonlySet<Place> = new Set([
  "mail",
  "rcpt",
  "data",
  "header",
  "endOfHeaders",
  "body",
]);

/** Whether a message is under way at this place, so that HELO, MAIL or ABORT end it without a verdict. */
export function inMessage(place: Place): boolean {
  return IN_MESSAGE.has(place);
}

/** Whether both sides do without this command: it was negotiated away, or is younger than the version. */
export function isAbsent(type: CommandType, agreement: Agreement | undefined): boolean {
  if (agreement === undefined) return false;
  const { skip = 0, since = 0 } = COMMANDS[type];
  return (agreement.protocol & skip) !== 0 || agreement.version < since;
}

/**
 * Whether a command may come at this place. A command that both sides do without is stepped over:
 * what may follow it may follow what came before it.
 */
export function mayFollow(place: Place, type: CommandType, agreement?: Agreement): boolean {
  if (type === "macros" || type === "abort" || type === "quit" || type === "quitNewConnection") {
    return place !== "start";
  }
  if (NEXT[place].includes(type)) return true;
  const seen = new Set<Place>();
  const open: Place[] = [place];
  for (let from = open.pop(); from !== undefined; from = open.pop()) {
    if (NEXT[from].includes(type)) return true;
    seen.add(from);
    for (const next of NEXT[from]) {
      if (isPlace(next) && !seen.has(next) && isAbsent(next, agreement)) open.push(next);
    }
  }
  return false;
}

/** The place that a command leads to; commands that do not move the conversation leave it. */
export function placeAfter(place: Place, type: CommandType): Place {
  if (type === "abort") return inMessage(place) ? "helo" : place;
  if (type === "quitNewConnection") return "negotiate";
  // A second HELO within a connection changes nothing of what may follow.
  return isPlace(type) ? type : place;
}

function isPlace(type: CommandType): type is Exclude<Place, "start"> & CommandType {
  return type in NEXT;
}
