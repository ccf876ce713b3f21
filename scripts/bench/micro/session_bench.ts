/** A message past the session, from the bytes of its commands to those of the answers, without a socket. */

import { accept, defineFilter, type Filter, type Session } from "../../../mod.ts";
import { type Command, encodeCommand } from "../../../src/protocol/mod.ts";
import { Conversation } from "../../../src/session/conversation.ts";
import { concat } from "../../../src/wire/concat.ts";
import type { Text } from "../../../src/wire/text.ts";

const GREETING: readonly Command<Text>[] = [
  { type: "negotiate", version: 6, actions: 0x1ff, protocol: 0x1fffff, extra: "" },
  { type: "connect", hostname: "client.example.org", family: "inet", port: 25, address: "192.0.2.25" },
  { type: "helo", hostname: "client.example.org" },
];

const MESSAGE: readonly Command<Text>[] = [
  { type: "mail", address: "<sender@example.org>", arguments: [] },
  { type: "rcpt", address: "<recipient@example.net>", arguments: [] },
  { type: "data" },
  ...Array.from({ length: 12 }, (_, at): Command<Text> => ({
    type: "header",
    name: `X-Header-${at}`,
    value: " a header value of an ordinary length",
  })),
  { type: "endOfHeaders" },
  { type: "body", chunk: new Uint8Array(4_096) },
  { type: "endOfMessage", chunk: "" },
];

async function seeAll(session: Session) {
  await session.helo();
  await session.envelopeFrom();
  for await (const _recipient of session.envelopeRecipients());
  await session.data();
  for await (const _header of session.headers);
  for await (const _chunk of session.body);
  await session.endOfMessage();
  return accept();
}

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
    this.#conversation.receive(bytes);
    await written;
  }
}

const answered = defineFilter({
  answers: ["connect", "helo", "mail", "rcpt", "data", "headers", "body", "unknown"],
}, seeAll);
const end = defineFilter({ answers: [] }, seeAll);

const each = new Wire(answered);
for (const command of GREETING) await each.say(encodeCommand(command));
const packets = MESSAGE.map((command) => encodeCommand(command));
Deno.bench("session: a message, every event answered", async () => {
  for (const packet of packets) await each.say(packet);
});

const once = new Wire(end);
await once.say(encodeCommand(GREETING[0]!));
const greeting = concat(GREETING.slice(1).map((command) => encodeCommand(command)));
const message = concat(packets);
let first = true;
Deno.bench("session: a message, one answer at the end", async () => {
  await once.say(first ? concat([greeting, message]) : message);
  first = false;
});
