import { setImmediate } from "node:timers";

/** Something that holds back what it has to write. */
export interface Writing {
  /** Writes what waits. */
  flush(): void;
}

/** Those who have something to write. */
let dirty: Writing[] = [];

/**
 * What is answered in one turn of the event loop is written at its end, on one socket after the other: the first
 * write wakes the MTA, which is the dearest part of it, and finds it awake for the rest. With 16 connections a
 * message costs a quarter less by it on Node and an eighth less on Bun; on Deno it gained nothing.
 */
export function flushAtEndOfTurn(socket: Writing): void {
  if (dirty.push(socket) === 1) setImmediate(flushAll);
}

function flushAll(): void {
  const sockets = dirty;
  dirty = [];
  for (const socket of sockets) socket.flush();
}
