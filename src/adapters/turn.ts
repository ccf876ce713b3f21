import { setImmediate } from "node:timers";

/** A connection with something to write. */
interface Flushable {
  flush(): void;
}

let waiting: Flushable[] = [];

/**
 * Has what was answered in one turn of the event loop written at its end, one connection after the other: the
 * first write wakes the MTA, which is the dearest part of it, and finds it awake for the rest.
 *
 * Measured with 16 connections: a message costs Node a quarter less, Bun a tenth. Deno, which hands all that was
 * read in a turn over at once, gains nothing.
 */
export function flushAtEndOfTurn(connection: Flushable): void {
  if (waiting.push(connection) === 1) setImmediate(flushAll);
}

function flushAll(): void {
  const connections = waiting;
  waiting = [];
  for (const connection of connections) connection.flush();
}
