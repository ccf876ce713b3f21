/** A message past the session, from the bytes of its commands to those of the answers, without a socket. */

import type { Filter } from "../../../mod.ts";
import { encodeCommand } from "../../../src/protocol/mod.ts";
import { Conversation } from "../../../src/session/conversation.ts";
import { concat } from "../../../src/wire/concat.ts";
import { GREETING, MESSAGE } from "../conversation.ts";
import { FILTERS } from "../filters.ts";

/** Plays the MTA to a filter: gives it some bytes, and waits until it writes. */
class Wire {
  readonly #conversation: Conversation;
  #written: () => void = () => {};

  constructor(filter: Filter) {
    this.#conversation = new Conversation(filter, {
      peer: "memory",
      write: () => {
        this.#written();
        return true;
      },
      close() {},
      destroy() {},
      pause() {},
      resume() {},
    });
  }

  async say(bytes: Uint8Array): Promise<void> {
    const written = new Promise<void>((resolve) => this.#written = resolve);
    this.#conversation.receive(bytes, false);
    this.#conversation.work();
    await written;
  }
}

const each = new Wire(FILTERS.answered);
for (const command of GREETING) await each.say(encodeCommand(command));
const packets = MESSAGE.map((command) => encodeCommand(command));
Deno.bench("session: a message, every event answered", async () => {
  for (const packet of packets) await each.say(packet);
});

const once = new Wire(FILTERS.end);
await once.say(encodeCommand(GREETING[0]!));
const greeting = concat(GREETING.slice(1).map((command) => encodeCommand(command)));
const message = concat(packets);
let first = true;
Deno.bench("session: a message, one answer at the end", async () => {
  await once.say(first ? concat([greeting, message]) : message);
  first = false;
});
